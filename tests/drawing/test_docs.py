"""The example of docs/drawing.md runs and does what the page says."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from regionclip.drawing import label_texts

PAGE = Path(__file__).parents[2] / "docs" / "drawing.md"


def test_the_example() -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, str(PAGE), "exec"), names)
    frame, picture, hidden = names["frame"], names["picture"], names["hidden"]
    assert picture.shape == hidden.shape == frame.shape
    assert not np.array_equal(picture, frame)
    assert not np.array_equal(hidden, frame)
    (written,) = re.findall(r"label there reads `(.*?)`", page)
    assert label_texts(names["detections"], names["style"])[0] == written
