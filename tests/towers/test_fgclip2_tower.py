"""FGCLIP2Tower: what it does around the model, on random weights of the golden and of an odd shape.

What it promises as any dense tower is in test_tower_contract.py.
"""

from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import golden_tensors, write_fgclip2, write_golden
from official import dense_features, image_features
from torch.nn.functional import normalize

from regionclip.config import Config
from regionclip.errors import WeightsError
from regionclip.towers.base import Target
from regionclip.towers.fgclip2 import FGCLIP2Model, FGCLIP2Tower
from regionclip.towers.fgclip2.model import TextHead


@pytest.fixture(scope="module")
def tower(odd_folder: Path) -> FGCLIP2Tower:
    return FGCLIP2Tower.load(odd_folder, Config(tower="fgclip2", dtype="float32"), torch.device("cpu"))


def test_card(tower: FGCLIP2Tower) -> None:
    card = tower.card
    assert (card.name, card.width, card.patch, card.budget) == ("fgclip2", 48, 14, "dynamic")
    assert (card.region_score.scale, card.region_score.bias) == (100.0, None)
    assert card.image_score.scale == pytest.approx(np.exp(2.5), rel=1e-6)
    assert card.image_score.bias == -3.0
    assert card.negatives


def test_golden_pictures_through_the_whole_tower(tmp_path: Path) -> None:
    golden = golden_tensors()
    # The golden pads to 128 patches: no frame of it is larger, so 128 is each one's budget.
    tower = FGCLIP2Tower.load(
        write_golden(tmp_path), Config(tower="fgclip2", dtype="float32", budget=128), torch.device("cpu")
    )
    frames = [np.ascontiguousarray(golden[f"in.image{index}"].numpy()[..., ::-1]) for index in range(3)]
    for index, features in enumerate(tower.encode_image(frames)):
        h, w = golden["in.spatial_shapes"][index].tolist()
        assert features.grid == (h, w)
        # torch's resize is off by a grey level in a few pixels, and the golden's attention is sharp: only near.
        inside = golden["in.boxes"][index][[0, 1, 2, 3, 4, 5, 6, 9]]
        ours, valid = features.pool(inside.numpy())
        official = normalize(golden["out.region_features"][index][[0, 1, 2, 3, 4, 5, 6, 9]], dim=-1)
        assert valid.all()
        assert float((ours * official).sum(-1).min()) > 0.9995
        whole = normalize(golden["out.image_features"][index], dim=-1)
        assert float(features.embedding @ whole) > 0.9995


def test_the_way_is_the_model_s(odd_model: FGCLIP2Model, tower: FGCLIP2Tower) -> None:
    """The cached positions, trimming and laziness change nothing against the model's own methods."""
    frame = np.random.default_rng(7).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    features = tower.encode_image([frame])[0]
    pixels = tower.preprocess(frame)[None]
    images = (pixels, torch.ones(pixels.shape[:2]), torch.tensor([features.grid]))
    with torch.no_grad():
        dense, whole = dense_features(odd_model, images)[0], image_features(odd_model, images)[0]
    torch.testing.assert_close(features.dense, dense, atol=1e-5, rtol=0)
    torch.testing.assert_close(features.embedding, normalize(whole, dim=-1), atol=1e-5, rtol=0)


def test_many_grids_do_not_pile_up(tower: FGCLIP2Tower) -> None:
    frames = [np.zeros((side, width, 3), np.uint8) for side in (40, 90) for width in range(20, 400, 7)]
    assert len({features.grid for features in tower.encode_image(frames)}) > 32
    assert tower._grid_positions.cache_info().currsize == 32


@pytest.mark.parametrize(
    ("text", "target", "text_head", "length"),
    [
        ("A red Person", "region", "box", 24),
        ("红" * 23, "image", "short", 24),  # 24 tokens with the end token: all that the short head reads
        ("红" * 24, "image", "long", 51),
    ],
)
def test_each_text_takes_its_own_head(
    odd_model: FGCLIP2Model, tower: FGCLIP2Tower, text: str, target: Target, text_head: TextHead, length: int
) -> None:
    ids = tower.token_ids(text, target)
    padded = torch.tensor([ids + [0] * (length - len(ids))])
    with torch.no_grad():
        expected = normalize(odd_model.text_features(padded, text_head), dim=-1)
    torch.testing.assert_close(tower.encode_text([text], target), expected, atol=1e-6, rtol=0)
    assert torch.equal(tower.encode_text([text.upper()], target), tower.encode_text([text], target))


@pytest.mark.parametrize(
    ("phrase", "target", "counts"),
    [
        ("红", "region", (2, 2)),
        ("红" * 30, "region", (31, 24)),  # cut
        ("红" * 30, "image", (31, 31)),  # the long head reads it whole
        ("红" * 80, "image", (81, 51)),
        ("红" * 23, "image", (24, 24)),
    ],
)
def test_counted_tokens(tower: FGCLIP2Tower, phrase: str, target: Target, counts: tuple[int, int]) -> None:
    assert tower.count_tokens(phrase, target) == counts
    assert tower.token_ids(phrase, target)[-1] == 1


def test_widths_that_have_no_cosine(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, text={"hidden_size": 24}, vision={"hidden_size": 40})
    with pytest.raises(WeightsError, match="got 24, 24 and 40"):
        FGCLIP2Tower.load(folder, Config(tower="fgclip2", dtype="float32"), torch.device("cpu"))
