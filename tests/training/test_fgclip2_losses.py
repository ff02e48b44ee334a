"""The losses of FG-CLIP 2 against tensors made with the official training class, and what is added to them."""

from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file
from torch.nn.functional import normalize

from regionclip.training import losses

_GOLDEN = Path(__file__).parent.parent / "golden" / "fgclip2_training.safetensors"
_SCALE = torch.tensor(1.5)


@pytest.fixture(scope="module")
def golden() -> dict[str, torch.Tensor]:
    tensors = load_file(_GOLDEN)
    tensors["hard"] = tensors["in.hard_text"].view(14, 11, 32)
    return tensors


def _unit(*shape: int, seed: int = 0) -> torch.Tensor:
    return normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=-1)


def _agrees(value: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(value.reshape(1), expected, atol=2e-5, rtol=1e-6)


def test_global_sigmoid(golden: dict[str, torch.Tensor]) -> None:
    images, texts = golden["in.image"], golden["in.text"]
    score = (golden["in.logit_scale_global"], golden["in.logit_bias_global"])
    own = losses.global_sigmoid(images, texts, score)
    _agrees(own, golden["out.global_sigmoid"])
    both = losses.global_sigmoid(images, texts, score, others=texts.flip(0))
    _agrees(both, golden["out.global_sigmoid"] + golden["out.global_sigmoid_negatives_only"])


def test_region_contrastive(golden: dict[str, torch.Tensor]) -> None:
    value = losses.region_contrastive(golden["in.image"], golden["in.text"], golden["in.logit_scale_fine"])
    _agrees(value, golden["out.region_contrastive"])


def test_textual_intra_modal(golden: dict[str, torch.Tensor]) -> None:
    _agrees(losses.textual_intra_modal(golden["in.text"]), golden["out.textual_intra_modal"])


@pytest.mark.parametrize("threshold", [0.0, 1.5])
def test_hard_negatives(golden: dict[str, torch.Tensor], threshold: float) -> None:
    given = (golden["in.image"], golden["hard"], golden["in.logit_scale_fine"])
    _agrees(losses.hard_pair(*given), golden["out.hard_pair"])
    _agrees(losses.cross_modal_rank(*given, torch.tensor(threshold)), golden[f"out.rank_threshold_{threshold}"])
    _agrees(losses.rank_threshold(*given), golden[f"out.new_threshold_{threshold}"])
    _agrees(losses.hard_negative(*given, torch.tensor(threshold)), golden[f"out.hard_total_threshold_{threshold}"])


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 7), st.integers(0, 1000))
def test_a_repeated_pair_that_says_the_same_does_not_count(count: int, seed: int) -> None:
    """With `same`, a row that is left out of everything else's choices changes nothing for the others."""
    left, right = _unit(count, 8, seed=seed), _unit(count, 8, seed=seed + 1)
    doubled = [torch.cat([x, x]) for x in (left, right)]
    same = torch.eye(count, dtype=torch.bool).repeat(2, 2)
    # Each text is now there twice: one copy is the right answer, the other is left out. So every row has its own
    # right answer and two of each wrong one.
    logits = _SCALE.exp() * left @ right.T
    twice = torch.where(torch.eye(count, dtype=torch.bool), logits, logits + torch.tensor(2.0).log())
    expected = -(twice.log_softmax(1).diagonal() + twice.T.log_softmax(1).diagonal()).mean() / 2
    value = losses.region_contrastive(doubled[0], doubled[1], _SCALE, same)
    torch.testing.assert_close(value, expected, atol=1e-5, rtol=1e-5)


def test_captions_that_say_the_same_are_neither_right_nor_wrong() -> None:
    images, text = _unit(2, 8), _unit(1, 8, seed=1)
    score = (_SCALE, torch.tensor(-1.0))
    alone = [losses.global_sigmoid(images[i : i + 1], text, score) for i in range(2)]
    same = torch.ones(2, 2, dtype=torch.bool)
    together = losses.global_sigmoid(images, text.expand(2, -1), score, same=same)
    torch.testing.assert_close(together, torch.stack(alone).mean())


def test_a_hard_negative_that_is_true_of_a_region_is_left_out() -> None:
    regions, texts = _unit(2, 8), _unit(2, 3, 8, seed=2)
    same = torch.zeros(2, 2 + 4, dtype=torch.bool)
    same[0, 4] = True  # the first false text of region 1 is true of region 0
    other = texts.clone()
    other[1, 1] = _unit(8, seed=9)
    logits = [_SCALE.exp() * regions @ torch.cat([t[:, 0], t[:, 1:].flatten(0, 1)]).T for t in (texts, other)]
    assert not torch.equal(logits[0][0], logits[1][0])
    kept = [row[torch.arange(6) != 4] for row in (logits[0][0], logits[1][0])]
    assert torch.equal(kept[0], kept[1])
    value = losses.hard_contrastive(regions, texts, _SCALE, same)
    rows = torch.stack([kept[0].log_softmax(0)[0], logits[0][1].log_softmax(0)[1]])
    columns = logits[0][:, :2].T.log_softmax(1).diagonal()
    torch.testing.assert_close(value, -(rows.mean() + columns.mean()) / 2)


@pytest.mark.parametrize("count", [1, 2, 9])
def test_fewer_than_ten_texts_count_all_of_them(count: int) -> None:
    texts = _unit(count, 16)
    cosines = (texts @ texts.T).fill_diagonal_(0)
    expected = cosines.exp().sum(1).log().mean()
    torch.testing.assert_close(losses.textual_intra_modal(texts), expected)


def test_no_regions_cost_nothing() -> None:
    empty, texts = torch.zeros(0, 8, requires_grad=True), torch.zeros(0, 11, 8)
    values = [
        losses.global_sigmoid(empty, empty, (_SCALE, _SCALE)),
        losses.region_contrastive(empty, empty, _SCALE),
        losses.textual_intra_modal(empty),
        losses.hard_negative(empty, texts, _SCALE, torch.tensor(1.0)),
    ]
    assert [value.item() for value in values] == [0.0] * 4
    torch.autograd.backward(torch.stack(values).sum())


def test_gradients_pull_true_pairs_together() -> None:
    """A step along the gradient raises the true texts' logits over the false ones', and the next threshold with it."""
    regions = _unit(5, 8).requires_grad_()
    texts = _unit(5, 4, 8, seed=3)
    before = losses.rank_threshold(regions, texts, _SCALE)
    torch.autograd.backward(losses.hard_negative(regions, texts, _SCALE, torch.tensor(2.0)))
    assert regions.grad is not None
    after = normalize(regions.detach() - 0.1 * regions.grad, dim=-1)
    assert losses.rank_threshold(after, texts, _SCALE) > before
