"""Proposers made from transformers' detectors, against those libraries' own reading of the same outputs."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from candidates import FEATURES, noise
from detectors import DETRS, QUERIES, library, owlv2, sam, write
from huggingface_hub import constants
from numpy.typing import NDArray

from proposals.learned.checkpoint import CheckpointError
from proposals.learned.detr import DetrProposer
from proposals.learned.owlv2 import Owlv2Proposer
from proposals.learned.sam import SamProposer

SIZES = [(120, 200), (200, 120), (37, 64)]  # (H, W)


def clipped(boxes: torch.Tensor, size: tuple[int, int]) -> NDArray[np.float32]:
    height, width = size
    limits = np.array([width, height, width, height])
    return np.asarray(np.clip(boxes.numpy(), 0, limits), np.float32)


@pytest.fixture(scope="session", params=list(DETRS))
def detr_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("detr") / request.param, DETRS[request.param])


@pytest.fixture(scope="session")
def yolos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("yolos"), DETRS["yolos"])


@pytest.fixture(scope="session")
def owlv2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("owlv2"), owlv2)


def theirs_of(folder: Path, kind: str, frame: NDArray[np.uint8], **asked: torch.Tensor) -> tuple[Any, Any]:
    """Processor of a folder, and what transformers' own model gives for a frame."""
    model, processor = (getattr(library, each).from_pretrained(folder) for each in (kind, "AutoImageProcessor"))
    inputs = processor(images=np.ascontiguousarray(frame[:, :, ::-1]), return_tensors="pt")
    with torch.inference_mode():
        return processor, model.eval()(**asked, **inputs)


def test_detr_gives_every_query_and_its_best_class(detr_folder: Path) -> None:
    """All of transformers' own results, which are one a (query, class) or one a query, are found again."""
    proposer = DetrProposer.load(detr_folder, nms_iou=1)
    for size in SIZES:
        frame = noise(*size)
        found = proposer(frame, FEATURES)
        processor, outputs = theirs_of(detr_folder, "AutoModelForObjectDetection", frame)
        theirs = processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=[size])[0]
        boxes, scores = clipped(theirs["boxes"], size), theirs["scores"].numpy()  # (M, 4), (M,)
        apart = np.abs(boxes[:, None] - found.xyxy[None]).max(2)  # (M, N)
        same = apart.argmin(1)  # (M,)
        assert apart.min(1).max() < 1e-2
        for query in set(same):
            assert found.objectness[query] == pytest.approx(scores[same == query].max(), abs=1e-5)
        assert len(found) == QUERIES
        assert found.objectness[0] == pytest.approx(scores.max(), abs=1e-5)
        assert (np.diff(found.objectness) <= 0).all()
        assert (found.objectness > 0).all()
        assert (found.objectness < 1).all()


def test_detr_drops_repeats_and_keeps_no_more_than_asked(yolos_folder: Path) -> None:
    frame = noise(120, 200)
    everything = DetrProposer.load(yolos_folder, nms_iou=1)(frame, FEATURES)
    few = DetrProposer.load(yolos_folder, nms_iou=1, max_proposals=3)(frame, FEATURES)
    assert np.array_equal(few.xyxy, everything.xyxy[:3])
    assert len(DetrProposer.load(yolos_folder, nms_iou=0.3)(frame, FEATURES)) < len(everything)


