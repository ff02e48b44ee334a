import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from checkpoints import write_fgclip2
from toy import planted

import regionclip
from proposals.dense import DenseProposer
from proposals.union import UnionProposer
from regionclip.config import Config
from regionclip.errors import ConfigError, WeightsError
from regionclip.loading import settled_tower
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS

FRAME = planted(red=(16, 16, 80, 80))


def test_a_folder_of_weights(fgclip2_folder: Path) -> None:
    det = regionclip.load(fgclip2_folder, dtype="float32")
    assert (det.config.tower, det.tower.card.width) == ("fgclip2", 32)
    assert isinstance(det.proposer, UnionProposer)  # windows, edges and spots: no detector is on this machine
    scores = det.scores(det.regions(FRAME, [[16, 16, 80, 80]]), ["red", "红色"])
    assert scores.shape == (1, 2)
    assert ((scores > 0) & (scores < 1)).all()  # weighed against the bank


def test_a_name_with_weights_gives_the_same_as_the_folder(fgclip2_folder: Path) -> None:
    named = regionclip.load("fgclip2-base", weights=fgclip2_folder, dtype="float32")
    folder = regionclip.load(fgclip2_folder, dtype="float32")
    assert named.tower.card.name == "fgclip2-base"
    assert named.tower.card.revision == folder.tower.card.revision
    assert np.array_equal(named.embed_image(FRAME), folder.embed_image(FRAME))


def test_a_config_file_and_a_config(fgclip2_folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(f'tower = "fgclip2"\nweights = {json.dumps(str(fgclip2_folder))}\nproposers = ["grid", "grid"]\n')
    det = regionclip.load(path)
    assert isinstance(det.proposer, UnionProposer)
    assert regionclip.load(Config.load(path)).tower.card.revision == det.tower.card.revision


def test_without_fgclip2_tiny_is_the_default_and_says_what_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    det = regionclip.load()
    captured = capsys.readouterr()
    assert det.tower.card.name == "tiny"
    assert isinstance(det.proposer, DenseProposer)
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert "rendered scenes only" in captured.err
    assert "FG-CLIP 2 is not on this machine" in captured.err


def test_weights_without_a_name_say_which_tower_they_are_of(fgclip2_folder: Path) -> None:
    det = regionclip.load(weights=fgclip2_folder, dtype="float32")
    assert (det.config.tower, det.tower.card.name) == ("fgclip2", fgclip2_folder.name)
    settled, why = settled_tower(Config(weights="google/siglip2-base-patch16-naflex"))
    assert (settled.tower, settled.name, why) == ("siglip2", "siglip2-base-naflex", "")
    with pytest.raises(WeightsError, match=r"the name of a tower beside a hub name \(--tower\)"):
        regionclip.load(weights="someone/else")


def test_other_weights_are_another_tower(fgclip2_folder: Path, tmp_path: Path) -> None:
    other = write_fgclip2(tmp_path / "other", seed=5)
    regions = regionclip.load(other).regions(FRAME, [[0, 0, 20, 20]])
    with pytest.raises(regionclip.errors.FingerprintError):
        regionclip.load(fgclip2_folder).classify(regions, ["red"])


@pytest.mark.parametrize(
    ("name", "settings", "error", "said"),
    [
        ("fgclip3", {}, ConfigError, "fgclip2-base"),
        ("absent.toml", {}, ConfigError, "absent.toml"),
        (Config(tower="clip"), {}, ConfigError, "one of auto, tiny, fgclip2"),
        (Config(tower="fgclip2"), {}, ConfigError, "needs weights"),
        ("tiny", {"proposer": "magic"}, ConfigError, "dense, grid"),
        ("tiny", {"device": "tpu"}, ConfigError, "tpu"),
        ("tiny", {"dtype": "int3"}, ConfigError, "int3"),
        ("tiny", {"dtype": "float16", "device": "cpu"}, ConfigError, "bfloat16"),
        ("tiny", {"weights": "no/such/folder"}, WeightsError, "no/such/folder"),
    ],
)
def test_what_cannot_be_loaded(name: object, settings: dict[str, str], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        regionclip.load(name, **settings)  # type: ignore[arg-type]


def test_a_learned_head_of_another_tower(tmp_path: Path, fgclip2_folder: Path) -> None:
    folder = tmp_path / "mixed"
    shutil.copytree(fgclip2_folder, folder)
    shutil.copy(TINY_WEIGHTS / "proposer.safetensors", folder)
    with pytest.raises(WeightsError, match="32 channels, got 128"):
        regionclip.load(folder)


def test_folders_that_hold_no_tower(tmp_path: Path, fgclip2_folder: Path) -> None:
    with pytest.raises(WeightsError, match=r"config\.json, model\.safetensors and tokenizer\.json"):
        regionclip.load(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "bert"}')
    with pytest.raises(WeightsError, match="bert"):
        regionclip.load(tmp_path)
    (tmp_path / "config.json").write_text("[")
    with pytest.raises(WeightsError, match="damaged"):
        regionclip.load(tmp_path)
    with pytest.raises(WeightsError, match=r"proposer\.safetensors"):
        regionclip.load(fgclip2_folder, proposer="dense")
