"""What every dense tower promises: the embedded one, FG-CLIP 2, and a third of which only what it must say is written.

Random weights do for FG-CLIP 2 (no size equals another) and for the third.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from regionclip.errors import ConfigError
from regionclip.towers.base import Frame, Target, Tower
from regionclip.towers.card import Score, TowerCard
from regionclip.towers.dense import DenseTower, Grid
from regionclip.towers.fgclip2 import FGCLIP2Tower
from regionclip.towers.hub import TINY_WEIGHTS
from regionclip.towers.preprocess import budget_grid, patchify, read_budget, resize_frame
from regionclip.towers.tiny.tower import TinyTower

CPU = torch.device("cpu")
BOXES = np.array([[0, 0, 30, 20], [5, 2, 60, 13], [3, 3, 3, 9], [np.nan, 0, 9, 9]], np.float32)
PHRASES = ("a red dog", "红色的车", "x", "the person in a black car", "Label 7")
TARGETS: tuple[Target, ...] = ("region", "image")
Make = Callable[..., DenseTower[Any]]
"""A tower by `dtype` and, where it is not the tower's own, `budget`."""


class ThirdTower(DenseTower[torch.nn.ModuleDict]):
    """Preprocessing, trunk and heads, text, a card: nothing else is asked of a dense tower."""

    def __init__(self, dtype: torch.dtype, budget: object = 32) -> None:
        torch.manual_seed(2)
        sizes = {"trunk": (3 * 8 * 8, 16), "dense": (16, 16), "whole": (16, 16), "region": (16, 16), "image": (16, 16)}
        layers: dict[str, torch.nn.Module] = {name: torch.nn.Linear(*size) for name, size in sizes.items()}
        model = torch.nn.ModuleDict({**layers, "letters": torch.nn.Embedding(64, 16)}).to(dtype)
        budgets, score = (16, 32, 64), Score(10.0, -5.0)
        card = TowerCard(
            name="third", revision="sha256:0123456789abcdef", licence="Apache-2.0", languages=("en", "zh"),
            region_mode="dense", width=16, text="Read to 12 letters.", region_score=score, image_score=score,
            threshold=0.5, patch=8, budgets=budgets, budget=read_budget(budget, budgets),
        )  # fmt: skip
        super().__init__(model, card)

    def preprocess(self, frame: Frame) -> torch.Tensor:
        h, w = self.grid_of(frame)
        return patchify(resize_frame(frame, (h * 8, w * 8)), 8)

    def trunk(self, inputs: list[torch.Tensor], grids: list[Grid], mask: torch.Tensor | None) -> torch.Tensor:
        tokens: torch.Tensor = self.model["trunk"](torch.stack(inputs).to(self.dtype))
        return tokens.tanh()

    def dense(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        dense: torch.Tensor = self.model["dense"](tokens)
        return dense

    def whole(self, tokens: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        whole: torch.Tensor = self.model["whole"](tokens.mean(1))
        return whole

    def read(self, phrase: str, target: Target) -> tuple[list[int], int]:
        return [*(ord(letter) % 63 + 1 for letter in phrase[:11]), 0], len(phrase) + 1

    def embed(self, ids: list[int], target: Target) -> torch.Tensor:
        features: torch.Tensor = self.model[target](self.model["letters"](torch.tensor(ids)).mean(0))
        return features


@pytest.fixture(scope="module", params=["tiny", "fgclip2", "third"])
def make(request: pytest.FixtureRequest, odd_folder: Path) -> Make:
    makers: dict[str, Make] = {
        "tiny": partial(TinyTower.load, TINY_WEIGHTS, device=CPU),
        "fgclip2": partial(FGCLIP2Tower.load, odd_folder, device=CPU),
        "third": ThirdTower,
    }
    return makers[request.param]


@pytest.fixture(scope="module")
def tower(make: Make) -> DenseTower[Any]:
    return make(dtype=torch.float32)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    """The first two have one grid, no other two have."""
    source = np.random.default_rng(7)
    sizes = ((90, 160), (90, 160), (200, 61), (14, 300), (1, 1))
    return [source.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_the_card_is_filled_in(tower: DenseTower[Any]) -> None:
    as_tower: Tower = tower  # the protocol is kept: mypy's to check
    card = as_tower.card
    assert card.languages == ("en", "zh")
    assert card.region_mode == "dense"
    assert card.licence == "Apache-2.0"
    assert len(card.revision) == len("sha256:") + 16
    assert card.revision.startswith("sha256:")
    assert list(card.budgets) == sorted(card.budgets)
    assert card.budget == "dynamic" or card.budget in card.budgets
    assert 0 <= card.threshold <= 1
    assert tower.placement == "cpu, float32"


def test_nothing_in_nothing_out(tower: DenseTower[Any], frames: list[Frame]) -> None:
    width = tower.card.width
    assert tower.encode_image([]) == []
    assert tower.encode_text([], "region").shape == (0, width)
    features = tower.encode_image(frames)[0]
    embeddings, valid = features.pool(np.zeros((0, 4), np.float32))
    assert embeddings.shape == (0, width)
    assert valid.shape == (0,)
    assert features.passes == 0  # no boxes, no tower pass


def test_frames_together_equal_frames_alone(tower: DenseTower[Any], frames: list[Frame]) -> None:
    for frame, batched in zip(frames, tower.encode_image(frames), strict=True):
        alone = tower.encode_image([frame])[0]
        assert batched.grid == alone.grid
        torch.testing.assert_close(batched.dense, alone.dense, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.embedding, alone.embedding, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.pool(BOXES)[0], alone.pool(BOXES)[0], atol=2e-4, rtol=0)


def test_features_have_the_shapes_and_lengths_that_they_say(tower: DenseTower[Any], frames: list[Frame]) -> None:
    for features in tower.encode_image(frames):
        h, w = features.grid
        for tokens in (features.tokens, features.dense):
            assert tokens.shape == (h * w, tower.card.width)
            assert tokens.dtype == torch.float32
            assert tokens.isfinite().all()
        assert features.tokens.untyped_storage().nbytes() == features.tokens.nbytes  # not a view of the whole batch
        assert features.embedding.norm().item() == pytest.approx(1, abs=1e-5)
    pooled, valid = tower.encode_image(frames[:1])[0].pool(BOXES)
    assert valid.tolist() == [True, True, False, False]
    torch.testing.assert_close(pooled.norm(dim=1), valid.float())


@pytest.mark.parametrize("budget", ["fast", "fine", "dynamic", 12, 100])
def test_frames_of_any_shape_keep_to_the_budget(make: Make, frames: list[Frame], budget: object) -> None:
    tower = make(dtype=torch.float32, budget=budget)
    card = tower.card
    most = {"fast": card.budgets[0], "fine": card.budgets[-1], "dynamic": "dynamic"}.get(str(budget), budget)
    assert card.budget == most
    for frame, features in zip(frames, tower.encode_image(frames), strict=True):
        assert features.grid == budget_grid((frame.shape[0], frame.shape[1]), card.patch, card.budget)
        assert most == "dynamic" or features.grid[0] * features.grid[1] <= int(str(most))


@pytest.mark.parametrize("budget", [0, -4, True, 2.5, "auto"])
def test_a_budget_that_cannot_be_is_refused(make: Make, budget: object) -> None:
    with pytest.raises(ConfigError, match="budget: expected fast, balanced, fine, dynamic"):
        make(dtype=torch.float32, budget=budget)


@pytest.mark.parametrize("target", TARGETS)
def test_a_phrase_has_the_same_bits_in_any_list(tower: DenseTower[Any], target: Target) -> None:
    together = tower.encode_text(PHRASES, target)
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(PHRASES)))
    for phrase, row in zip(PHRASES, together, strict=True):
        assert torch.equal(tower.encode_text([phrase], target)[0], row)
    assert torch.equal(tower.encode_text(PHRASES[::-1], target).flip(0), together)
    assert float((together @ together.T).fill_diagonal_(0).max()) < 0.999


def test_regions_and_whole_frames_are_spoken_of_differently(tower: DenseTower[Any]) -> None:
    region, image = (tower.encode_text(PHRASES, target) for target in TARGETS)
    assert not torch.equal(region, image)


@pytest.mark.parametrize("target", TARGETS)
def test_tokens_are_counted_honestly(tower: DenseTower[Any], target: Target) -> None:
    for phrase in (*PHRASES, "红" * 300):
        needed, read = tower.count_tokens(phrase, target)
        assert len(tower.token_ids(phrase, target)) == read <= needed
    assert read < needed  # of the last one
    end = tower.token_ids("x", target)[-1]
    assert tower.token_ids("红" * 300, target)[-1] == end
    cut, longer = tower.encode_text(["红" * 300, "红" * 300 + "色"], target)
    assert torch.equal(cut, longer)


def test_bfloat16_is_near_float32(make: Make, tower: DenseTower[Any], frames: list[Frame]) -> None:
    half = make(dtype=torch.bfloat16)
    assert half.placement == "cpu, bfloat16"
    ours, exact = half.encode_image(frames[:1])[0], tower.encode_image(frames[:1])[0]
    pooled, valid = ours.pool(BOXES)
    assert ours.dense.dtype == pooled.dtype == torch.float32
    assert float((pooled * exact.pool(BOXES)[0]).sum(-1)[valid].min()) > 0.97
    text = half.encode_text(["a red dog"], "region")
    assert text.dtype == torch.float32
    assert float(text[0] @ tower.encode_text(["a red dog"], "region")[0]) > 0.98


def test_features_can_be_trained_upon(tower: DenseTower[Any], frames: list[Frame]) -> None:
    # A proposal head learns on the tower's tokens: they must not be tensors of inference mode.
    features = tower.encode_image(frames[:1])[0]
    for tokens in (features.tokens, features.dense):
        head = torch.nn.Linear(tower.card.width, 1)
        head(tokens).sum().backward()
        assert head.weight.grad is not None


def test_threads_may_ask_the_same_features(tower: DenseTower[Any], frames: list[Frame]) -> None:
    """Eight threads ask features of one batch and encode phrases, with the bits of one thread."""

    def ask(number: int) -> tuple[NDArray[np.float32], torch.Tensor, torch.Tensor]:
        features = together[number % len(together)]
        return features.pool(BOXES)[0].numpy(), features.embedding, tower.encode_text(PHRASES, "region")

    together = tower.encode_image(frames)
    expected = [ask(number) for number in range(len(frames))]
    together = tower.encode_image(frames)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(4 * len(frames))))
    for number, (pooled, embedding, texts) in enumerate(found):
        alone = expected[number % len(frames)]
        np.testing.assert_array_equal(pooled, alone[0])
        assert torch.equal(embedding, alone[1])
        assert torch.equal(texts, alone[2])
    assert [features.passes for features in together] == [1] * len(frames)
