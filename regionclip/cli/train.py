"""`regionclip train`: fine-tune a dense tower."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal.output import say
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.training.finetune import FineTuning
    from regionclip.training.settings import TrainSettings


def train(
    config: Annotated[
        str,
        typer.Option(metavar="FILE.toml", help="Settings of the run (docs/training.md), or a name of configs/train."),
    ],
) -> None:
    """Fine-tune a tower on rendered scenes or on a COCO-format data set.

    Run it again with the same file to go on from the last checkpoint. Figures go to stdout, progress to stderr.
    """
    from regionclip.training.settings import TrainSettings

    settings = TrainSettings.load(config)
    _check_outputs(config, settings)
    from regionclip.training import processes
    from regionclip.training.finetune import FineTuning
    from regionclip.training.watch import train_watched

    try:
        run = FineTuning(settings)
        _introduce(run)
        train_watched(run)
        if run.rank == 0:
            say(f"{run.step} steps done; weights are in {run.out / 'weights'}")
    finally:
        processes.leave()


def _check_outputs(config: str, settings: "TrainSettings") -> None:
    """Refuse a run whose weights would replace those it starts from, or a file of its data."""
    out, start = Path(settings.out), Path(settings.weights) if settings.weights else None
    names = [each.name for each in start.iterdir()] if start is not None and start.is_dir() else []
    written = [out / "curve.jsonl", out / "checkpoint.pt", *(out / "weights" / name for name in names)]
    sets = {"[data]": settings.data.annotations, "[check]": settings.check.annotations}
    check_outputs({"out": written}, {"--config": config, "weights": start, **sets}, folders={"out": out})


def _introduce(run: "FineTuning") -> None:
    """What will be done, and what the data cannot serve."""
    if run.rank > 0:
        return
    settings = run.settings
    trained = sum(parameter.numel() for parameter in run.parameters.values())
    say(f"{settings.tower}, stage {settings.stage}, {trained / 1e6:.1f} M parameters, on {run.device}")
    batch = f"batches of {settings.batch} x {run.world}"
    say(f"{run.source.identity}; {batch}; {len(run.held_out)} pictures to measure on")
    if lacking := [name for name in run.source.lacks if name in run.curriculum.acting]:
        say(f"the data have nothing for these losses, which stay 0: {', '.join(lacking)} (docs/training.md)")
    if run.step:
        say(f"going on from step {run.step} of {settings.steps}")
