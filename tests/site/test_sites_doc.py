"""docs/sites.md: its example is a site file, every key of it is known, and the Python example runs."""

import re
from pathlib import Path

import pytest
from footage import write_clip

from regionclip.evaluation.speed.cameras import CameraPlan, ReadingCost, Sharing, measure_h264, measure_reading, table
from regionclip.site.file import SiteFile
from regionclip.site.status import CameraStatus
from regionclip.site.tables import CameraTable, DetectorTable, MqttTable, SiteTable, WebhookTable

PAGE = (Path(__file__).parents[2] / "docs" / "sites.md").read_text(encoding="utf-8")
(TOML,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
(PYTHON,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
RULES = Path(__file__).parents[2] / "configs" / "sites" / "yard-rules.toml"


def written(folder: Path) -> Path:
    (folder / "rules.toml").write_bytes(RULES.read_bytes())
    (folder / "yard.password").write_text("secret\n", encoding="utf-8")
    (folder / "site.toml").write_text(TOML, encoding="utf-8")
    return folder / "site.toml"


def test_the_example_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_PASSWORD", "another")
    gate, yard, hall = SiteFile(written(tmp_path)).settings.cameras
    assert gate.url.value == "rtsp://viewer:another@192.0.2.10/live"
    assert yard.url.value == "rtsp://viewer:secret@192.0.2.11/live"
    assert gate.words.names == ("person", "forklift")
    assert gate.words.labels[1].prompts == ("forklift", "叉车")  # type: ignore[union-attr]
    assert len(yard.schedule) == 2
    assert gate.follow.rules is not None
    assert hall.follow.rules is None


def test_every_key_is_told_of() -> None:
    models = (SiteTable, CameraTable, DetectorTable, WebhookTable, MqttTable)
    for key in {field.validation_alias or name for model in models for name, field in model.model_fields.items()}:
        assert f"`{key}`" in PAGE or f"`[{key}]`" in PAGE or f"`[[{key}]]`" in PAGE, key
    for key in CameraStatus.__dataclass_fields__:
        assert f"`{key}`" in PAGE, key


def test_the_python_example(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "a.mp4", range(0, 3000, 40))
    Path("site.toml").write_text(
        'vocabulary = ["person"]\n[[camera]]\nname = "film"\nurl = "a.mp4"\n', encoding="utf-8"
    )
    exec(PYTHON, {})  # a site of recordings ends with them
    out = capsys.readouterr().out
    assert re.search(r"^film +connected +in [\d.]+/s  handled [\d.]+/s", out, re.MULTILINE)
    assert out.splitlines()[-1].startswith("film  ended")


def test_the_figures_of_cameras() -> None:
    plan = CameraPlan(cameras=2, fps=5, size=(120, 256), seconds=1)
    reading = measure_reading(plan)
    assert 2 <= reading.frames <= 30
    assert reading.processor > 0
    film = measure_h264((120, 256))
    assert film.frames == 75
    statuses = tuple(
        CameraStatus(camera=name, state="connected", since="", age_p50_ms=20.0, age_p95_ms=40.0) for name in "ab"
    )
    sharing = Sharing(statuses, (9, 11), 1.5, 2.0, {"encode": 30.0, "track": 10.0})
    text = table(plan, ReadingCost(1000, 2.0), film, sharing, sharing)
    assert "MJPEG: 1000 frames, 2.00 ms of a core a frame: one core decodes 100 cameras of 5 fps" in text
    assert "10.0 of 10 frames a second, 0.75 cores busy" in text
    assert "least 9, median 10, most 11" in text
    assert "median age 20 ms, p95 40 ms" in text
    assert "encode 1.5 (75%), track 0.5 (25%)" in text