def test_owlv2_ranks_by_objectness_and_unpads(owlv2_folder: Path) -> None:
    """The official box mapping of a padded frame, with the objectness in the place of a class's score."""
    proposer = Owlv2Proposer.load(owlv2_folder, nms_iou=1)
    words = {"input_ids": torch.tensor([[0, 5, 1]]), "attention_mask": torch.ones(1, 3)}
    for size in SIZES:
        frame = noise(*size)
        found = proposer(frame, FEATURES)
        processor, outputs = theirs_of(owlv2_folder, "Owlv2ForObjectDetection", frame, **words)
        outputs.logits = outputs.objectness_logits[..., None]
        theirs = processor.post_process_object_detection(outputs, threshold=0.0, target_sizes=[size])[0]
        boxes, scores = clipped(theirs["boxes"], size), theirs["scores"].numpy()
        inside = ((boxes[:, 2:] - boxes[:, :2]) > 0).all(1)
        order = np.argsort(-scores[inside], kind="stable")
        assert 0 < inside.sum() < len(boxes)  # some tokens lie in the padding
        np.testing.assert_allclose(found.xyxy, boxes[inside][order], atol=1e-2)
        np.testing.assert_allclose(found.objectness, scores[inside][order], atol=1e-5)


def test_sam_gives_the_boxes_of_the_masks_of_its_points(tmp_path: Path) -> None:
    """Against transformers' own enlarging of the same masks; ours stops at the model's picture."""
    sam_folder = write(tmp_path, sam)
    proposer = SamProposer.load(sam_folder, nms_iou=1, points=2, min_objectness=0, min_area=0.01)
    model = library.SamModel.from_pretrained(sam_folder).eval()
    processor = library.SamImageProcessor.from_pretrained(sam_folder)
    for height, width in SIZES:
        frame = noise(height, width)
        found = proposer(frame, FEATURES)
        inputs = processor(images=np.ascontiguousarray(frame[:, :, ::-1]), return_tensors="pt")
        inside = inputs["reshaped_input_sizes"][0].tolist()
        points = [[x * inside[1], y * inside[0]] for y in (0.25, 0.75) for x in (0.25, 0.75)]
        with torch.inference_mode():
            outputs = model(inputs["pixel_values"], input_points=torch.tensor(points)[None, :, None])
        masks = processor.post_process_masks(
            outputs.pred_masks, inputs["original_sizes"].tolist(), inputs["reshaped_input_sizes"].tolist()
        )[0].flatten(0, 1)  # (12, H, W)
        scores = outputs.iou_scores.flatten().numpy()
        wanted = []
        for mask, score in zip(masks.numpy(), scores, strict=True):
            if score >= 0 and mask.mean() >= 0.01:
                y, x = np.nonzero(mask)
                wanted.append((score, [x.min(), y.min(), x.max() + 1, y.max() + 1]))
        wanted.sort(key=lambda entry: -entry[0])
        assert len(wanted) > 0
        np.testing.assert_allclose(found.objectness, [score for score, _ in wanted], atol=1e-5)
        np.testing.assert_allclose(found.xyxy, [box for _, box in wanted], atol=1.5 + width / 64)


class PlantedSam(torch.nn.Module):
    """Answers a point with the planted square that it lies in, and with a speck otherwise."""

    def __init__(self, square: tuple[int, int, int, int], expected: float = 0.9) -> None:
        super().__init__()
        self.square, self.expected, self.device = square, expected, torch.device("cpu")
        self.points: list[list[float]] = []

    def get_image_embeddings(self, pixels: torch.Tensor) -> torch.Tensor:
        return pixels

    def forward(self, image_embeddings: torch.Tensor, input_points: torch.Tensor) -> object:
        x1, y1, x2, y2 = self.square
        masks = torch.full((1, input_points.shape[1], 3, 64, 64), -9.0)
        for index, (x, y) in enumerate(input_points[0, :, 0].tolist()):
            self.points.append([x, y])
            if x1 <= x < x2 and y1 <= y < y2:
                masks[0, index, 0, y1:y2, x1:x2] = 9.0
            else:
                masks[0, index, 0, int(y), int(x)] = 9.0
        scores = torch.zeros(1, input_points.shape[1], 3)
        scores[..., 0] = self.expected
        return type("Output", (), {"pred_masks": masks, "iou_scores": scores})


