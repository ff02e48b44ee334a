"""Finding a checkpoint: folder, hub cache, and a hub that cannot be reached."""

import re
import shutil
from pathlib import Path

import pytest
from checkpoints import write_fgclip2
from huggingface_hub import constants

from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.hub import Checkpoint, locate

NAME = "someone/fg-clip2-small"
COMMIT = "0123456789abcdef0123456789abcdef01234567"
NEEDED = ("config.json", "model.safetensors", "tokenizer.json")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty hub cache, and a hub that refuses connections."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "hub"


@pytest.fixture
def snapshot(cache: Path) -> Path:
    """A checkpoint in the cache, as the hub's client lays it out."""
    repository = cache / "models--someone--fg-clip2-small"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    return write_fgclip2(repository / "snapshots" / COMMIT)


def test_folder(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path / "weights")
    assert locate(folder, NEEDED) == Checkpoint(folder)
    assert locate(str(folder), NEEDED, revision="main") == Checkpoint(folder)


def test_folder_that_lacks_files_names_them_all(tmp_path: Path) -> None:
    with pytest.raises(WeightsError) as caught:
        locate(tmp_path, NEEDED)
    message = str(caught.value)
    assert str(tmp_path) in message
    assert all(name in message for name in NEEDED)
    assert "--weights FOLDER" in message


def test_folder_with_an_index_names_its_absent_shards(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, shards=3)
    assert locate(folder, NEEDED) == Checkpoint(folder)
    (folder / "model-00001-of-00003.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"Missing: tokenizer\.json, model-00001-of-00003\.safetensors\."):
        locate(folder, NEEDED)


def test_folder_with_a_pickle_only(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path)
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"pytorch_model\.bin is a pickle.*never loaded.*regionclip towers convert"):
        locate(folder, NEEDED)


def test_a_file_is_not_a_folder(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path)
    with pytest.raises(WeightsError, match=r"is a file: give the folder"):
        locate(folder / "model.safetensors", NEEDED)


@pytest.mark.parametrize("name", ["no/such/folder", "/no/such", "nowhere", "C:\\weights", ""])
def test_neither_folder_nor_hub_name(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError) as caught:
        locate(name, NEEDED)
    assert all(file in str(caught.value) for file in NEEDED)


def test_cache_is_used_without_asking_the_hub(snapshot: Path) -> None:
    assert locate(NAME, NEEDED) == Checkpoint(snapshot, COMMIT)
    assert locate(NAME, NEEDED, revision=COMMIT) == Checkpoint(snapshot, COMMIT)


@pytest.mark.parametrize("offline", [False, True])
def test_unreachable_hub_names_every_file(offline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    with pytest.raises(WeightsError) as caught:
        locate(NAME, NEEDED)
    message = str(caught.value)
    assert NAME in message
    assert all(name in message for name in NEEDED)
    assert "hf download someone/fg-clip2-small --local-dir FOLDER" in message
    assert "--weights FOLDER" in message


@pytest.mark.parametrize("offline", [False, True])
def test_half_a_download_names_the_rest_only(snapshot: Path, offline: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    (snapshot / "model.safetensors").unlink()
    with pytest.raises(WeightsError) as caught:
        locate(NAME, NEEDED)
    missing = re.search(r"Missing: (.*)\.\n", str(caught.value))
    assert missing is not None
    assert "model.safetensors" in missing[1]
    assert "config.json" not in missing[1].replace("index.json", "")
    assert "tokenizer.json" not in missing[1]


def test_cached_index_without_shards(snapshot: Path, tmp_path: Path) -> None:
    shutil.rmtree(snapshot)
    write_fgclip2(snapshot, shards=2)
    (snapshot / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"Missing: model-00002-of-00002\.safetensors\."):
        locate(NAME, NEEDED)


def test_a_name_the_hub_would_not_allow() -> None:
    with pytest.raises(WeightsError, match="some--one/x: the weights are not complete"):
        locate("some--one/x", NEEDED)


def test_an_unknown_revision(snapshot: Path) -> None:
    with pytest.raises(WeightsError, match="cannot be downloaded"):
        locate(NAME, NEEDED, revision="no-such-tag")
