"""`regionclip eval tracks`: in this process, with the embedded tower."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from regionclip.cli.terminal import exits

Run = Callable[..., int]


def test_it_prints_a_table_and_writes_json(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ("--clips", 1, "--size", "160x120", "--every", 6, "--camera", "still", "--tracker", "sort")
    (tmp_path / "yard.toml").write_text("[tracks]\nlost_track_seconds = 3\n[[rule]]\n")
    asked = ("--json", tmp_path / "tracks.json", "--tracks", tmp_path / "yard.toml")
    assert run("eval", "tracks", *options, *asked) == exits.OK
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "1 clips 160x120, seed 900501, camera still"
    assert [line.split()[:3] for line in lines[2:]] == [["sort", "6", "no"], ["sort", "6", "yes"]]
    content = json.loads((tmp_path / "tracks.json").read_text())
    assert content["settings"]["lost_track_seconds"] == 3
    assert [row["fused"] for row in content["rows"]] == [False, True]
