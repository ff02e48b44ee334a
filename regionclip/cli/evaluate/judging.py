"""`regionclip eval presence`, `errors` and `calibration`: other figures of the rows that `coco` and `boxes` write.

`presence` and `errors` keep their rows where `coco` does: whoever asks the same set the same words pays for one pass.
"""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.evaluate.sets import AskOptions, Languages, OutOptions, SetOptions, Templates, name_boxes
from regionclip.cli.terminal import options

if TYPE_CHECKING:
    from regionclip.detector import Detector

_Threshold = Annotated[
    float | None, typer.Option(min=0, max=1, help="Least score of a row that is said; the tower's own without it.")
]


@options.grouped
def presence(
    tower: options.DetectorOptions,
    which: SetOptions,
    out: OutOptions,
    asked: AskOptions,
    threshold: _Threshold = None,
    fps: Annotated[
        float | None, typer.Option(min=0.001, help="The images are frames of a camera, so many a second.")
    ] = None,
) -> None:
    """Is a class there at all? False alarms an image and an hour, Matthews' correlation, and F1 of boxes (cgF1)."""
    folder = out.folder("coco", which.files, tower.files)
    detector, truth, run = asked.find(tower, which.read(), folder)
    from regionclip.evaluation.protocols.presence import report

    level = _level(threshold, tower, detector)
    out.tell(report(detector, truth, run, level, fps), folder)


@options.grouped
def errors(
    tower: options.DetectorOptions,
    which: SetOptions,
    out: OutOptions,
    asked: AskOptions,
    threshold: _Threshold = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst images are drawn.")] = 12,
) -> None:
    """What is wrong, and what it costs: class, location, both, duplicate, background, missed; with pictures."""
    folder = out.folder("coco", which.files, tower.files)
    detector, truth, run = asked.find(tower, which.read(), folder)
    from regionclip.evaluation.protocols import pictures
    from regionclip.evaluation.protocols.errors import judge, report
    from regionclip.formats.files import write_file

    level = _level(threshold, tower, detector)
    found = judge(truth, run.rows)
    out.tell(report(detector, truth, run, found, level), folder)
    write_file(folder / "confusion.png", pictures.confusion(truth, found, level))
    drawn = pictures.write_worst(truth, found, level, folder / "worst", worst)
    sys.stdout.write(f"{folder / 'confusion.png'}; {len(drawn)} pictures in {folder / 'worst'}\n")


@options.grouped
def calibration(
    tower: options.DetectorOptions,
    which: SetOptions,
    out: OutOptions,
    language: Languages = [],  # noqa: B006 - typer copies it
    templates: Templates = "none",
) -> None:
    """Are scores what they say? Expected calibration error on true boxes, and its picture."""
    folder = out.folder("calibration", which.files, tower.files)
    settings = tower.settings().replaced(mode="independent")
    detector, truth, run = name_boxes(tower, settings, which, folder, (language, templates, False))
    from regionclip.evaluation.protocols.calibration import report
    from regionclip.formats.files import write_file

    told, diagram = report(detector, truth, run)
    out.tell(told, folder)
    write_file(folder / "reliability.png", diagram)
    sys.stdout.write(f"{folder / 'reliability.png'}\n")


def _level(threshold: float | None, tower: options.DetectorOptions, detector: "Detector") -> float:
    """The threshold that is asked for, else that of the settings, else the tower's: the detector's own is 0."""
    levels = (threshold, tower.settings().threshold, detector.tower.card.threshold)
    return next(level for level in levels if level is not None)
