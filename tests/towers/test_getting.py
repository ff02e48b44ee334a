"""`regionclip towers get`: downloads from a hub on loopback, copies of folders, and what is refused."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from checkpoints import write_fgclip2
from detectors import DETRS
from disks import small_disk
from hub_server import COMMIT, hub
from huggingface_hub import constants
from pretrained import write_chinese_clip

import regionclip
from regionclip.cli.terminal import exits
from regionclip.config import Config
from regionclip.getting import DETECTORS, obtainable
from regionclip.proposing import make_proposer
from regionclip.towers.checkpoints.released import RELEASES

Run = Callable[..., int]
Printed = pytest.CaptureFixture[str]

NAME = "qihoo360/fg-clip2-base"
WIDE = {"hidden_size": 768, "num_hidden_layers": 1}
"""As wide as the release, and small in all else."""


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What passes for FG-CLIP 2 base."""
    return write_fgclip2(tmp_path_factory.mktemp("wide"), text=WIDE, vision=WIDE)


@pytest.fixture(autouse=True)
def caches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of ours, an empty one of the hub's, and a hub that refuses connections."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    return tmp_path / "cache" / "regionclip" / "weights"


def digest(folder: Path) -> str:
    return hashlib.sha256((folder / "model.safetensors").read_bytes()).hexdigest()


def test_a_download_is_checked_told_and_becomes_the_default(
    run: Run, capsys: Printed, wide: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "regionclip", "towers", "get", "fgclip2-base"]
    places = {"PYTHONPATH": os.pathsep.join(sys.path), "HF_HUB_CACHE": str(tmp_path / "hub")}
    with hub({NAME: wide}) as endpoint:
        environment = {**os.environ, **places, "HF_ENDPOINT": endpoint}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == exits.OK, done.stderr
    folder = tmp_path / "hub" / "models--qihoo360--fg-clip2-base" / "snapshots" / COMMIT
    size = (wide / "model.safetensors").stat().st_size
    assert done.stdout == f"fgclip2-base: {folder}\n  Apache-2.0, {size:,} bytes, sha256 {digest(wide)}\n"
    card = regionclip.load(dtype="float32").tower.card
    assert (card.name, card.revision) == ("fgclip2-base", COMMIT)
    said = f"regionclip: tower fgclip2-base, as its weights are on this machine ({folder})\n"
    assert capsys.readouterr().err.endswith(said)  # after a line on the detector that is not here
    assert run("towers", "get", "fgclip2-base") == exits.OK
    assert capsys.readouterr().out.startswith(f"fgclip2-base, here already: {folder}\n")
    (folder / "tokenizer.json").unlink()  # half a download is none
    assert regionclip.load().tower.card.name == "tiny"


