"""`regionclip eval boxes`, `coco`, `ovcoco`, `lvis`, `ovlvis`, `fgovd`, `retrieval` and `suite`: on photographs.

What they measure, and figures: docs/evaluation.md.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from regionclip.cli.evaluate.sets import (
    AskOptions,
    Languages,
    OutOptions,
    SetOptions,
    Templates,
    keep,
    name_boxes,
    watch,
)
from regionclip.cli.terminal import options
from regionclip.errors import ConfigError

if TYPE_CHECKING:
    from regionclip.evaluation.protocols.report import Report

_PerImage = Annotated[int, typer.Option(min=300, help="Most rows of an image in the file; fixed AP reads all.")]


@options.grouped
def boxes(
    tower: options.DetectorOptions,
    which: SetOptions,
    out: OutOptions,
    language: Languages = [],  # noqa: B006 - typer copies it
    templates: Templates = "none",
    mode: Annotated[
        Literal["closed", "independent"], typer.Option(help="Softmax over the classes, or scores as users get them.")
    ] = "closed",
    crowds: Annotated[bool, typer.Option("--crowds", help="Ask crowd boxes too.")] = False,
    published: Annotated[
        str | None, typer.Option(metavar="NAME", help="A published protocol exactly: fgclip2 or boxclass-cn.")
    ] = None,
) -> None:
    """True boxes named among all classes: top-1 and top-5, by class and size, English and Chinese and their gap."""
    from regionclip.evaluation.protocols.boxes import PUBLISHED, report

    options.check_choice("--published", published, tuple(PUBLISHED))
    settings, how = tower.settings().replaced(mode=mode), (language, templates, crowds)
    if published is not None:
        if language or templates != "none" or mode != "closed" or tower.budget not in (None, "dynamic"):
            raise ConfigError(f"--published {published}: fixes words, templates, mode and budget; leave those out")
        settings, how = settings.replaced(budget="dynamic"), PUBLISHED[published]
    folder = out.folder("boxes", which.files, tower.files)
    detector, truth, run = name_boxes(tower, settings, which, folder, how)
    out.tell(report(detector, truth, run), folder)


@options.grouped
def coco(tower: options.DetectorOptions, which: SetOptions, out: OutOptions, asked: AskOptions) -> None:
    """Average precision on a set in COCO's format, by pycocotools; federated labels are respected."""
    folder = out.folder("coco", which.files, tower.files)
    detector, truth, run = asked.find(tower, which.read(), folder)
    from regionclip.evaluation.protocols.coco import report

    out.tell(report(detector, truth, run), folder)


@options.grouped
def ovcoco(tower: options.DetectorOptions, which: SetOptions, out: OutOptions, asked: AskOptions) -> None:
    """OV-COCO, generalised: AP50 of 17 novel and 48 base classes, all asked together."""
    from regionclip.evaluation.protocols.coco import ov_report, split_of

    folder, truth = out.folder("ovcoco", which.files, tower.files), which.read()
    truth = truth.only([each for ids in split_of(truth).values() for each in ids])
    detector, truth, run = asked.find(tower, truth, folder)
    out.tell(ov_report(detector, truth, run), folder)


@options.grouped
def lvis(
    tower: options.DetectorOptions, which: SetOptions, out: OutOptions, asked: AskOptions, per_image: _PerImage = 1000
) -> None:
    """LVIS: standard and fixed AP, of rare, common and frequent classes."""
    _lvis("lvis", tower, which, out, asked, per_image)


@options.grouped
def ovlvis(
    tower: options.DetectorOptions, which: SetOptions, out: OutOptions, asked: AskOptions, per_image: _PerImage = 1000
) -> None:
    """OV-LVIS: AP of novel (rare) and base classes, all asked together."""
    _lvis("ovlvis", tower, which, out, asked, per_image)


@options.grouped
def fgovd(tower: options.DetectorOptions, which: SetOptions, out: OutOptions) -> None:
    """FG-OVD: the true description of a box among false ones that differ in an attribute."""
    from regionclip.evaluation.protocols.fgovd import evaluate

    folder, truth = out.folder("fgovd", which.files, tower.files), which.read()
    out.tell(evaluate(tower.load(), truth, folder, watch), folder)


@options.grouped
def retrieval(tower: options.DetectorOptions, which: SetOptions, out: OutOptions) -> None:
    """Captions of pictures and pictures of captions: recall at 1, 5 and 10, on a file of COCO captions."""
    from regionclip.evaluation.protocols.retrieval import evaluate

    folder, truth = out.folder("retrieval", which.files, tower.files), which.read()
    out.tell(evaluate(tower.load(), truth, folder, watch), folder)


@options.grouped
def suite(
    tower: options.DetectorOptions,
    out: OutOptions,
    asked: AskOptions,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Sets in COCO's format, a folder each.")],
    split: Annotated[str, typer.Option(metavar="NAME", help="Of sets that have folders by split.")] = "test",
    first: Annotated[int | None, typer.Option("--first", min=1, help="Only so many pictures of each.")] = None,
) -> None:
    """Average precision on each of many sets and its mean, as ODinW and Roboflow100-VL are reported."""
    from regionclip.evaluation.protocols import coco
    from regionclip.evaluation.protocols import suite as sets
    from regionclip.evaluation.protocols.truth import TrueSet

    runs, found = out.folder("suite", {"DIR": folder}, tower.files), sets.find_sets(folder, split)
    detector = tower.load(tower.settings().replaced(**coco.SETTINGS))

    def measure(name: str) -> "Report":
        truth, words = asked.read(TrueSet.read(*found[name], first=first))
        report = coco.report(detector, truth, asked.found(detector, truth, words, runs / name))
        keep(report, runs / name)
        return report

    out.tell(sets.report({name: measure(name) for name in found}, folder), runs)


def _lvis(
    protocol: str,
    tower: options.DetectorOptions,
    which: SetOptions,
    out: OutOptions,
    asked: AskOptions,
    per_image: int,
) -> None:
    from regionclip.evaluation.protocols.lvis import LABELS, check, report

    folder, truth = out.folder(protocol, which.files, tower.files), which.read()
    check(truth, which.annotations)
    detector, truth, run = asked.find(tower, truth, folder, max_detections=per_image, labels_per_region=LABELS)
    out.tell(report(detector, truth, run, novel=protocol == "ovlvis"), folder)
