"""The example of docs/serve.md runs as it stands, with the embedded tower."""

import re
from pathlib import Path

import pytest
from served import png, serving

import regionclip
from regionclip.scenes.render import render_scene

TEXT = (Path(__file__).parents[2] / "docs/serve.md").read_text(encoding="utf-8")


def test_the_example(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "yard.jpg").write_bytes(png(render_scene(0, 0, (240, 320)).frame))
    monkeypatch.chdir(tmp_path)
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    with serving(regionclip.load("tiny")) as url:
        assert "http://127.0.0.1:8000" in example
        exec(compile(example.replace("http://127.0.0.1:8000", url), "docs/serve.md", "exec"), {})
    *rows, kept, asked, best, embedded = capsys.readouterr().out.splitlines()
    assert all(re.fullmatch(r"(person|叉车) 0\.\d+ \[.*\]", row) for row in rows)
    assert re.fullmatch(r"gate@1 \d+", kept)
    assert asked.isdecimal()
    assert best in ("a yard", "a kitchen")
    assert embedded == "2"
