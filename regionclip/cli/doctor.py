"""`regionclip doctor`: what is installed, what is used, and whether the tower works."""

import platform
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import waiting

if TYPE_CHECKING:
    from regionclip.detector import Detector
    from regionclip.evaluation.certainty.conformance import SelfCheck

PACKAGES = ("regionclip", "torch", "torchvision", "transformers", "opencv-python", "supervision", "numpy")
SAMPLE = "红色的灭火器 red fire extinguisher"


@options.grouped
def doctor(
    tower: options.PresetOptions,
    oracle: Annotated[
        Path | None,
        typer.Option(
            metavar="PICTURE", help="COCO's 000000039769.jpg, of which a result of FG-CLIP 2 base is published."
        ),
    ] = None,
) -> None:
    """Show versions, device and tower, and check it: what every tower promises, its words, its weights.

    A check is ok, FAILED, or not checked, which is no failure; the exit code is 1 where one fails.
    """
    settings = tower.settings()
    from regionclip.frames import read_frame

    picture = None if oracle is None else read_frame(oracle)
    _line("python", f"{platform.python_version()} on {platform.system()} {platform.machine()}")
    for package in PACKAGES:
        _line(package, _version(package))
    checks = [_text_drawing()]
    start = time.perf_counter()
    detector = tower.load(settings)
    _describe(detector, time.perf_counter() - start)
    from regionclip.evaluation.certainty.conformance import conformance
    from regionclip.evaluation.certainty.selftest import word_checks
    from regionclip.evaluation.certainty.weights import weight_checks

    with waiting("checking the tower"):
        checks += conformance(detector.tower) + word_checks(detector) + weight_checks(detector, picture)
    for check in checks:
        outcome = {True: "ok", False: "FAILED", None: "not checked"}[check.passed]
        _line(check.name, f"{outcome}: {check.detail}" if check.detail else outcome)
    if any(check.passed is False for check in checks):
        sys.stdout.write(
            "\nA failed check of position or words: weights that are untrained, or not those of this tokenizer.\n"
        )
        raise typer.Exit(exits.FAILED)


def _describe(detector: "Detector", seconds: float) -> None:
    card = detector.tower.card
    budgets = ", ".join(map(str, card.budgets))
    _line("tower", f"{card.name}, revision {card.revision}, {card.width} channels, loaded in {seconds:.1f} s")
    _line("licence", card.licence)
    _line("languages", ", ".join(card.languages))
    _line("device, dtype", detector.tower.placement)
    _line("patch budget", f"{card.budget} (offered: {budgets}), patches of {card.patch} px")
    _line("text", card.text)
    _line("sample prompt", SAMPLE)
    _line("token ids", " ".join(map(str, detector.tower.token_ids(SAMPLE, "region"))))
    _line("threshold", str(card.threshold))
    _line("background bank", f"{len(card.negatives)} phrases")


def _text_drawing() -> "SelfCheck":
    """Two Chinese characters must look different from each other and from a question mark."""
    import cv2
    import numpy as np

    from regionclip.drawing.text import OpenCVText, text_painter
    from regionclip.errors import DrawingError
    from regionclip.evaluation.certainty.conformance import SelfCheck

    try:
        painter = text_painter()
        drawn = [painter.mask(text, 32) for text in ("灭", "火", "?")]
    except DrawingError as error:
        return SelfCheck("text drawing", False, str(error))
    passed = not any(np.array_equal(drawn[a], drawn[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    source = "its own fonts" if isinstance(painter, OpenCVText) else "Pillow and a font file"
    outcome = f"draws Chinese with {source}" if passed else 'draws Chinese as "?": pip install "opencv-python>=5"'
    return SelfCheck("text drawing", passed, f"OpenCV {cv2.__version__} {outcome}")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed as a package"


def _line(name: str, value: str) -> None:
    sys.stdout.write(f"{name:16}  {value}\n")
