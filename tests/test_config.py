from pathlib import Path
from typing import Any

import pytest

from regionclip.config import Config, config_names
from regionclip.errors import ConfigError
from regionclip.loading import TOWERS


def test_every_shipped_config_reads() -> None:
    names = config_names()
    assert {"tiny", "fgclip2-base", "fgclip2-large", "fgclip2-so400m"} <= set(names)
    assert all(Config.load(name).tower in TOWERS for name in names)


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('threshold = 0.25\nproposers = ["grid", "dense"]\nbudget = 512\n')
    assert Config.load(path) == Config(threshold=0.25, proposers=("grid", "dense"), budget=512)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("treshold = 0.5", "site.toml: unknown key treshold; known are bank, budget, .*, preset, proposer, proposers"),
        ("proposer_options = {}", "site.toml: unknown key proposer_options"),  # that is its name in Python
        ("threshold = 1.5", "threshold: expected a number in 0..1, got 1.5"),
        ("tile_overlap = 1.0", "tile_overlap: expected a number in 0..0.9, got 1.0"),
        ('nms = "soft"', "nms: expected one of auto, class, agnostic, group, none, got 'soft'"),
        ("max_proposals = 0", "max_proposals: expected a whole number in 1..100000, got 0"),
        ('proposers = "dense"', r"proposers: expected a list like \[\"dense\"\], got 'dense'"),
        ("proposers = []", r"proposers: expected a list like \[\"dense\"\], got \[\]"),
        ("bank = 1", "bank: expected true or false, got 1"),
        (
            'budget = "high"',
            "budget: expected a whole number in 1..1000000 or one of dynamic, fast, balanced, fine, got",
        ),
        ('tiles = "some"', "tiles: expected"),
        ("tiles = [0, 2]", "tiles: expected"),
        ("tiles = [2]", "tiles: expected"),
        ("tiles = [2.0, 2]", "tiles: expected"),
        ("crop_small = 1", "crop_small: expected true or false, got 1"),
        ("max_crops = 0", "max_crops: expected a whole number in 1..100000, got 0"),
        ("budget = 2.5", "budget: expected"),
        ("tiles = [100, 100]", r'expected "none", "auto" or \[columns, rows\], 1024 tiles at most, got \[100, 100\]'),
        (
            'preset = "garage"',
            "preset garage does not exist: .* moving-robot, none, photo, photo-archive, static-camera, video",
        ),
        ("proposer = 3", "proposer: expected a table, got 3"),
        ("[proposer]\ndetr = 3", r"site.toml, \[proposer\]: detr: expected a table, got 3"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said):
        Config.load(path)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match=r"config fgclip3 does not exist: expected a \.toml .* fgclip2-b"):
        Config.load("fgclip3")


def test_a_mistake_in_a_preset_names_the_preset(tmp_path: Path) -> None:
    (tmp_path / "yard.toml").write_text("nms_iou = 2")
    with pytest.raises(ConfigError, match=r"^preset .*yard\.toml: nms_iou: expected a number in 0..1, got 2$"):
        Config().with_preset(tmp_path / "yard.toml")


def test_the_same_settings_in_python() -> None:
    config = Config(proposers=["grid"], proposer_options={"grid": {"aspects": [1, 2]}})  # type: ignore[arg-type]
    assert config.proposer_options == {"grid": {"aspects": (1, 2)}}
    assert config.changed(threshold=None, mode="closed") == config.replaced(mode="closed")
    assert config.replaced(threshold=0.5).replaced(threshold=None) == config
    made = config.with_proposers(["detr=some/folder", "grid"])
    assert (made.proposers, made.proposer_options["detr"]) == (("detr", "grid"), {"weights": "some/folder"})
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"threshold": 1.5}, "^config: threshold: expected a number in 0..1, got 1.5$"),
        ({"treshold": 1}, "^config: unknown key treshold; known are bank"),
        ({"proposer_options": 3}, "^config: proposer: expected a table, got 3$"),
    ]
    for given, said in wrong:
        with pytest.raises(ConfigError, match=said):
            Config(**given)
        with pytest.raises(ConfigError, match=said):
            config.changed(**given)
    with pytest.raises(ConfigError, match=r"^config: proposers: expected a list like \[\"dense\"\], got \[\]$"):
        config.with_proposers([])
