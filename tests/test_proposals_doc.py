"""The examples of docs/proposals.md run as they stand, and its lists are complete."""

import re
from pathlib import Path

import cv2
import pytest
from toy import planted

from regionclip.config import Config, preset_names
from regionclip.proposing import PROPOSERS, options_of

PAGE = (Path(__file__).parents[1] / "docs" / "proposals.md").read_text(encoding="utf-8")


def block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)[number]  # type: ignore[no-any-return]


@pytest.mark.parametrize(("number", "told"), [(0, r"(\d+) boxes, \d+ of them labelled\n"), (1, "1 bright things\n")])
def test_the_python_examples(
    number: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    cv2.imwrite("yard.jpg", planted(240, 320, red=(40, 60, 160, 200)))
    exec(block("python", number), {})
    assert re.fullmatch(told, capsys.readouterr().out)


def test_the_settings_example(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(block("toml"), encoding="utf-8")
    config = Config.load(path)
    assert config.proposers == ("motion", "tracked", "detr")
    for name, options in config.proposer_options.items():
        assert options.keys() - {"every"} <= ({"max_proposals"} if name == "auto" else options_of(name).keys())


def test_every_proposer_and_preset_is_told_of() -> None:
    for name in (*PROPOSERS, *preset_names()):
        assert f"`{name}`" in PAGE
    for name in ("rpn", "detr", "owlv2", "sam", "dense", "grid"):
        for option in options_of(name):
            assert f"`{option}`" in PAGE, f"{name}: {option}"
