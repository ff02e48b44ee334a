"""`regionclip calibrate`: thresholds from footage without targets, or curves and thresholds from labelled pictures."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.cameras.watching import source_files
from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import progress, say
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs
from regionclip.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    from regionclip.calibration.alarms import Alarm, Goal
    from regionclip.calibration.footage import Footage
    from regionclip.calibration.judged import TruePicture
    from regionclip.detector import Detector

_REPORT, _DIAGRAM = ".calibration.json", ".reliability.png"


@options.grouped
def calibrate(
    vocabulary: Annotated[
        Path, typer.Option(metavar="FILE|NAME", help="The vocabulary to calibrate; it stays as it is.")
    ],
    out: Annotated[Path, typer.Option(metavar="NEW.toml", help="Where to write the new vocabulary.")],
    tower: options.PresetOptions,
    empty: Annotated[
        list[Path],
        typer.Option(metavar="VIDEO|FOLDER", help="Footage without targets; a folder holds pictures or videos."),
    ] = [],  # noqa: B006 - typer copies it
    alarms_per_hour: Annotated[
        float | None,
        typer.Option(metavar="R", help="False alarms that each label may raise."),
    ] = None,
    alarms_per_frame: Annotated[
        float | None,
        typer.Option(metavar="R", help="Instead: the share of frames on which each label may pass, as 0.01."),
    ] = None,
    gap: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="An alarm ends after so long without one.")
    ] = 5.0,
    repeat: Annotated[
        float, typer.Option(min=1, metavar="SECONDS", help="An alarm that stays on counts again after so long.")
    ] = 60.0,
    every: Annotated[int, typer.Option(min=1, metavar="N", help="Look at every Nth frame.")] = 1,
    fps: Annotated[
        float | None,
        typer.Option(min=0.001, metavar="F", help="Pictures a second of a folder, which then counts in hours."),
    ] = None,
    floor: Annotated[float, typer.Option(min=0, max=1, metavar="T", help="Set no threshold lower.")] = 0.0,
    labelled: Annotated[
        Path | None,
        typer.Option(metavar="COCO.json", help="Instead of --empty: pictures with true boxes."),
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Folder of the labelled pictures; that of the file by default."),
    ] = None,
    split: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Only labelled pictures of this split."),
    ] = None,
    beta: Annotated[float, typer.Option(help="Of F-beta: recall weighs BETA times as much as precision.")] = 1.0,
    true_boxes: Annotated[bool, typer.Option("--true-boxes", help="Label the true boxes, not proposals.")] = False,
) -> None:
    """Set the thresholds of a vocabulary by what a detector does on footage of yours (docs/calibration.md).

    Writes NEW.toml and NEW.calibration.json with all figures; for labelled pictures NEW.reliability.png too.
    """
    rates = (alarms_per_hour, alarms_per_frame)
    _check_options(labelled, empty, rates, beta)
    if out.suffix != ".toml":
        raise ConfigError(f"--out {out}: expected a name that ends in .toml")
    inputs = {
        "--vocabulary": options.vocabulary_files(vocabulary),
        "--empty": [each for source in empty for each in source_files(source)],
        "--labelled": labelled,
        "--images": [] if labelled is None else source_files(images or labelled.parent),
    }
    beside = [out.with_suffix(suffix) for suffix in (_REPORT, _DIAGRAM)]
    check_outputs({"--out": [*options.vocabulary_files(out), *beside]}, {**inputs, **tower.files})
    words = Vocabulary.load(vocabulary)
    if len(words) == 0:
        raise ConfigError(f"vocabulary {vocabulary} has no labels: nothing to calibrate")
    settings = tower.settings()
    if settings.mode == "closed":
        raise ConfigError('calibrate: expected independent scores, got mode = "closed", where labels compete')
    if labelled is not None:
        from regionclip.calibration.labelled import read_truths

        truths = read_truths(labelled, images or labelled.parent, words, split)
        detector = tower.load(settings)
        _from_labelled(detector, words, truths, out, beta=beta, true_boxes=true_boxes, annotations=labelled)
        return
    from regionclip.calibration.alarms import Alarm, Goal
    from regionclip.calibration.footage import Footage

    goal = Goal(alarms_per_frame or 0.0, "frame") if alarms_per_hour is None else Goal(alarms_per_hour, "hour")
    footage = Footage.of(empty, fps=fps, every=every, pause=gap)
    if goal.per == "hour" and not footage.has_clock:
        raise ConfigError("--alarms-per-hour: pictures have no times; give --fps, or --alarms-per-frame instead")
    detector = tower.load(settings)
    _from_empty(detector, words, footage, out, goal=goal, alarm=Alarm(gap, repeat), floor=floor)


def _check_options(
    labelled: Path | None, empty: Sequence[Path], rates: tuple[float | None, float | None], beta: float
) -> None:
    """Refuse options that do not go together."""
    if (labelled is None) == (not empty):
        raise ConfigError("calibrate: expected either --empty or --labelled")
    if labelled is None and rates.count(None) != 1:
        raise ConfigError("--empty: expected either --alarms-per-hour or --alarms-per-frame")
    if labelled is not None and rates.count(None) != 2:
        raise ConfigError("--labelled: expected no alarms to ask for; thresholds are those of the best F-beta")
    if labelled is not None and not 0 < beta < 100:
        raise ConfigError(f"--beta: expected a number above 0 and below 100, got {beta}")


def _from_empty(
    detector: "Detector",
    words: Vocabulary,
    footage: "Footage",
    out: Path,
    *,
    goal: "Goal",
    alarm: "Alarm",
    floor: float,
) -> None:
    from regionclip.calibration.empty import FootageLength, set_thresholds, watch
    from regionclip.calibration.report import empty_json, empty_table

    footage.at_cut = detector.proposer.reset
    peaks = watch(detector, words, progress(footage, "calibrate"), goal.per)
    for fault in footage.faults:
        say(f"warning: {fault}")
    seen = FootageLength(footage.frames, footage.seconds / 3600 if footage.has_clock else None)
    found = set_thresholds(detector, words, peaks, seen, goal, alarm, floor)
    source = {"sources": footage.names, "every": footage.every, "faults": footage.faults}
    report = empty_json(found, seen, goal, alarm, source)
    _write(out, found.vocabulary, {_REPORT: report}, empty_table(found, seen, goal))


def _from_labelled(
    detector: "Detector",
    words: Vocabulary,
    truths: "list[TruePicture]",
    out: Path,
    *,
    beta: float,
    true_boxes: bool,
    annotations: Path,
) -> None:
    from regionclip.calibration.judged import answer
    from regionclip.calibration.labelled import calibrate_labelled
    from regionclip.calibration.reliability import diagram
    from regionclip.calibration.report import labelled_json, labelled_table

    if detector.proposer.has_memory and not true_boxes:
        raise ConfigError("--labelled: each picture stands alone, and this proposer remembers earlier frames")
    answered = [answer(detector, words, truth, true_boxes=true_boxes) for truth in progress(truths, "calibrate")]
    found = calibrate_labelled(detector, words, answered, beta)
    source = {"annotations": str(annotations), "pictures": len(truths), "true_boxes": true_boxes}
    drawn = diagram({"before": found.before, "after": found.after}, f"{out.stem}, {len(truths)} pictures")
    report = labelled_json(found, beta, source)
    _write(out, found.vocabulary, {_REPORT: report, _DIAGRAM: drawn}, labelled_table(found, beta))


def _write(out: Path, vocabulary: Vocabulary, beside: dict[str, bytes], table: str) -> None:
    """Write a vocabulary and the files beside it, by suffix: all of them or none. The table goes to stdout."""
    from regionclip.formats.together import write_together
    from regionclip.words.file import files_of

    files = {out.with_suffix(suffix): content for suffix, content in beside.items()}
    write_together(files_of(vocabulary, out) | files)
    sys.stdout.write(f"{table}\n")
    *names, last = (str(out), *(path.name for path in files))
    say(f"wrote {', '.join(names)} and {last}")