def test_a_folder_is_copied_to_where_its_name_finds_it(
    run: Run, capsys: Printed, wide: Path, tmp_path: Path, caches: Path
) -> None:
    stick = Path(shutil.copytree(wide, tmp_path / "stick"))
    (stick / "README.md").write_text("not needed")
    (caches / "qihoo360" / ".fg-clip2-base.part").mkdir(parents=True)  # of a copy that was killed
    assert run("towers", "get", "fgclip2-base", "--from", stick) == exits.OK
    place = caches / NAME
    assert capsys.readouterr().out.startswith(f"fgclip2-base: {place}\n  Apache-2.0, ")
    assert [path.name for path in place.parent.iterdir()] == [place.name]
    names = {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"}
    assert {path.name for path in place.iterdir()} == names
    assert digest(place) == digest(wide)
    shutil.rmtree(stick)
    named = regionclip.load("fgclip2-base", dtype="float32")
    assert named.tower.card.revision == f"sha256:{digest(wide)[:16]}"
    assert regionclip.load().tower.card.name == "fgclip2-base"
    capsys.readouterr()
    assert run("towers") == exits.OK
    here = {line.split()[0]: line.split()[1] for line in capsys.readouterr().out.splitlines()[1:] if " Apache" in line}
    assert (here["fgclip2-base"], here["fgclip2-large"], here["tiny"], here["dfine-small"]) == (
        "yes",
        "no",
        "yes",
        "no",
    )


def test_what_is_here_already_is_told_and_others_are_refused(
    run: Run, capsys: Printed, wide: Path, caches: Path
) -> None:
    assert run("towers", "get", "fgclip2-base", "--from", wide) == exits.OK
    assert run("towers", "get", "fgclip2-base", "--from", wide) == exits.OK
    assert run("towers", "get", "fgclip2-base") == exits.OK
    assert capsys.readouterr().out.count("fgclip2-base, here already: ") == 2
    write_fgclip2(caches / NAME, text=WIDE, vision=WIDE, seed=5)
    assert run("towers", "get", "fgclip2-base", "--from", wide) == exits.WEIGHTS
    assert f"with other weights than {wide}: remove {caches / NAME} first\n" in capsys.readouterr().err


def test_regions_of_tiny_stay_regions_of_tiny(run: Run, wide: Path) -> None:
    frame = np.full((64, 64, 3), 128, np.uint8)
    regions = regionclip.load().regions(frame, [[0, 0, 20, 20]])
    assert run("towers", "get", "fgclip2-base", "--from", wide) == exits.OK
    with pytest.raises(regionclip.errors.FingerprintError, match="expected those of fgclip2-base sha256:"):
        regionclip.load().classify(regions, ["red"])
    assert len(regionclip.load("tiny").scores(regions, ["red"])) == 1


def test_a_detector_is_got_too_and_is_a_proposer_by_its_hub_name(run: Run, capsys: Printed, tmp_path: Path) -> None:
    for part in DETRS["d_fine"]():
        part.save_pretrained(tmp_path / "dfine")
    assert run("towers", "get", "dfine-small", "--from", tmp_path / "dfine") == exits.OK
    assert "  Apache-2.0, " in capsys.readouterr().out
    proposer = make_proposer(Config().with_proposers(["detr=ustc-community/dfine-small-obj365"]), None)
    assert proposer.has_objectness
    for part in DETRS["detr"]():
        part.save_pretrained(tmp_path / "detr")
    assert run("towers", "get", "dfine-large", "--from", tmp_path / "detr") == exits.WEIGHTS
    assert "expected weights of dfine-large, model_type 'd_fine' in config.json, got 'detr'" in capsys.readouterr().err


def test_what_is_not_what_its_name_says_is_refused_in_one_line(
    run: Run, capsys: Printed, fgclip2_folder: Path, wide: Path, tmp_path: Path, caches: Path
) -> None:
    def refused(folder: Path, name: str = "fgclip2-base") -> str:
        assert run("towers", "get", name, "--from", folder) == exits.WEIGHTS
        told = capsys.readouterr()
        assert (told.out, told.err.count("\n")) == ("", 1)
        assert not caches.exists()
        return told.err

    assert "768 channels wide, got 32" in refused(fgclip2_folder)
    assert "1024 channels wide, got 768" in refused(wide, "fgclip2-large")
    other = write_chinese_clip(tmp_path / "other")
    capsys.readouterr()  # what transformers says while it writes
    assert "model_type 'fgclip2' in config.json, got 'chinese_clip'" in refused(other)
    half = Path(shutil.copytree(wide, tmp_path / "half"))
    (half / "tokenizer.json").unlink()
    assert "Missing: tokenizer.json" in refused(half)
    cut = Path(shutil.copytree(wide, tmp_path / "cut"))
    os.truncate(cut / "model.safetensors", 1_000_000)
    assert "truncated or damaged (1000000 bytes)" in refused(cut)
    notes = json.loads((wide / "config.json").read_text())
    notes["vision_config"]["num_hidden_layers"] = 2
    deeper = Path(shutil.copytree(wide, tmp_path / "deeper"))
    (deeper / "config.json").write_text(json.dumps(notes))
    assert "missing: vision_model.encoder.layers.1." in refused(deeper)
    assert f"{tmp_path / 'absent'}: no such folder" in refused(tmp_path / "absent")


def test_a_full_disk_leaves_nothing_behind(
    run: Run, capsys: Printed, wide: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with small_disk(tmp_path / "disk") as disk:
        monkeypatch.setenv("XDG_CACHE_HOME", str(disk.folder))
        disk.fill()
        code = run("towers", "get", "fgclip2-base", "--from", wide)
        disk.empty()
        assert code == exits.FAILED
        assert f"{wide} cannot be copied to " in capsys.readouterr().err
        assert not [path for path in disk.folder.rglob("*") if path.is_file()]


def test_every_tower_with_weights_can_be_got() -> None:
    assert obtainable().keys() == RELEASES.keys() | DETECTORS.keys()


def test_wrong_usage_and_a_hub_that_cannot_be_reached(run: Run, capsys: Printed, wide: Path) -> None:
    assert run("towers", "get", "fgclip3") == exits.USAGE
    assert "expected one of altclip, " in capsys.readouterr().err
    assert run("towers", "get", "dfine-nano") == exits.USAGE
    assert run("towers", "get", "fgclip2-base", "fgclip2-large", "--from", wide) == exits.USAGE
    assert "expected one name, got fgclip2-base, fgclip2-large" in capsys.readouterr().err
    assert run("towers", "get", "fgclip2-base") == exits.WEIGHTS
    assert "cannot be downloaded" in capsys.readouterr().err
