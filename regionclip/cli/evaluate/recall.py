"""`regionclip eval recall`: what proposers find, and at what price."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.evaluate.clips import Camera
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress, write_json
from regionclip.cli.terminal.sizes import check_frame_size
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs
from regionclip.words.vocabulary import Vocabulary, parse_label

if TYPE_CHECKING:
    from regionclip.config import Config
    from regionclip.data.recall_sets import ShotSet

_RENDERED = ("scenes", "clips")


@options.grouped
def recall(
    tower: options.TowerOptions,
    proposer: Annotated[
        list[str], typer.Option("--proposer", metavar="NAME[=WEIGHTS]", help="A proposer to measure; repeatable.")
    ] = [],  # noqa: B006 - typer copies it
    preset: Annotated[
        list[str], typer.Option("--preset", metavar="NAME", help="A preset's proposers, united; repeatable.")
    ] = [],  # noqa: B006
    shown: Annotated[
        str, typer.Option("--set", metavar="SET", help="scenes, clips, or a COCO-format annotation file.")
    ] = "scenes",
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Pictures of the annotation file; `images` beside it without this."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the annotation file: only pictures with this `split`."),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(min=1, help="How many scenes (100), clips (12) or pictures (all)."),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the series of scenes or clips.")] = 900_401,
    camera: Annotated[Camera, typer.Option(help="Of clips; every second one moves without this.")] = None,
    size: Annotated[
        str | None,
        typer.Option(metavar="WxH", help="Size of rendered frames: 640x480, of clips 320x240."),
    ] = None,
    prompts: Annotated[
        list[str], typer.Option("--prompt", "-p", metavar="WORDS", help="What heatmap looks for; all classes else.")
    ] = [],  # noqa: B006
    json_file: options.JsonFile = None,
) -> None:
    """Average recall of proposers at 10, 50, 100 and 300 boxes, class-agnostic, and their time a frame.

    Each --proposer and each --preset is a row; without any, the tower's own. Protocol and tables: docs/proposals.md.
    """
    settings = tower.settings().changed(device=None if tower.device == "auto" else tower.device, weights=tower.weights)
    check_outputs({"--json": json_file}, {"--set": shown, "--images": images, **tower.files})
    stray = {"--images": images, "--split": split} if shown in _RENDERED else {"--size": size, "--camera": camera}
    if named := [option for option, given in stray.items() if given is not None]:
        raise ConfigError(f"--set {shown}: has no {', '.join(named)}")
    shots = (
        _rendered(shown, count, seed, size, camera) if shown in _RENDERED else _pictures(shown, images, split, count)
    )
    from regionclip.detector import Detector
    from regionclip.evaluation.accuracy.recall import evaluate_recall, record, table
    from regionclip.proposing import make_proposer

    loaded = tower.load(settings.with_proposers(["none"]))
    made = loaded.tower
    settings = settings.replaced(name=loaded.config.name, tower=loaded.config.tower, weights=loaded.config.weights)

    def detector(chosen: "Config") -> Detector:
        return Detector(made, make_proposer(chosen, made.card.head_width), chosen)

    words = Vocabulary([parse_label(text) for text in prompts]) if prompts else None
    makers = {name: partial(detector, chosen) for name, chosen in _choices(settings, proposer, preset).items()}
    rows = evaluate_recall(makers, shots, words=words, watch=partial(progress, what="recall"))
    sys.stdout.write(table(rows, shots, len(shots)) + "\n")
    write_json(json_file, record(rows, shots, len(shots)))


def _choices(settings: "Config", proposers: list[str], presets: list[str]) -> dict[str, "Config"]:
    """The rows of the table: their names and settings."""
    chosen = {name: settings.with_proposers([name]) for name in proposers}
    chosen |= {f"preset {name}": settings.with_preset(name) for name in presets}
    return chosen or {" + ".join(settings.proposers or ("auto",)): settings}


def _rendered(shown: str, count: int | None, seed: int, size: str | None, camera: Camera) -> "ShotSet":
    from regionclip.data.recall_sets import clip_shots, scene_shots

    if shown == "clips":
        return clip_shots(seed, count or 12, check_frame_size(size or "320x240"), camera)
    if camera is not None:
        raise ConfigError("--camera: only with --set clips")
    return scene_shots(seed, count or 100, check_frame_size(size or "640x480"))


def _pictures(shown: str, images: Path | None, split: str | None, count: int | None) -> "ShotSet":
    from regionclip.data.recall_sets import coco_shots

    file = Path(shown)
    if not file.exists():
        raise ConfigError(f"--set {shown}: expected {', '.join(_RENDERED)}, or a COCO-format annotation file")
    return coco_shots(file, images or file.parent / "images", split, count)
