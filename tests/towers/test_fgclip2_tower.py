"""FGCLIP2Tower: what it does around the model, on random weights of the golden and of an odd shape."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from checkpoints import golden_tensors, write_fgclip2, write_golden
from numpy.typing import NDArray
from torch.nn.functional import normalize

from regionclip.errors import ConfigError, WeightsError
from regionclip.towers.base import Tower
from regionclip.towers.fgclip2 import FGCLIP2Model, FGCLIP2Tower

Frame = NDArray[np.uint8]
SIZES = ((90, 160), (200, 61), (14, 300), (1, 1))


@pytest.fixture(scope="module")
def tower(odd_folder: Path) -> FGCLIP2Tower:
    return FGCLIP2Tower.load(odd_folder, device="cpu", dtype="float32")


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    source = np.random.default_rng(7)
    return [source.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]


def test_card(tower: FGCLIP2Tower) -> None:
    as_tower: Tower = tower  # the protocol is kept: mypy's to check
    card = as_tower.card
    assert (card.name, card.licence, card.languages, card.region_mode) == (
        "fgclip2",
        "Apache-2.0",
        ("en", "zh"),
        "dense",
    )
    assert (card.width, card.patch, card.budget) == (48, 14, "dynamic")
    assert (card.region_score.scale, card.region_score.bias) == (100.0, None)
    assert card.image_score.scale == pytest.approx(np.exp(2.5), rel=1e-6)
    assert card.image_score.bias == -3.0
    assert card.revision.startswith("sha256:")
    assert card.negatives
    assert tower.placement == "cpu, float32"


def test_golden_pictures_through_the_whole_tower(tmp_path: Path) -> None:
    golden = golden_tensors()
    # The golden pads to 128 patches: no frame of it is larger, so 128 is each one's budget.
    tower = FGCLIP2Tower.load(write_golden(tmp_path), device="cpu", dtype="float32", budget=128)
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


def test_frames_together_equal_frames_alone(tower: FGCLIP2Tower, frames: list[Frame]) -> None:
    boxes = np.array([[0, 0, 30, 20], [5, 2, 60, 13]], np.float32)
    together = tower.encode_image(frames)
    for frame, batched in zip(frames, together, strict=True):
        alone = tower.encode_image([frame])[0]
        assert batched.grid == alone.grid
        assert batched.tokens.shape == (batched.grid[0] * batched.grid[1], 48)
        torch.testing.assert_close(batched.dense, alone.dense, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.embedding, alone.embedding, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.pool(boxes)[0], alone.pool(boxes)[0], atol=2e-4, rtol=0)


def test_the_way_is_the_model_s(odd_model: FGCLIP2Model, tower: FGCLIP2Tower, frames: list[Frame]) -> None:
    """The cached positions, trimming and laziness change nothing against the model's own methods."""
    features = tower.encode_image([frames[0]])[0]
    pixels = tower.preprocess(frames[0])[None]
    with torch.no_grad():
        dense = odd_model.dense_features(pixels, None, torch.tensor([features.grid]))[0]
        whole = odd_model.image_features(pixels, None, torch.tensor([features.grid]))[0]
    torch.testing.assert_close(features.dense, dense, atol=1e-5, rtol=0)
    torch.testing.assert_close(features.embedding, normalize(whole, dim=-1), atol=1e-5, rtol=0)


def test_each_frame_keeps_its_own_budget_in_a_batch(tower: FGCLIP2Tower) -> None:
    small, large = np.zeros((60, 60, 3), np.uint8), np.zeros((300, 400, 3), np.uint8)
    first, second = tower.encode_image([small, large])
    assert first.grid[0] * first.grid[1] <= 128
    assert 256 < second.grid[0] * second.grid[1] <= 784


@pytest.mark.parametrize("budget", [12, 128])
def test_fixed_budget(odd_folder: Path, frames: list[Frame], budget: int) -> None:
    tower = FGCLIP2Tower.load(odd_folder, device="cpu", dtype="float32", budget=budget)
    assert tower.card.budget == budget
    for features in tower.encode_image(frames):
        assert budget * 0.4 < features.grid[0] * features.grid[1] <= budget


def test_no_frames_no_phrases_no_boxes(tower: FGCLIP2Tower, frames: list[Frame]) -> None:
    assert tower.encode_image([]) == []
    assert tower.encode_text([], "region").shape == (0, 48)
    embeddings, valid = tower.encode_image(frames)[0].pool(np.zeros((0, 4), np.float32))
    assert embeddings.shape == (0, 48)
    assert valid.shape == (0,)


def test_many_grids_do_not_pile_up(tower: FGCLIP2Tower) -> None:
    for width in range(20, 400, 7):
        features = tower.encode_image([np.zeros((40, width, 3), np.uint8)])[0]
        assert torch.isfinite(features.tokens).all()
    assert len(tower._positions) <= 32


