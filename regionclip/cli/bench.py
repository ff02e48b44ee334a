"""`regionclip bench`: time of each stage of one frame."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import waiting
from regionclip.cli.terminal.sizes import read_size
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.detector import Detector
    from regionclip.towers.base import Tower


@options.grouped
def bench(
    tower: options.TowerOptions,
    random: Annotated[
        str | None,
        typer.Option(metavar="SIZE", help="Random FG-CLIP 2 weights instead of real ones: base, large, so400m."),
    ] = None,
    patches: Annotated[
        int | None,
        typer.Option(min=1, help="Patch budget, in place of the tower's."),
    ] = None,
    dfine: Annotated[
        bool, typer.Option("--dfine", help="Time D-FINE small beside it, random weights, 640 x 640 pixels.")
    ] = False,
    size: Annotated[str, typer.Option(metavar="WxH", help="Size of the frame in pixels.")] = "1280x720",
    boxes: Annotated[int, typer.Option(min=1, help="Boxes of the frame.")] = 100,
    labels: Annotated[int, typer.Option(min=1, help="Labels they are compared with.")] = 24,
    vocabulary: Annotated[
        int | None,
        typer.Option(min=1, help="Time this many labels too, an English and a Chinese phrase each, on 300 regions."),
    ] = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="With --random: time words instead, in two processes that start.")
    ] = False,
    towers: Annotated[
        bool,
        typer.Option(
            "--towers", help="Time each tower and region mode instead, at base size, with 1, 10 and 100 boxes."
        ),
    ] = False,
    rounds: Annotated[int, typer.Option(min=1, help="Rounds; the first, uncounted one comes on top.")] = 5,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Threads of PyTorch; its own choice without this."),
    ] = None,
) -> None:
    """Time each stage of one frame, and the whole call with its proposals; words are encoded beforehand."""
    frame_size = read_size(size)
    if random is not None and (tower.tower, tower.weights) != (None, None):
        raise ConfigError("bench: expected either --random or --tower and --weights, got both")
    if texts and random is None:
        raise ConfigError("bench: --texts times random weights: give --random base, large or so400m")
    if towers and (random, tower.tower, tower.weights, tower.config) != (None,) * 4:
        raise ConfigError("bench: --towers times random weights of its own: expected no --random, --tower, --weights")
    settings = tower.settings().changed(budget=patches)
    import torch

    from regionclip.evaluation.speed.random_tower import random_dfine_small, random_fgclip2
    from regionclip.evaluation.speed.stages import measure, measure_words, table, words_table

    if threads is not None:
        torch.set_num_threads(threads)
    if towers:
        sys.stdout.write(_towers(tower, frame_size))
        return
    if texts and random is not None:
        sys.stdout.write(_texts(tower, random, labels))
        return
    measured: Tower
    detector: Detector | None = None
    if random is not None:
        measured = random_fgclip2(random, device=tower.device, dtype=tower.dtype, budget=patches or "dynamic")
    else:
        detector = tower.load(settings)
        measured = detector.tower
    proposer = random_dfine_small(tower.device) if dfine else None
    speed = measure(
        measured, size=frame_size, boxes=boxes, labels=labels, rounds=rounds, detector=detector, proposer=proposer
    )
    title = f"{measured.card.name}, {measured.placement}, frame {size}"
    sys.stdout.write(table(speed, title) + "\n")
    if vocabulary is not None:
        stages = measure_words(measured, labels=vocabulary, rounds=rounds)
        sys.stdout.write("\n" + words_table(stages, vocabulary) + "\n")


def _towers(tower: options.TowerOptions, frame_size: tuple[int, int]) -> str:
    from regionclip.evaluation.speed.region_modes import measure_modes, table

    with waiting("timing towers"):
        return table(measure_modes(tower.device, tower.dtype, frame_size), frame_size) + "\n"


def _texts(tower: options.TowerOptions, random: str, labels: int) -> str:
    from regionclip.evaluation.speed.texts import measure_starts, measure_together, table

    starts = list(measure_starts(random, tower.device, tower.dtype, labels))
    return table(starts, list(measure_together(random, tower.device, tower.dtype)), labels) + "\n"
