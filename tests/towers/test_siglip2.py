"""SigLIP 2 of both kinds against transformers itself. What it promises as any tower is in test_every_tower.py."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import write_tokenizer
from numpy.typing import NDArray
from pretrained import write_naflex, write_siglip
from torch.nn.functional import normalize
from transformers import AutoModel, AutoTokenizer, Siglip2ImageProcessor, SiglipImageProcessor, SiglipProcessor

import regionclip
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import ConfigError, WeightsError
from regionclip.towers.crops import enlarged
from regionclip.towers.siglip2 import SigLIP2Tower

WORDS = ["a red dog", "红色的车", "person", "fire extinguisher", "Label 7"]
SIZES = {"siglip": (66, 66), "naflex": (12 * 14, 21 * 14)}
"""`(H, W)` of frames that need no resize: what differs is not the resize."""


@pytest.fixture(scope="module", params=SIZES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return {"siglip": write_siglip, "naflex": write_naflex}[kind](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def det(folder: Path) -> Detector:
    return regionclip.load(folder, dtype="float32", proposer="none")


@pytest.fixture(scope="module")
def native(folder: Path) -> Any:  # noqa: ANN401
    return AutoModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def frame(kind: str) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (*SIZES[kind], 3), dtype=np.uint8)


def processed(kind: str, frame: NDArray[np.uint8]) -> dict[str, torch.Tensor]:
    rgb = np.ascontiguousarray(frame[..., ::-1])
    processors = {
        "siglip": SiglipImageProcessor(size={"height": 66, "width": 66}),
        "naflex": Siglip2ImageProcessor(patch_size=14, max_num_patches=256),
    }
    return dict(processors[kind](images=rgb, return_tensors="pt"))


@torch.no_grad()
def test_embeddings_and_probabilities_are_transformers_own(
    det: Detector,
    native: Any,  # noqa: ANN401
    kind: str,
    frame: NDArray[np.uint8],
) -> None:
    assert isinstance(det.tower, SigLIP2Tower)
    ids = torch.tensor([det.tower.tokenizer.ids(word, 24) for word in WORDS])  # (5, 24)
    out = native(input_ids=ids, **processed(kind, frame))
    texts, image = normalize(out.text_embeds, dim=-1).numpy(), normalize(out.image_embeds, dim=-1).numpy()
    np.testing.assert_allclose(det.embed_texts(WORDS), texts, atol=2e-4)
    np.testing.assert_allclose(det.embed_texts(WORDS, "region"), texts, atol=2e-4)
    np.testing.assert_allclose(det.embed_image(frame), image[0], atol=5e-3)
    probabilities = out.logits_per_image.sigmoid()[0].numpy()  # (5,)
    found = det.classify_image(frame, WORDS)
    assert found.confidence is not None
    assert found.class_id.tolist() == np.argsort(-probabilities).tolist()
    np.testing.assert_allclose(found.confidence, np.sort(probabilities)[::-1], atol=1e-3)


@torch.no_grad()
def test_a_region_is_its_enlarged_crop_seen_as_a_picture(
    det: Detector,
    native: Any,  # noqa: ANN401
    kind: str,
) -> None:
    """The crop of box and context 1.5 has the size of the training, so transformers' own picture of it is ours."""
    height, width = SIZES[kind]
    frame = np.random.default_rng(4).integers(0, 256, (3 * height, 3 * width, 3), dtype=np.uint8)
    box = np.array([width * 7 / 6, height * 7 / 6, width * 11 / 6, height * 11 / 6])  # two thirds of the middle ninth
    crop = frame[height : 2 * height, width : 2 * width]
    expected = normalize(native.get_image_features(**processed(kind, crop)).pooler_output, dim=-1)[0]
    regions = det.regions(frame, box[None])
    np.testing.assert_allclose(regions.embeddings[0], expected.numpy(), atol=5e-3)
    scores = det.scores(regions, WORDS)
    texts = torch.from_numpy(det.embed_texts(WORDS))
    logits = native.logit_scale.exp() * texts @ expected + native.logit_bias
    np.testing.assert_allclose(scores[0], logits.sigmoid().numpy(), atol=1e-3)


