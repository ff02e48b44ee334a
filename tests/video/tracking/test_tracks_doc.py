"""The example of docs/tracks.md runs as it stands, and its table of settings is that of the code."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from regionclip.errors import ConfigError
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


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("[tracks]\npatience = 3", r"yard\.toml, \[tracks\]: unknown key patience; known are change, confirm_"),
        ("[tracks]\ntracker = 'best'", r"tracker: expected one of bytetrack, ocsort, sort, botsort, got 'best'"),
        ("[tracks]\nminimum_resemblance = -2", "minimum_resemblance: expected a number in -1..1, got -2"),
        ("[tracks]\nconfirm_frames = 0", "confirm_frames: expected a whole number in 1..1000, got 0"),
        ("tracks = 3", r"yard\.toml, \[tracks\]: expected a table, got 3"),
        ("", r"yard\.toml: expected a table \[tracks\]"),
    ],
)
def test_settings_say_what_is_wrong(tmp_path: Path, content: str, said: str) -> None:
    (tmp_path / "yard.toml").write_text(content)
    with pytest.raises(ConfigError, match=said):
        TrackSettings.load(tmp_path / "yard.toml")
