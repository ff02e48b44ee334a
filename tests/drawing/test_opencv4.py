"""The real OpenCV 4 in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fontfile import write_font

CODE = """
import sys
import cv2, numpy as np
from regionclip.drawing.text import PillowText, text_painter
from regionclip.errors import DrawingError
from drawn import GREY, changed, found
from regionclip.drawing import Style, annotate

assert cv2.__version__.startswith("4.") and not hasattr(cv2, "FontFace"), cv2.__version__
assert isinstance(text_painter(), PillowText)
assert changed(annotate(GREY, found("person", "🔥 café", track=[1, 2]))).any()
one, two = (annotate(GREY, found(name), style=Style(font=sys.argv[1], legend=True)) for name in ("灭火", "人火"))
assert changed(one).any() and not np.array_equal(one, two)
try:
    annotate(GREY, found("灭火器"), style=Style(font=sys.argv[1]))
except DrawingError as error:
    print(error)
"""


@pytest.mark.slow
def test_opencv_4(tmp_path: Path) -> None:
    target = tmp_path / "opencv4"
    package = "opencv-python-headless==4.*"
    install = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target), package]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"{package} cannot be installed here: {done.stderr.strip()[-200:]}")
    font = write_font(tmp_path / "font.ttf", "SimHei", "灭火人")
    places = [target, Path(__file__).parents[1], Path(__file__).parents[2]]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, places))}
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(font)], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 0, done.stderr
    assert "has no glyphs for '器'" in done.stdout