@pytest.mark.parametrize("context", [1.0, 1.5, 4.0])
def test_windows_hold_box_and_context_inside_the_frame(context: float) -> None:
    boxes = np.array([[10, 20, 30, 60], [0, 0, 1, 1], [99.6, 0, 100, 0.5], [3, 3, 3.02, 50], [0, 0, 100, 80]])
    windows = enlarged(boxes.astype(np.float32), context, (80, 100))
    assert windows.dtype == np.int64
    assert (windows[:, :2] <= boxes[:, :2]).all()
    assert (windows[:, 2:] >= boxes[:, 2:]).all()
    assert ((windows[:, 2:] - windows[:, :2]) >= 1).all()
    assert (windows >= 0).all()
    assert (windows[:, 2:] <= [100, 80]).all()
    if context == 4.0:
        assert windows[0].tolist() == [0, 0, 60, 80]
    assert enlarged(np.zeros((0, 4), np.float32), context, (80, 100)).shape == (0, 4)


def test_cells_of_a_size_that_is_no_whole_number_of_patches(tmp_path: Path) -> None:
    """384 pixels are 27 patches of 14 and 6 pixels more: the cells must cover the frame, not 378 of its 384 pixels."""
    folder = write_siglip(tmp_path, image_size=384, patch_size=14, num_hidden_layers=1, hidden_size=36)
    det = regionclip.load(Config(tower="siglip2", weights=str(folder), region_mode="dense-approx", dtype="float32"))
    tower = det.tower
    assert isinstance(tower, SigLIP2Tower)
    torch.nn.init.zeros_(tower.model.vision_model.encoder.layers[0].self_attn.out_proj.weight)  # cells see themselves
    plain = np.full((1080, 1080, 3), 90, np.uint8)  # a cell is 40 pixels
    features = det.features(plain)
    assert features.grid == (27, 27)
    before = features.dense
    for row, column in ((0, 0), (13, 20), (26, 26), (25, 3)):
        frame = plain.copy()
        frame[row * 40 : row * 40 + 40, column * 40 : column * 40 + 40] = (40, 220, 250)
        change = (det.features(frame).dense - before).norm(dim=1)  # (729,)
        assert divmod(int(change.argmax()), 27) == (row, column)
        assert float(change.sort().values[-2]) < 0.2 * float(change.max())  # nearly all of it in one cell
    assert tower.prepare(plain).shape == (3, 384, 384)
    assert tower.preprocess(plain).shape == (3, 378, 378)


def test_pixels_are_prepared_as_the_checkpoint_says(tmp_path: Path) -> None:
    folder = write_siglip(tmp_path)
    frame = np.random.default_rng(5).integers(0, 256, (50, 90, 3), dtype=np.uint8)
    for settings in ({"resample": 2}, {"image_mean": [0.4, 0.5, 0.6], "image_std": [0.2, 0.3, 0.4]}):
        processor = SiglipImageProcessor(size={"height": 66, "width": 66}, **settings)
        if "resample" in settings:
            processor.save_pretrained(folder)
        else:
            (folder / "preprocessor_config.json").unlink()
            SiglipProcessor(processor, AutoTokenizer.from_pretrained(folder)).save_pretrained(folder)  # type: ignore[no-untyped-call]
            assert not (folder / "preprocessor_config.json").exists()  # transformers 5 puts it elsewhere
        tower = regionclip.load(folder, dtype="float32").tower
        assert isinstance(tower, SigLIP2Tower)
        theirs = processor(images=np.ascontiguousarray(frame[..., ::-1]), return_tensors="pt")["pixel_values"][0]
        assert float((tower.prepare(frame) - theirs).abs().mean()) < 0.01  # torchvision rounds otherwise than Pillow


