"""`regionclip explain`: why the regions of one picture got their labels, or none."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import preparing, say, write_json
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.answers.explanation import Explanation
    from regionclip.detector import Detector
    from regionclip.towers.base import ImageFeatures
    from regionclip.words.vocabulary import Vocabulary


@options.grouped
def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="One picture file.")],
    words: options.WordOptions,
    tower: options.DetectorOptions,
    boxes: options.BoxesFile = None,
    region: Annotated[
        list[int],
        typer.Option(metavar="I", min=0, help="Tell of this region only; repeatable. All without this."),
    ] = [],  # noqa: B006 - typer copies it
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Labels told of a region, beside those kept.")] = 5,
    phrases: Annotated[
        bool, typer.Option("--phrases", help="Tell every phrase of a label, not the best only.")
    ] = False,
    json_file: options.JsonFile = None,
    heatmap: Annotated[
        list[str],
        typer.Option(
            metavar="WORDS", help="Draw where a label, or other words, fit in the picture; needs --out. Repeatable."
        ),
    ] = [],  # noqa: B006
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the heat maps here, as NAME-heatmap-WORDS.jpg or .png."),
    ] = None,
) -> None:
    """Why each region of a picture got its labels, or none: scores, thresholds, phrases, negatives, decisions."""
    from regionclip.formats.outputs import check_outputs
    from regionclip.formats.pictures import check_replaceable
    from regionclip.frames import read_frame

    vocabulary, settings = words.read(), tower.settings()
    if (out is None) != (not heatmap):
        raise ConfigError("explain: expected --heatmap WORDS and --out DIR together, got one of them")
    asked = _asked(vocabulary, heatmap)
    maps = [] if out is None else _names(out, image, asked)
    inputs = {"IMAGE": image, "--boxes": boxes, **words.files, **tower.files}
    check_outputs({"--json": json_file, "--out": maps}, inputs, folders={"--out": out})
    check_replaceable((path, image) for path in maps)
    frame = read_frame(image)
    (given,) = options.boxes_of(boxes, [image])
    detector = tower.load(settings)
    preparing(detector, vocabulary)
    features = detector.features(frame)
    regions = detector.regions(features, given, words=vocabulary)
    explanation = detector.explain(regions, vocabulary, top=top, phrases=phrases, only=region or None)
    _write(image, explanation, json_file)
    for path, label in zip(maps, asked, strict=True):
        _draw(detector, features, label, image, path)


def _write(image: Path, explanation: "Explanation", json_file: Path | None) -> None:
    """The table, and the JSON where it is asked for; on stdout one of them."""
    from rich.console import Console

    from regionclip.answers.records import readable

    content = explanation.to_dict()
    write_json(json_file, {"schema": content.pop("schema"), "file": readable(str(image)), **content})
    if str(json_file) == "-":
        return
    if sys.stdout.isatty():
        Console(highlight=False, emoji=False).print(explanation)
    else:
        sys.stdout.write(f"{explanation}\n")


def _asked(vocabulary: "Vocabulary", words: Sequence[str]) -> "list[Vocabulary]":
    """A vocabulary for each of the words: the label of that name, or a new one, with the negatives and templates."""
    from regionclip.words.vocabulary import parse_label

    known = {label.name: label for label in vocabulary}
    labels = [known.get(text) or parse_label(text) for text in words]
    return [replace(vocabulary, labels=[replace(label, of=(), group=None)]) for label in labels]


def _names(out: Path, image: Path, words: "Sequence[Vocabulary]") -> list[Path]:
    """The file of each heat map."""
    from regionclip.formats.pictures import picture_suffix

    names: list[str] = []
    for vocabulary in words:
        readable = "".join(each if each.isalnum() else "-" for each in vocabulary.names[0])[:40]
        name, count = f"{image.stem}-heatmap-{readable}", 1
        while name.lower() in map(str.lower, names):
            count += 1
            name = f"{image.stem}-heatmap-{readable}-{count}"
        names.append(name)
    return [out / f"{name}{picture_suffix(image)}" for name in names]


def _draw(detector: "Detector", features: "ImageFeatures", label: "Vocabulary", image: Path, path: Path) -> None:
    """The heat map of a vocabulary of one label, from the pass of the tower that is done."""
    from regionclip.formats.pictures import write_picture

    write_picture(path, detector.heatmap(features, label).draw(features.frame), source=image)
    say(f"wrote {path}")
