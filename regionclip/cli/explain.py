"""`regionclip explain`: why the regions of one picture got their labels, or none."""

import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import say
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.answers.explanation import Explanation
    from regionclip.detector import Detector
    from regionclip.towers.base import ImageFeatures
    from regionclip.words.vocabulary import Vocabulary


def explain(
    image: Annotated[Path, typer.Argument(metavar="IMAGE", help="One picture file.")],
    prompts: options.Prompts = [],  # noqa: B006 - typer copies it
    prompts_file: options.PromptsFile = None,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    boxes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="B.json", help="Boxes from outside, as in `regionclip detect`."),
    ] = None,
    proposer: options.ProposerNames = [],  # noqa: B006
    preset: options.PresetName = None,
    threshold: options.Threshold = None,
    config: options.ConfigFile = None,
    region: Annotated[
        list[int],
        typer.Option(metavar="I", min=0, help="Tell of this region only; repeatable. All without this."),
    ] = [],  # noqa: B006
    top: Annotated[int, typer.Option(metavar="N", min=1, help="Labels told of a region, beside those kept.")] = 5,
    phrases: Annotated[
        bool, typer.Option("--phrases", help="Tell every phrase of a label, not the best only.")
    ] = False,
    json_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write the explanation as JSON (docs/formats.md); - for stdout."),
    ] = None,
    heatmap: Annotated[
        list[str],
        typer.Option(
            metavar="WORDS", help="Draw where a label, or other words, fit in the picture; needs --out. Repeatable."
        ),
    ] = [],  # noqa: B006
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Write the heat maps here, as NAME-heatmap-WORDS.jpg or .png."),
    ] = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Why each region of a picture got its labels, or none: scores, thresholds, phrases, negatives, decisions."""
    from regionclip.cli.detect import check_outputs
    from regionclip.formats.coco import BoxFile
    from regionclip.frames import read_frame
    from regionclip.loading import load

    vocabulary = options.read_vocabulary(prompts, prompts_file, threshold)
    settings = options.read_config(tower, config, weights, preset, proposer)
    check_outputs(out, json_file)
    if (out is None) != (not heatmap):
        raise ConfigError("explain: expected --heatmap WORDS and --out DIR together, got one of them")
    given = None if boxes is None else BoxFile(boxes).of(image)
    frame = read_frame(image)
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    features = detector.features(frame)
    regions = detector.regions(features, given, words=vocabulary)
    explanation = detector.explain(regions, vocabulary, top=top, phrases=phrases, only=region or None)
    _write(image, explanation, json_file)
    if out is not None:
        _draw(detector, features, _asked(vocabulary, heatmap), image, out)


def _write(image: Path, explanation: "Explanation", json_file: Path | None) -> None:
    """The table, and the JSON where it is asked for; on stdout one of them."""
    from rich.console import Console

    from regionclip.answers.records import readable
    from regionclip.formats.files import write_file

    content = explanation.to_dict()
    content = {"schema": content.pop("schema"), "file": readable(str(image)), **content}
    text = json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    if json_file is not None and str(json_file) == "-":
        sys.stdout.write(text)
        return
    if json_file is not None:
        write_file(json_file, text.encode())
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


def _draw(
    detector: "Detector", features: "ImageFeatures", words: "Sequence[Vocabulary]", image: Path, out: Path
) -> None:
    """A heat map for each vocabulary of one label, from the same pass of the tower."""
    from regionclip.formats.pictures import write_picture

    suffix = ".jpg" if image.suffix.lower() in (".jpg", ".jpeg") else ".png"
    taken: set[str] = set()
    for vocabulary in words:
        readable = "".join(each if each.isalnum() else "-" for each in vocabulary.names[0])[:40]
        name, count = f"{image.stem}-heatmap-{readable}{suffix}", 1
        while name in taken:
            count += 1
            name = f"{image.stem}-heatmap-{readable}-{count}{suffix}"
        taken.add(name)
        write_picture(out / name, detector.heatmap(features, vocabulary).draw(features.frame))
        say(f"regionclip: wrote {out / name}")
