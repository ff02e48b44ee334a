from pathlib import Path

import pytest

from regionclip.config import Config, config_names
from regionclip.errors import ConfigError


def test_every_shipped_config_reads() -> None:
    names = config_names()
    assert {"tiny", "fgclip2-base", "fgclip2-large", "fgclip2-so400m"} <= set(names)
    assert all(Config.load(name).tower in ("tiny", "fgclip2") for name in names)


def test_a_file_changes_only_what_it_names(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('threshold = 0.25\nproposers = ["grid", "dense"]\nbudget = 512\n')
    assert Config.load(path) == Config(threshold=0.25, proposers=("grid", "dense"), budget=512)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("treshold = 0.5", "unknown key treshold"),
        ("threshold = 1.5", "threshold: expected a number in 0..1"),
        ('threshold = "high"', "threshold"),
        ("nms_iou = -0.1", "nms_iou"),
        ('nms = "soft"', "nms: expected one of"),
        ('mode = "open"', "mode: expected one of"),
        ("max_proposals = 0", "max_proposals"),
        ("max_proposals = 2.5", "max_proposals: expected int"),
        ('proposers = "dense"', "proposers: expected a list"),
        ("proposers = 5", "proposers: expected a list"),
        ("proposers = []", "proposers: expected a list"),
        ("bank = 1", "bank: expected bool"),
        ("budget = 0", "budget"),
        ('budget = "high"', "budget: expected one of dynamic, fast, balanced, fine"),
        ("tower = 3", "tower: expected str"),
        ("weights = 3", "weights"),
        ("= 3", "cannot be read"),
    ],
)
def test_mistakes_in_a_file(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "site.toml"
    path.write_text(content)
    with pytest.raises(ConfigError, match=said) as caught:
        Config.load(path)
    assert "site.toml" in str(caught.value)


def test_a_name_that_does_not_exist() -> None:
    with pytest.raises(ConfigError, match="one of fgclip2-base"):
        Config.load("fgclip3")
