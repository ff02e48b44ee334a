"""The example of docs/tracks.md runs as it stands, and its table of settings is that of the code."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regionclip.video.tracking.settings import TrackSettings

PAGE = (Path(__file__).parents[3] / "docs" / "tracks.md").read_text(encoding="utf-8")


def test_the_example(capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert len(names["rows"]) >= 1
    assert "person" in capsys.readouterr().out
    np.testing.assert_allclose(np.linalg.norm(names["kept"].embeddings, axis=1), 1, atol=1e-5)


def test_the_table_of_settings() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \|", PAGE.partition("## Settings")[2], re.MULTILINE))
    assert rows == {
        name: f'`"{value}"`' if isinstance(value, str) else str(value)
        for name, value in TrackSettings().model_dump().items()
    }