def test_region_phrases_take_the_box_walk(odd_model: FGCLIP2Model, tower: FGCLIP2Tower) -> None:
    ids = tower.token_ids("A red Person", "region")
    padded = torch.tensor([ids + [0] * (24 - len(ids))])
    with torch.no_grad():
        expected = normalize(odd_model.text_features(padded, "box"), dim=-1)
    ours = tower.encode_text(["A red Person"], "region")
    torch.testing.assert_close(ours, expected, atol=1e-6, rtol=0)
    assert ours.dtype == torch.float32


def test_texts_of_whole_frames_take_the_walk_of_their_length(odd_model: FGCLIP2Model, tower: FGCLIP2Tower) -> None:
    just, over = "红" * 23, "红" * 24  # 24 and 25 tokens with the end token; the short walk reads 24
    for text, walk, length in ((just, "short", 24), (over, "long", 51)):
        ids = tower.token_ids(text, "image")
        padded = torch.tensor([ids + [0] * (length - len(ids))])
        with torch.no_grad():
            expected = normalize(odd_model.text_features(padded, walk), dim=-1)  # type: ignore[arg-type]
        torch.testing.assert_close(tower.encode_text([text], "image"), expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("phrase", "target", "counts"),
    [
        ("红", "region", (2, 2)),
        ("红" * 30, "region", (31, 24)),  # cut
        ("红" * 30, "image", (31, 31)),  # the long walk reads it whole
        ("红" * 80, "image", (81, 51)),
        ("红" * 23, "image", (24, 24)),
    ],
)
def test_counted_tokens(tower: FGCLIP2Tower, phrase: str, target: str, counts: tuple[int, int]) -> None:
    assert tower.count_tokens(phrase, target) == counts  # type: ignore[arg-type]
    ids = tower.token_ids(phrase, target)  # type: ignore[arg-type]
    assert len(ids) == counts[1]
    assert ids[-1] == 1


def test_a_cut_phrase_equals_its_beginning(tower: FGCLIP2Tower) -> None:
    long, short = tower.encode_text(["红" * 30 + "狗", "红" * 23], "region")
    assert torch.equal(long, short)


def test_case_makes_no_difference_and_company_neither(tower: FGCLIP2Tower) -> None:
    phrases = ["a red dog", "红色的车", "the person in a black car", "A RED Dog"]
    together = tower.encode_text(phrases, "region")
    assert torch.equal(together[0], together[3])
    for phrase, row in zip(phrases, together, strict=True):
        assert torch.equal(tower.encode_text([phrase], "region")[0], row)
    torch.testing.assert_close(together.norm(dim=-1), torch.ones(4))
    assert float((together @ together.T)[0, 1]) < 0.999


def test_bfloat16_is_near_float32(odd_folder: Path, tower: FGCLIP2Tower, frames: list[Frame]) -> None:
    half = FGCLIP2Tower.load(odd_folder, device="cpu", dtype="bfloat16")
    assert half.placement == "cpu, bfloat16"
    ours, exact = half.encode_image(frames[:1])[0], tower.encode_image(frames[:1])[0]
    boxes = np.array([[0, 0, 160, 90], [10, 10, 60, 80]], np.float32)
    pooled, _ = ours.pool(boxes)
    assert ours.dense.dtype == pooled.dtype == torch.float32
    assert float((pooled * exact.pool(boxes)[0]).sum(-1).min()) > 0.99
    text = half.encode_text(["a red dog"], "region")
    assert text.dtype == torch.float32
    assert float(text[0] @ tower.encode_text(["a red dog"], "region")[0]) > 0.99


def test_features_can_be_trained_upon(tower: FGCLIP2Tower, frames: list[Frame]) -> None:
    # A proposal head learns on the tower's tokens: they must not be tensors of inference mode.
    head = torch.nn.Linear(48, 1)
    head(tower.encode_image(frames[:1])[0].tokens).sum().backward()
    assert head.weight.grad is not None


@pytest.mark.parametrize("budget", [0, -4, True, 2.5, "auto"])
def test_budget_that_cannot_be(odd_folder: Path, budget: object) -> None:
    with pytest.raises(ConfigError, match="budget: expected fast, balanced, fine, dynamic"):
        FGCLIP2Tower.load(odd_folder, device="cpu", dtype="float32", budget=budget)  # type: ignore[arg-type]


def test_widths_that_have_no_cosine(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, text={"hidden_size": 24}, vision={"hidden_size": 40})
    with pytest.raises(WeightsError, match="got 24, 24 and 40"):
        FGCLIP2Tower.load(folder, device="cpu", dtype="float32")


def test_float16_on_a_cpu(odd_folder: Path) -> None:
    with pytest.raises(ConfigError, match="float16 is very slow"):
        FGCLIP2Tower.load(odd_folder, device="cpu", dtype="float16")


def test_incomplete_folder_names_every_missing_file(odd_folder: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(odd_folder, tmp_path / "part"))
    (folder / "model.safetensors").unlink()
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"model\.safetensors.*tokenizer\.json.*--weights FOLDER"):
        FGCLIP2Tower.load(folder, device="cpu", dtype="float32")
