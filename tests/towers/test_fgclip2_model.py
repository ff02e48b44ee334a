"""FGCLIP2Model of another shape: patch 14, position grid 7x7, unlike heads and lengths in text and vision."""

from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import write_fgclip2
from official import Images, dense_features, image_features, region_features, vision_tokens
from PIL import Image
from torch import nn
from transformers import Siglip2Model

from regionclip.errors import InputError
from regionclip.towers.fgclip2 import FGCLIP2Config, FGCLIP2Model
from regionclip.towers.fgclip2.config import TextConfig, VisionConfig

GRIDS = ((5, 9), (8, 4), (7, 7), (1, 3))
LENGTH = 52


@pytest.fixture(scope="module")
def batch() -> Images:
    """Four padded frames: `(4, 52, 588)` pixels, `(4, 52)` mask, `(4, 2)` grids. Padding holds rubbish."""
    generator = torch.Generator().manual_seed(3)
    pixels = torch.rand(len(GRIDS), LENGTH, 3 * 14 * 14, generator=generator) * 2 - 1
    mask = torch.zeros(len(GRIDS), LENGTH, dtype=torch.int32)
    for row, (h, w) in zip(mask, GRIDS, strict=True):
        row[: h * w] = 1
    return pixels, mask, torch.tensor(GRIDS)


@pytest.fixture(scope="module")
def native(odd_folder: Path, odd_model: FGCLIP2Model) -> Siglip2Model:
    """transformers' own model with the weights it shares with FG-CLIP 2."""
    model = Siglip2Model(odd_model.config.native())
    model.train(False)
    model.load_state_dict(odd_model.state_dict(), strict=False)
    return model


@torch.no_grad()
def test_padded_batch_equals_single_trimmed_frames(odd_model: FGCLIP2Model, batch: Images) -> None:
    pixels, mask, grids = batch
    pooled, dense = image_features(odd_model, batch), dense_features(odd_model, batch)
    for index, (h, w) in enumerate(GRIDS):
        here = slice(index, index + 1)
        one = (pixels[here, : h * w], mask[here, : h * w], grids[here])
        torch.testing.assert_close(image_features(odd_model, one)[0], pooled[index], atol=2e-4, rtol=0)
        torch.testing.assert_close(dense_features(odd_model, one)[0], dense[index, : h * w], atol=2e-4, rtol=0)
        assert not dense[index, h * w :].any()


def test_gradients_flow_and_are_finite(odd_folder: Path, batch: Images) -> None:
    model = FGCLIP2Model.from_pretrained(odd_folder)
    boxes = [torch.tensor([[0.0, 0.0, 40.0, 30.0]])] * 4
    regions = torch.cat(region_features(dense_features(model, batch), batch[2], boxes, [(60, 80)] * 4))
    phrases = model.text_features(torch.ones(4, 24, dtype=torch.long), "box")
    total = (regions * phrases).sum() + image_features(model, batch).sum()
    names = ("boxtext_head.weight", "vision_model.embeddings.position_embedding.weight", "vision_model.head.probe")
    for gradient in torch.autograd.grad(total, [model.get_parameter(name) for name in names]):
        assert torch.isfinite(gradient).all()
        assert gradient.any()


@torch.no_grad()
def test_shared_parts_equal_the_native_model(odd_model: FGCLIP2Model, native: Siglip2Model, batch: Images) -> None:
    out = native.vision_model(*batch)
    tokens = vision_tokens(odd_model, batch)
    for index, (h, w) in enumerate(GRIDS):
        expected = out.last_hidden_state[index, : h * w]
        torch.testing.assert_close(tokens[index, : h * w], expected, atol=1e-4, rtol=0)
    torch.testing.assert_close(image_features(odd_model, batch), out.pooler_output, atol=1e-4, rtol=0)
    ids = torch.randint(5, 300, (3, 24), generator=torch.Generator().manual_seed(0))
    expected = native.text_model(ids).pooler_output
    torch.testing.assert_close(odd_model.text_features(ids, "short"), expected, atol=1e-5, rtol=0)