def test_sam_finds_a_planted_mask_once_and_no_specks() -> None:
    _, processor = sam()
    model = PlantedSam((16, 8, 48, 24))
    found = SamProposer(model, processor, points=8, min_area=0.01)(noise(100, 200), FEATURES)  # 64 x 32 in the model
    np.testing.assert_allclose(found.xyxy, [[50, 25, 150, 75]], atol=1)
    assert found.objectness.tolist() == pytest.approx([0.9])
    assert len(model.points) == 64
    assert np.allclose(np.min(model.points, 0), [4, 2])
    assert np.allclose(np.max(model.points, 0), [60, 30])  # none in the padding
    nothing = SamProposer(PlantedSam((16, 8, 48, 24), 0.4), processor, points=8)(noise(100, 200), FEATURES)
    assert nothing.xyxy.shape == (0, 4)
    assert nothing.objectness.dtype == np.float32


def test_missing_files_are_named(yolos_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        DetrProposer.load(tmp_path)
    for name in ("config.json", "preprocessor_config.json", "model.safetensors"):
        assert name in str(caught.value)
    folder = shutil.copytree(yolos_folder, tmp_path / "pickled")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match=r"Missing: model\.safetensors .*pickles .* are not read"):
        DetrProposer.load(folder)
    with pytest.raises(CheckpointError, match="no such folder"):
        SamProposer.load("no/such/folder")


def test_a_hub_name_comes_from_the_cache_or_says_what_is_missing(
    yolos_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CheckpointError, match=r"hf download someone/yolos .*give it as weights"):
        DetrProposer.load("someone/yolos")
    repository = tmp_path / "hub" / "models--someone--yolos"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    shutil.copytree(yolos_folder, repository / "snapshots" / ("0" * 40))
    assert len(DetrProposer.load("someone/yolos", nms_iou=1)(noise(80, 90), FEATURES)) == QUERIES


def test_foreign_and_damaged_files_are_refused(yolos_folder: Path, owlv2_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"expected model_type 'owlv2' in config\.json, got 'yolos'"):
        Owlv2Proposer.load(yolos_folder)
    with pytest.raises(CheckpointError, match="expected model_type 'sam'"):
        SamProposer.load(yolos_folder)
    with pytest.raises(CheckpointError, match="cannot be read as AutoModelForObjectDetection"):
        DetrProposer.load(owlv2_folder)
    cut = shutil.copytree(yolos_folder, tmp_path / "cut")
    (cut / "model.safetensors").write_bytes((yolos_folder / "model.safetensors").read_bytes()[:5000])
    with pytest.raises(CheckpointError, match="cannot be read"):
        DetrProposer.load(cut)
    other = shutil.copytree(yolos_folder, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps(config | {"num_hidden_layers": 3}))
    with pytest.raises(CheckpointError, match=r"tensors are missing or of another shape: vit\.encoder"):
        DetrProposer.load(other)


def test_a_text_detector_is_no_detr(yolos_folder: Path, tmp_path: Path) -> None:
    library.PPOCRV5MobileDetForObjectDetection(library.PPOCRV5MobileDetConfig()).save_pretrained(tmp_path)
    shutil.copy(yolos_folder / "preprocessor_config.json", tmp_path)
    with pytest.raises(CheckpointError, match="pp_ocrv5_mobile_det gives a map of text"):
        DetrProposer.load(tmp_path)


def test_code_beside_the_weights_is_not_run(yolos_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(yolos_folder, tmp_path / "armed")
    (folder / "trap.py").write_text(f"open({str(tmp_path / 'sprung')!r}, 'w')\nclass Model: ...\n")
    config = json.loads((folder / "config.json").read_text())
    config["auto_map"] = {"AutoModelForObjectDetection": "trap.Model"}
    (folder / "config.json").write_text(json.dumps(config))
    assert len(DetrProposer.load(folder, nms_iou=1)(noise(80, 90), FEATURES)) == QUERIES
    assert not (tmp_path / "sprung").exists()
