"""`regionclip vocab`: vocabularies that ship with regionclip, and what a tower makes of one."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, progress, write_json
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs
from regionclip.formats.tables import as_table
from regionclip.words.file import vocabulary_names, vocabulary_note, vocabulary_path
from regionclip.words.vocabulary import Label, Vocabulary

if TYPE_CHECKING:
    from regionclip.words.check import VocabularyCheck

vocab = typer.Typer(no_args_is_help=True, help="Vocabularies: those that ship, and checks of any.")

Which = Annotated[
    str, typer.Argument(metavar="FILE|NAME", help="A .toml vocabulary, or the name of one that ships (vocab list).")
]


@vocab.command(name="list")
def list_() -> None:
    """The vocabularies that ship; give a name to --prompts-file."""
    for name in vocabulary_names():
        words = Vocabulary.load(name)
        counts = f"{_count(len(words.plain), 'label')}, {_count(len(words.columns), 'attribute')}"
        sys.stdout.write(f"{name}: {counts}\n  {vocabulary_note(name)}\n")


@vocab.command()
def show(
    which: Which,
    toml: Annotated[bool, typer.Option("--toml", help="The file itself, to be changed and saved.")] = False,
) -> None:
    """Labels, phrases and attributes of a vocabulary."""
    words = Vocabulary.load(which)
    if toml:
        sys.stdout.write(vocabulary_path(which).read_text(encoding="utf-8-sig"))
        return
    if not words:
        sys.stdout.write("no labels\n")
    for phrase in words.negatives:
        sys.stdout.write(f"against all labels: {phrase}\n")
    for label in (label for label in words if not label.of):
        sys.stdout.write(_described(label, ""))
    for column, places in words.columns.items():
        members = [label for place, label in enumerate(words) if place in places]
        asked = dict.fromkeys(name for member in members for name in member.of)
        sys.stdout.write(f"\n{column}, asked of {', '.join(asked)}:\n")
        sys.stdout.write("".join(_described(label, "  ") for label in members))


@vocab.command()
@options.grouped
def check(
    which: Which,
    tower: options.TowerOptions,
    near: Annotated[
        float, typer.Option(min=0, max=1, metavar="COSINE", help="From which two phrases are nearly the same.")
    ] = 0.95,
    strict: Annotated[bool, typer.Option("--strict", help="End with exit code 6 where anything is found.")] = False,
    json_file: options.JsonFile = None,
) -> None:
    """What a tower makes of a vocabulary: tokens of each phrase, and phrases and labels that will not do."""
    words, settings = Vocabulary.load(which), tower.settings()
    check_outputs({"--json": json_file}, {"FILE": options.vocabulary_files(Path(which)), **tower.files})
    from regionclip.words.check import check_vocabulary

    detector = tower.load(settings)
    preparing(detector, words)
    checked = check_vocabulary(detector.scorer, words, near=near)
    write_json(json_file, checked.as_json())
    if str(json_file) != "-":
        sys.stdout.write(_check_table(which, checked))
    if strict and checked.findings:
        raise typer.Exit(exits.FINDINGS)


@vocab.command(name="translate-gap")
@options.grouped
def translate_gap(
    which: Which,
    tower: options.TowerOptions,
    on: Annotated[
        str, typer.Option("--set", metavar="scenes|COCO.json", help="Rendered scenes, or pictures with true boxes.")
    ] = "scenes",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the pictures of COCO.json; without it, the one it is in."),
    ] = None,
    count: Annotated[int, typer.Option("--scenes", min=1, help="How many scenes.")] = 100,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes.")] = 900_201,
    json_file: options.JsonFile = None,
) -> None:
    """How differently a tower answers in English and in Chinese, label by label, on a set with true boxes."""
    words, settings = Vocabulary.load(which), tower.settings()
    if on != "scenes" and not on.endswith(".json"):
        raise ConfigError(f"--set {on}: expected scenes, or a COCO file that ends in .json")
    if on == "scenes" and images is not None:
        raise ConfigError("--images goes with --set COCO.json: scenes are rendered")
    inputs = {"FILE": options.vocabulary_files(Path(which)), "--set": on, "--images": images}
    check_outputs({"--json": json_file}, {**inputs, **tower.files})
    from regionclip.data.translation_sets import coco_samples, scene_samples
    from regionclip.evaluation.accuracy.translation import measure_gap, table

    if on == "scenes":
        samples = scene_samples(words, seed=seed, count=count)
    else:
        samples = coco_samples(words, Path(on), Path(on).parent if images is None else images)
    detector = tower.load(settings)
    gap = measure_gap(detector, words, progress(samples, "pictures"))
    write_json(json_file, gap.as_json())
    if str(json_file) != "-":
        source = f"{count} scenes, seed {seed}" if on == "scenes" else f"{on}, {len(samples)} pictures"
        card = detector.tower.card
        sys.stdout.write(f"{which} on {source}, {gap.regions} regions, {card.name}@{card.revision}\n{table(gap)}\n")


def _check_table(which: str, checked: "VocabularyCheck") -> str:
    rows = [(each.label, each.language, f"{each.tokens}/{each.read}", each.phrase) for each in checked.readings]
    readings = as_table(("label", "language", "tokens", "phrase"), rows)
    found = [str(each) for each in checked.findings]
    count = _count(len(found), "finding") if found else "nothing found"
    return "\n".join([f"{which}, as {checked.tower} reads it", readings, "", *found, count, ""])


def _described(label: Label, indent: str) -> str:
    notes = [] if label.threshold is None else [f"threshold {label.threshold:g}"]
    notes += [] if label.group is None or label.of else [f"group {label.group}"]
    notes += [] if label.taught is None else [f"taught from {label.taught.examples} examples"]
    title = " ".join([label.name, *([f"({label.name_zh})"] if label.name_zh else []), *notes])
    lines = [title]
    for language in dict.fromkeys(language for _, language in label.spoken) if label.taught is None else ():
        phrases = [phrase for phrase, own in label.spoken if own == language]
        lines.append(f"  {language}   {' | '.join(phrases)}")
    lines += [f"  not  {' | '.join(label.negatives)}"] if label.negatives else []
    return "".join(f"{indent}{line}\n" for line in lines)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'s' * (number != 1)}"
