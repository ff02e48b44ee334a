"""TIPSv2 against transformers itself. What it promises as any tower is in test_every_tower.py."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pretrained import write_tipsv2
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize
from transformers import AutoTokenizer, Tipsv2Config, Tipsv2ImageProcessor, Tipsv2Model

import regionclip
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import ConfigError, WeightsError
from regionclip.towers.card import BACKGROUND
from regionclip.towers.tipsv2 import TIPSv2Tower

WORDS = ["a Red dog", "person", "fire truck", "label 7"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tipsv2(tmp_path_factory.mktemp("tipsv2"))


@pytest.fixture(scope="module")
def det(folder: Path) -> Detector:
    return regionclip.load(folder, dtype="float32", proposer="none")


@pytest.fixture(scope="module")
def native(folder: Path) -> Any:  # noqa: ANN401
    model: Any = Tipsv2Model.from_pretrained(folder)
    return model.eval()


@pytest.fixture(scope="module")
def frame() -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (56, 56, 3), dtype=np.uint8)


def processed(frame: NDArray[np.uint8]) -> torch.Tensor:
    processor = Tipsv2ImageProcessor(size={"height": 56, "width": 56})
    pixels: torch.Tensor = processor(images=np.ascontiguousarray(frame[..., ::-1]), return_tensors="pt")["pixel_values"]
    return pixels


@torch.no_grad()
def test_embeddings_and_order_are_transformers_own(
    det: Detector,
    native: Any,  # noqa: ANN401
    folder: Path,
    frame: NDArray[np.uint8],
) -> None:
    """Texts are padded to the full length and masked there, and alone and bare here."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    inputs = tokenizer(WORDS, padding="max_length", max_length=40, return_tensors="pt", return_token_type_ids=False)
    out = native(**inputs, pixel_values=processed(frame))
    np.testing.assert_allclose(det.embed_texts(WORDS), out.text_embeds.numpy(), atol=2e-4)
    np.testing.assert_allclose(det.embed_image(frame), out.image_embeds[0].numpy(), atol=5e-3)
    probabilities = out.logits_per_image.softmax(-1)[0].numpy()  # (4,)
    found = regionclip.load(det.config.changed(mode="closed")).classify_image(frame, WORDS)
    assert found.class_id.tolist() == np.argsort(-probabilities).tolist()
    assert found.confidence is not None
    np.testing.assert_allclose(found.confidence, np.sort(probabilities)[::-1], atol=1e-3)
    assert det.tower.card.negatives == BACKGROUND["en"]


@torch.no_grad()
def test_patches_are_those_of_the_authors_recipe(det: Detector, native: Any, frame: NDArray[np.uint8]) -> None:  # noqa: ANN401
    """Attention that looks at itself alone is its values: of the last block's attention nothing else is left."""
    dense = regionclip.load(det.config.changed(region_mode="maskclip"))
    vision = native.vision_model
    last = vision.encoder.layer[-1]

    def values(_: Any, given: tuple[torch.Tensor, ...], __: Any) -> tuple[torch.Tensor, None]:  # noqa: ANN401
        return last.attention.o_proj(last.attention.v_proj(given[0])), None

    hook = last.attention.register_forward_hook(values)
    expected = vision(pixel_values=processed(frame)).last_hidden_state[0, 2:]  # (16, D), two class tokens before
    hook.remove()
    np.testing.assert_allclose(dense.features(frame).dense.numpy(), expected.numpy(), atol=2e-4)
    grid = dense.features(frame)
    pooled, _ = grid.pool(np.array([[0, 0, 14, 14]], np.float32))  # the first cell
    np.testing.assert_allclose(pooled[0].numpy(), normalize(expected[0], dim=-1).numpy(), atol=2e-4)


FLAT = {
    "model_type": "tipsv2", "vision_fn": "vit_base", "embed_dim": 36, "ffn_layer": "mlp", "temperature": 0.0125,
    "patch_size": 14, "img_size": 56, "init_values": 1.0, "num_register_tokens": 1, "vocab_size": 400, "max_len": 40,
    "text_hidden_size": 36, "text_mlp_dim": 56, "text_num_heads": 4, "text_num_layers": 2,
}  # fmt: skip
"""A config.json with the fields of the released ones."""


@pytest.mark.parametrize("kind", ["mlp", "swiglu"])
def test_released_folders_are_flat_and_lack_the_temperature(
    tmp_path: Path, kind: str, frame: NDArray[np.uint8]
) -> None:
    folder = write_tipsv2(tmp_path)
    (folder / "config.json").write_text(json.dumps(FLAT | {"ffn_layer": kind}))
    vision = {"hidden_size": 36, "num_hidden_layers": 12, "num_attention_heads": 12, "image_size": 56}
    text = {"hidden_size": 36, "intermediate_size": 56, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = Tipsv2Config(
        text_config=text | {"vocab_size": 400, "max_position_embeddings": 40},
        vision_config=vision | {"use_swiglu_ffn": kind == "swiglu"},
    )
    native: Any = Tipsv2Model(config)
    native.eval()
    native.save_pretrained(tmp_path / "again")
    held = load_file(tmp_path / "again" / "model.safetensors")
    assert held.pop("temperature") is not None
    assert any(".attn.qkv." in name for name in held)
    assert any(".mlp.w12." in name for name in held) == (kind == "swiglu")
    save_file(held, folder / "model.safetensors")
    det = regionclip.load(folder, dtype="float32", proposer="none")
    assert det.tower.card.region_score.scale == pytest.approx(80)
    with torch.no_grad():
        expected = native(pixel_values=processed(frame)).image_embeds[0]
    np.testing.assert_allclose(det.embed_image(frame), expected.numpy(), atol=5e-3)


def test_a_flat_config_of_no_known_size_is_refused(tmp_path: Path) -> None:
    folder = write_tipsv2(tmp_path)
    for flat, said in ((FLAT | {"vision_fn": "vit_small"}, "vit_small"), (FLAT | {"embed_dim": None}, "Tipsv2")):
        (folder / "config.json").write_text(json.dumps(flat))
        with pytest.raises(WeightsError, match=said):
            regionclip.load(folder)


def test_joined_tensors_that_are_damaged_are_told_by_name(tmp_path: Path) -> None:
    folder = write_tipsv2(tmp_path)
    held = load_file(folder / "model.safetensors")
    name = "vision_encoder.blocks.0.attn.qkv.weight"
    save_file(held | {name: held[name][:2].clone()}, folder / "model.safetensors")
    with pytest.raises(WeightsError, match=r"1 missing: vision_model\.encoder\.layer\.0\.attention\.v_proj\.weight"):
        regionclip.load(folder)


def test_transformers_without_the_class(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "regionclip.towers.tipsv2", None)  # its import fails
    with pytest.raises(ConfigError, match="pip install --upgrade transformers"):
        regionclip.load(folder)


def test_phrases_have_no_marks_and_the_name_ships(det: Detector) -> None:
    assert isinstance(det.tower, TIPSv2Tower)
    assert det.tower.count_tokens("", "region") == (0, 0)
    assert det.tower.token_ids("A RED", "image") == det.tower.token_ids("a red", "region")
    assert Config.load("tipsv2-base").weights == "google/tipsv2-b14"