def test_without_a_file_pixels_are_those_of_the_class(kind: str, folder: Path) -> None:
    frame = np.random.default_rng(5).integers(0, 256, (100, 180, 3), dtype=np.uint8)
    tower = regionclip.load(folder, dtype="float32").tower
    assert isinstance(tower, SigLIP2Tower)
    ours, theirs = tower.prepare(frame), processed(kind, frame)["pixel_values"][0]
    assert float((ours - theirs[: len(ours)]).abs().mean()) < 0.01


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"resample": 77}, "image processor: 77"),
        ({"image_mean": [0.5]}, "three values of image_mean"),
        ({"image_std": [0, 1, 1]}, "above 0 of image_std"),
        ({"image_std": "x"}, "image processor"),
        ({"image_processor": 3}, "image processor"),
    ],
)
def test_settings_of_pixels_that_cannot_be(tmp_path: Path, settings: dict[str, object], said: str) -> None:
    folder = write_siglip(tmp_path)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    with pytest.raises(WeightsError, match=said):
        regionclip.load(folder)


@pytest.mark.parametrize(
    ("part", "change", "said"),
    [
        ("vision_config", {"vision_use_head": False}, "1[0-9] unexpected"),
        ("text_config", {"projection_size": 7}, "wrong shape"),
        ("text_config", {"vocab_size": 20}, "wrong shape"),
        ("vision_config", {"hidden_size": 37}, "not the configuration of a SiglipModel"),
        ("vision_config", {"hidden_act": "nonsense"}, "not the configuration of a SiglipModel"),
        ("text_config", "nonsense", "not the configuration of a SiglipModel"),
    ],
)
def test_configurations_that_cannot_be(tmp_path: Path, part: str, change: Any, said: str) -> None:  # noqa: ANN401
    folder = write_siglip(tmp_path)
    notes = json.loads((folder / "config.json").read_text())
    notes[part] = notes[part] | change if isinstance(change, dict) else change
    (folder / "config.json").write_text(json.dumps(notes))
    with pytest.raises(WeightsError, match=said):
        regionclip.load(folder)


def test_another_model_under_the_name(tmp_path: Path) -> None:
    folder = write_siglip(tmp_path)
    (folder / "config.json").write_text('{"model_type": "clip"}')
    with pytest.raises(WeightsError, match="expected model_type siglip or siglip2, got 'clip'"):
        regionclip.load("siglip2-base", weights=folder)
    with pytest.raises(ConfigError, match=r"tower siglip2 needs weights.*siglip2-base, .*siglip2-so400m"):
        regionclip.load(Config(tower="siglip2"))


def test_a_start_token_is_noted_and_left_aside(tmp_path: Path) -> None:
    folder = write_siglip(tmp_path)
    texts = regionclip.load(folder).embed_texts(WORDS)
    write_tokenizer(folder, start=True, add_bos_token=True)
    det = regionclip.load(folder)
    np.testing.assert_array_equal(det.embed_texts(WORDS), texts)
    assert "declare a start token" in det.tower.card.text


def test_names_that_ship() -> None:
    for name, weights in {
        "siglip2-base": "google/siglip2-base-patch16-256",
        "siglip2-so400m": "google/siglip2-so400m-patch14-384",
        "siglip2-base-naflex": "google/siglip2-base-patch16-naflex",
        "siglip2-so400m-naflex": "google/siglip2-so400m-patch16-naflex",
    }.items():
        config = Config.load(name)
        assert (config.name, config.tower, config.weights) == (name, "siglip2", weights)


def test_loading_says_nothing(folder: Path) -> None:
    """transformers' own `from_dict` warns of the defaults of a config that nobody asked for."""
    command = f"import regionclip; regionclip.load({str(folder)!r}, proposer='grid')"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout + done.stderr == ""
