"""The first stage of a torchvision detector: its mapping with planted weights, its files with random ones."""

import argparse
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from candidates import FEATURES
from detectors import bright_finder
from numpy.typing import NDArray
from safetensors.torch import save_file
from torchvision.models import get_model  # type: ignore[attr-defined]

from proposals.learned.checkpoint import CheckpointError
from proposals.learned.rpn import Architecture, RpnProposer

SMALL: Architecture = "fasterrcnn_mobilenet_v3_large_320_fpn"


def planted(height: int, width: int, *squares: tuple[int, int, int]) -> NDArray[np.uint8]:
    """A dark frame with bright squares `(x, y, side)`."""
    frame = np.zeros((height, width, 3), np.uint8)
    for x, y, side in squares:
        frame[y : y + side, x : x + side] = 255
    return frame


@pytest.mark.parametrize(
    ("height", "width", "square"),
    [
        (256, 384, (128, 64, 32)),  # shrunk by two
        (384, 256, (64, 192, 32)),
        (128, 192, (64, 32, 16)),  # as it is
        (64, 96, (48, 16, 8)),  # enlarged by two
    ],
)
def test_a_bright_cell_comes_back_in_frame_pixels(height: int, width: int, square: tuple[int, int, int]) -> None:
    """torchvision puts an anchor's middle at the upper left corner of its cell."""
    x, y, side = square
    found = RpnProposer(bright_finder(16))(planted(height, width, square), FEATURES)
    np.testing.assert_allclose(found.xyxy[0], [x - side / 2, y - side / 2, x + side / 2, y + side / 2], atol=1e-3)
    assert found.objectness[0] == pytest.approx(1 / (1 + np.exp(-2)), abs=0.07)  # enlarging blurs
    assert found.objectness[1] < 0.1
    assert (found.xyxy >= 0).all()
    assert (found.xyxy <= [width, height] * 2).all()


def test_brighter_is_surer_and_repeats_go() -> None:
    frame = planted(128, 192, (32, 32, 16), (128, 64, 16))
    frame[64:80, 128:144] = 200
    found = RpnProposer(bright_finder(48), nms_iou=0.3, max_proposals=2)(frame, FEATURES)
    assert found.xyxy.tolist() == [[8, 8, 56, 56], [104, 40, 152, 88]]
    assert found.objectness[0] > found.objectness[1] > 0.3
    every = RpnProposer(bright_finder(48))(frame, FEATURES)
    assert 2 < len(every) <= 300


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    """Random weights of the smallest detector, its second stage for three classes of somebody's own."""
    torch.manual_seed(0)
    model: Any = get_model(SMALL, weights=None, weights_backbone=None, num_classes=3)
    for part in (model.rpn.head, model.backbone.fpn):
        for parameter in part.parameters():
            parameter.data *= 20  # so that boxes differ in objectness and from their anchors
    return {key: value for key, value in model.state_dict().items() if not key.startswith("roi_heads.box_head")}


@pytest.fixture(scope="module")
def pth(state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rpn") / "detector.pth"
    torch.save(state, path)
    return path


def test_every_file_format_gives_the_same_boxes(pth: Path, state: dict[str, torch.Tensor], tmp_path: Path) -> None:
    save_file(state, tmp_path / "detector.safetensors")
    torch.save({"model": state, "epoch": 3}, tmp_path / "training.pth")
    frame = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    paths = (pth, tmp_path / "detector.safetensors", tmp_path / "training.pth")
    found = [RpnProposer.load(path, model=SMALL)(frame, FEATURES) for path in paths]
    assert 10 < len(found[0]) <= 300
    for other in found[1:]:
        assert np.array_equal(found[0].xyxy, other.xyxy)
        assert np.array_equal(found[0].objectness, other.objectness)


def test_the_first_stage_is_torchvisions_own(pth: Path, state: dict[str, torch.Tensor]) -> None:
    """The boxes that a whole detector hands to its second stage, in pixels of the frame that it has resized."""
    proposer = RpnProposer.load(pth, model=SMALL, max_proposals=1000, nms_iou=1)
    most = {"rpn_score_thresh": 0.0, "rpn_pre_nms_top_n_test": 1000, "rpn_post_nms_top_n_test": 1000}
    model: Any = get_model(SMALL, weights=None, weights_backbone=None, num_classes=3, **most)
    model.load_state_dict(state, strict=False)
    handed: list[torch.Tensor] = []
    model.roi_heads.register_forward_pre_hook(lambda _, inputs: handed.extend(inputs[1]))
    frame = np.random.default_rng(1).integers(0, 256, (160, 240, 3), dtype=np.uint8)
    with torch.inference_mode():
        model.eval()([torch.from_numpy(frame[:, :, ::-1].copy()).permute(2, 0, 1) / 255])
    theirs = handed[0].numpy() / 2  # 320 pixels at the shorter side
    ours = proposer(frame, FEATURES).xyxy
    apart = np.abs(theirs[:, None] - ours[None]).max(2)
    assert len(theirs) > 100
    assert apart.min(1).max() < 0.01


def test_torchvisions_own_weights_come_from_its_cache(
    pth: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match=r"cannot be downloaded .*give the file as weights") as caught:
        RpnProposer.load("torchvision", model=SMALL)
    place = tmp_path / "hub" / "checkpoints" / "fasterrcnn_mobilenet_v3_large_320_fpn-907ea3f9.pth"
    assert str(place) in str(caught.value)
    place.write_bytes(pth.read_bytes())
    assert len(RpnProposer.load("torchvision", model=SMALL)(planted(64, 64), FEATURES)) > 0


def test_files_that_do_not_fit(pth: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no such file\. Expected a state dict"):
        RpnProposer.load(tmp_path / "none.pth")
    with pytest.raises(CheckpointError, match=r"do not fit fasterrcnn_resnet50_fpn_v2: wrong shape of backbone\.fpn"):
        RpnProposer.load(pth, model="fasterrcnn_resnet50_fpn_v2")
    (tmp_path / "cut.pth").write_bytes(pth.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match="cannot read it"):
        RpnProposer.load(tmp_path / "cut.pth")
    (tmp_path / "cut.safetensors").write_bytes(b"no tensors")
    with pytest.raises(CheckpointError, match="cannot read it"):
        RpnProposer.load(tmp_path / "cut.safetensors")
    torch.save({"model": {}, "args": argparse.Namespace(a=1)}, tmp_path / "code.pth")
    with pytest.raises(CheckpointError, match="tensors only"):
        RpnProposer.load(tmp_path / "code.pth")
    torch.save([torch.zeros(2)], tmp_path / "list.pth")
    with pytest.raises(CheckpointError, match=r"expected a state dict .* got list"):
        RpnProposer.load(tmp_path / "list.pth")


def test_settings_out_of_range(pth: Path) -> None:
    with pytest.raises(ValueError, match="expected a model of fasterrcnn_mobilenet"):
        RpnProposer.load(pth, model="resnet18")  # type: ignore[arg-type]