@torch.no_grad()
def test_dense_head_equals_multihead_attention(odd_model: FGCLIP2Model) -> None:
    head = odd_model.dense_feature_head
    tokens = torch.randn(2, 30, 48, generator=torch.Generator().manual_seed(4))  # (B, n, D)
    patch_mask = torch.arange(30) < torch.tensor([[30], [17]])  # (B, n)
    mixed = head.attention(tokens, tokens, tokens, key_padding_mask=~patch_mask, need_weights=False)[0]
    expected = mixed + head.mlp(head.layernorm(mixed))
    torch.testing.assert_close(odd_model.dense(tokens, patch_mask), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "grid",
    [
        (3, 2),  # shrinks on both axes: only here antialiasing shows
        (1, 1),
        (4, 20),  # shrinks on one, grows on the other
        (7, 7),  # as learnt
        (30, 31),
    ],
)
@torch.no_grad()
def test_positions_are_resized_as_an_antialiased_picture(odd_model: FGCLIP2Model, grid: tuple[int, int]) -> None:
    ours = odd_model.grid_positions(grid)  # (h*w, D)
    square = odd_model.vision_model.embeddings.position_embedding.weight.reshape(7, 7, 48)
    planes = [Image.fromarray(plane.numpy()) for plane in square.permute(2, 0, 1).contiguous()]
    pillow = np.stack([np.asarray(plane.resize(grid[::-1], Image.Resampling.BILINEAR)) for plane in planes], -1)
    np.testing.assert_allclose(ours.reshape(*grid, 48).numpy(), pillow, atol=1e-5)
    plain = nn.functional.interpolate(square.permute(2, 0, 1)[None], grid, mode="bilinear")
    far = float((plain[0].flatten(1).T - ours).abs().max())
    assert far > 0.1 if min(grid) < 7 else far < 1e-4


@torch.no_grad()
def test_long_texts_join_two_tables(odd_model: FGCLIP2Model) -> None:
    ids = torch.randint(5, 300, (2, 51), generator=torch.Generator().manual_seed(5))
    before = odd_model.text_features(ids, "long")
    tables = odd_model.text_model.embeddings
    unused = [tables.position_embedding_ori.weight[11:], tables.position_embedding_res.weight[:11]]
    kept = [table.clone() for table in unused]
    for table in unused:
        table.zero_()
    after = odd_model.text_features(ids, "long")
    for table, value in zip(unused, kept, strict=True):
        table.copy_(value)
    assert torch.equal(before, after)
    assert before.shape == (2, 48)


@pytest.mark.parametrize(("text_head", "length"), [("short", 25), ("box", 25), ("long", 52), ("wide", 24), ("box", 0)])
def test_text_that_does_not_fit_is_refused(odd_model: FGCLIP2Model, text_head: str, length: int) -> None:
    with pytest.raises(InputError, match="text_features"):
        odd_model.text_features(torch.zeros(1, length, dtype=torch.long), text_head)  # type: ignore[arg-type]


def test_unequal_widths_of_text_and_vision_load(tmp_path: Path) -> None:
    # The short head may project to another width; box and long heads are square.
    folder = write_fgclip2(tmp_path, text={"hidden_size": 24, "projection_size": 40}, vision={"hidden_size": 40})
    model = FGCLIP2Model.from_pretrained(folder)
    ids = torch.ones(2, 64, dtype=torch.long)
    assert model.text_features(ids, "short").shape == (2, 40)
    assert model.text_features(ids, "box").shape == (2, 24)
    assert model.text_features(torch.ones(2, 196, dtype=torch.long), "long").shape == (2, 24)


@pytest.mark.parametrize(
    ("width", "inner", "layers", "heads", "millions"),
    [
        (768, 3072, 12, 12, 383.8),  # base
        (1024, 4096, 24, 16, 896.6),  # large
        (1152, 4304, 27, 16, 1154.0),  # so400m
    ],
)
def test_real_sizes(width: int, inner: int, layers: int, heads: int, millions: float) -> None:
    sizes = {
        "hidden_size": width,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
    }
    data = {"text_config": sizes | {"vocab_size": 256000}, "vision_config": sizes}
    with torch.device("meta"):
        model = FGCLIP2Model(FGCLIP2Config.parse(data, "config.json"))
    assert sum(value.numel() for value in model.parameters()) / 1e6 == pytest.approx(millions, abs=0.05)


def test_missing_fields_are_those_of_the_base_model() -> None:
    config = FGCLIP2Config.parse({"text_config": None, "vision_config": {"patch_size": 14}}, "config.json")
    assert config == FGCLIP2Config(TextConfig(), VisionConfig(patch_size=14))
    assert (config.text.vocab_size, config.text.longtext_len, config.text.keep_len) == (32000, 196, 20)
    assert (config.text.projection_size, config.vision.side) == (768, 16)
