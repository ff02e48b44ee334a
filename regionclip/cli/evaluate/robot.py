"""`regionclip eval robot`: what a robot gets: ages of answers over DDS, and what its memory knows."""

import sys
from typing import Annotated

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress


@options.grouped
def robot(
    tower: options.PresetOptions,
    fps: Annotated[float, typer.Option(min=1, max=100, help="Of the camera.")] = 30.0,
    seconds: Annotated[float, typer.Option(min=1, help="How long each camera sends.")] = 4.0,
    walks: Annotated[int, typer.Option(min=1, help="Rendered halls that the memory walks through.")] = 6,
) -> None:
    """A node and a camera over DDS on this machine: ages of answers; what a memory knows after rendered walks."""
    from regionclip.robot.messages import store

    store()
    detector = tower.load()
    from regionclip.evaluation.accuracy import memory
    from regionclip.evaluation.speed.robot import CASES, measure_answers, table

    answers = measure_answers(detector, ["person", "汽车"], progress(CASES, "cameras"), fps=fps, seconds=seconds)
    sys.stdout.write(table(list(answers), fps) + "\n")
    known = memory.evaluate_memory(detector, walks=walks, watch=lambda numbers: progress(numbers, "walks"))
    sys.stdout.write("\n" + memory.table(known, "memory, rendered walks") + "\n")
