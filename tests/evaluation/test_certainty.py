"""Weights on this machine against their file and against what was released. No released weights are here."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import TEXT, VISION, write_fgclip2
from pretrained import WRITERS
from safetensors.torch import load_file, save_file

import regionclip
from regionclip.detector import Detector
from regionclip.evaluation.certainty import weights
from regionclip.evaluation.certainty.conformance import SelfCheck
from regionclip.evaluation.certainty.weights import region_result, weight_checks
from regionclip.towers.checkpoints.loading import weights_digest
from regionclip.towers.checkpoints.released import RELEASES
from regionclip.towers.fgclip2 import FGCLIP2Config, FGCLIP2Model
from regionclip.towers.trunk import TrunkTower

BASE = RELEASES["fgclip2-base"]
assert BASE.result is not None
RESULT = BASE.result


def told(detector: Detector) -> dict[str, SelfCheck]:
    return {check.name: check for check in weight_checks(detector)}


@pytest.fixture
def detector(fgclip2_folder: Path) -> Detector:
    return regionclip.load(fgclip2_folder, dtype="float32", proposer="none")


def test_the_released_base_is_counted_as_its_network_is() -> None:
    with torch.device("meta"):
        model = FGCLIP2Model(FGCLIP2Config.parse({"text_config": {"vocab_size": 256_000}}, "released"))
    held = model.state_dict().values()
    assert (len(held), sum(tensor.numel() for tensor in held)) == (BASE.tensors, BASE.parameters)


def test_the_published_gap_gives_the_published_probabilities() -> None:
    first = 1 / (1 + math.exp(100 * RESULT.gap))
    assert first == pytest.approx(2.0169e-05, rel=1e-3)
    assert 1 - first == pytest.approx(9.9998e-01, abs=5e-6)


def test_weights_of_no_known_release_are_counted_and_compared(detector: Detector) -> None:
    checks = told(detector)
    assert {name: check.passed for name, check in checks.items()} == {
        "tensors": None,
        "revision": None,
        "memory and file": True,
        "published result": None,
    }
    assert checks["tensors"].detail.startswith("105 tensors, ")
    assert "is not a release that is known here" in checks["revision"].detail


def test_weights_of_a_release_are_known_by_their_bytes(
    detector: Detector, fgclip2_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tensors = load_file(fgclip2_folder / "model.safetensors")
    count = sum(tensor.numel() for tensor in tensors.values())
    digest = weights_digest(fgclip2_folder)
    small = replace(BASE, width=32, sha256=digest, tensors=len(tensors), parameters=count)
    monkeypatch.setattr(weights, "RELEASES", {"small": small})
    checks = told(detector)
    assert checks["tensors"] == SelfCheck("tensors", True, f"{len(tensors)} tensors, {count:,} parameters")
    assert checks["revision"].passed
    assert f"small at {BASE.commit}" in checks["revision"].detail
    assert checks["published result"].detail == "give the picture, COCO val2017 000000039769, with --oracle"
    monkeypatch.setattr(weights, "RELEASES", {"small": replace(small, parameters=count + 1)})
    assert told(detector)["tensors"].detail.startswith(f"expected the {len(tensors)} and {count + 1:,} of small")


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_tensors_that_are_not_those_of_the_file_are_named(fgclip2_folder: Path, dtype: str) -> None:
    detector = regionclip.load(fgclip2_folder, dtype=dtype, proposer="none")
    assert told(detector)["memory and file"].passed
    assert isinstance(detector.tower, TrunkTower)
    torch.nn.init.normal_(detector.tower.model.boxtext_head.bias)  # as transformers 5 was seen to do
    check = told(detector)["memory and file"]
    assert check.passed is False
    assert check.detail == "1 of 105 are not those of the file: boxtext_head.bias"


@pytest.mark.parametrize("name", WRITERS)
def test_every_tower_has_the_tensors_of_its_file(name: str, tmp_path: Path) -> None:
    assert told(regionclip.load(WRITERS[name](tmp_path), proposer="none"))["memory and file"].passed


def test_the_published_result_is_looked_for_at_each_budget(detector: Detector) -> None:
    tower: Any = detector.tower
    frame = np.random.default_rng(3).integers(0, 256, (*RESULT.size, 3), dtype=np.uint8)
    phrase = torch.from_numpy(detector.embed_texts([RESULT.phrase], "region")[0])
    gaps = {}
    for budget in RESULT.budgets:
        other = regionclip.load(detector.config.changed(budget=budget, dtype="float32"))
        first, second = torch.from_numpy(other.regions(frame, RESULT.boxes).embeddings) @ phrase
        gaps[budget] = float(second - first)
    assert abs(gaps[256] - gaps[1024]) > 0.01
    for budget, gap in gaps.items():
        check = region_result(tower, replace(RESULT, gap=gap + 1e-3), frame)
        assert check.passed
        assert check.detail.endswith(f"it fits {budget}")
        assert all(f"{each:.4f} at {at} patches" in check.detail for at, each in gaps.items())
    check = region_result(tower, replace(RESULT, gap=5.0), frame)
    assert check.passed is False
    assert check.detail.endswith("neither fits")
    check = region_result(tower, RESULT, frame[:-1])
    assert check.detail == "expected COCO val2017 000000039769 of 640x480 pixels, got one of 640x479"


def test_a_mirror_with_files_of_its_own_is_as_good_as_the_hub(tmp_path: Path) -> None:
    """A folder as ModelScope leaves it: its notes, remote code, a tokenizer that declares a start token."""
    plain = regionclip.load(write_fgclip2(tmp_path / "hub"), dtype="float32", proposer="none")
    mirror = write_fgclip2(tmp_path / "360zhinao" / "fg-clip2-base")
    for name in ("README.md", "configuration.json", ".gitattributes", ".msc", ".mv", "modeling_fgclip2.py"):
        (mirror / name).write_text("raise SystemExit(1)")
    (mirror / "._____temp").mkdir()
    (mirror / "special_tokens_map.json").write_text('{"bos_token": "<bos>"}')
    notes = mirror / "tokenizer_config.json"
    notes.write_text(json.dumps(json.loads(notes.read_text()) | {"add_bos_token": True}))
    ours = regionclip.load(mirror, dtype="float32", proposer="none")
    assert ours.tower.card.revision == plain.tower.card.revision
    np.testing.assert_array_equal(
        ours.embed_texts(["a red dog", "红色的狗"]), plain.embed_texts(["a red dog", "红色的狗"])
    )
    assert "declare a start token" in ours.tower.card.text
    assert "declare" not in plain.tower.card.text


def test_shards_are_compared_too(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, text=TEXT, vision=VISION, shards=3)
    detector = regionclip.load(folder, dtype="float32", proposer="none")
    assert told(detector)["memory and file"].passed
    shard = folder / "model-00001-of-00003.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(shard).items()}, shard)
    assert "35 of 105" in told(detector)["memory and file"].detail
