"""From cosine to score: golden values, and the promise that other labels and regions change no bit."""

import dataclasses
import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from torch.nn.functional import normalize

from heads.classify import (
    BANK,
    EncodedWords,
    Mode,
    Sets,
    best_of,
    classify,
    independent,
    near,
    phrase_logits,
)

WIDTHS = [64, 128, 768, 1152]
BANK_SIZE = 37


def unit(rows: int, width: int, seed: int) -> torch.Tensor:
    return normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(seed)), dim=1)


def words_of(labels: list[int], width: int, *, bank: int = BANK_SIZE, near: float = 0.3) -> EncodedWords:
    """A vocabulary of labels known by number: label n always has the same 1 to 3 phrases and 0 to 2 negatives."""
    phrases, label_of, negatives, owner = [], [], [unit(bank, width, 1)], [BANK] * bank
    for place, label in enumerate(labels):
        own_phrases, own_negatives = 1 + label % 3, (label // 3) % 3
        phrases.append(unit(own_phrases, width, 100 + label))
        label_of += [place] * own_phrases
        negatives.append(unit(own_negatives, width, 10_000 + label))
        owner += [place] * own_negatives
    return EncodedWords(
        torch.cat([torch.zeros(0, width), *phrases]),
        torch.tensor(label_of, dtype=torch.long),
        len(labels),
        torch.cat(negatives),
        torch.tensor(owner, dtype=torch.long),
        near,
    )


def scores_of(regions: torch.Tensor, labels: list[int], bias: float | None) -> torch.Tensor:
    # Cosines of random vectors shrink with the root of the width; this scale keeps scores away from 0 and 1.
    scale = 2.0 * regions.shape[1] ** 0.5
    return classify(regions, words_of(labels, regions.shape[1]), scale=scale, bias=bias).values


def mixed(count: int, seed: int) -> list[int]:
    return torch.randperm(count, generator=torch.Generator().manual_seed(seed)).tolist()


@pytest.fixture(params=[1, 2], ids=["one thread", "two threads"])
def _threads(request: pytest.FixtureRequest) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("bias", [None, -2.5], ids=["no bias", "bias"])
@pytest.mark.parametrize("width", WIDTHS)
def test_other_labels_change_no_bit_of_a_score(width: int, bias: float | None) -> None:
    regions = unit(300, width, 0)
    everything = scores_of(regions, list(range(80)), bias)  # (300, 80)
    assert float(everything.std()) > 0.01  # else equality would say nothing
    for count in (1, 2, 17):
        for first in (0, 5, 63):
            labels = list(range(first, first + count))
            assert torch.equal(scores_of(regions, labels, bias), everything[:, labels])
    labels = mixed(80, seed=1)
    assert torch.equal(scores_of(regions, labels, bias), everything[:, labels])
    inserted = [3, 79, 4, 11, 5]  # others put between, not only behind
    assert torch.equal(scores_of(regions, inserted, bias), everything[:, inserted])


@pytest.mark.usefixtures("_threads")
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("count", [1, 2, 17, 80])
def test_other_regions_change_no_bit_of_a_score(width: int, count: int) -> None:
    regions = unit(300, width, 0)
    labels = list(range(count))
    everything = scores_of(regions, labels, None)  # (300, C)
    for part in (slice(0, 1), slice(7, 8), slice(3, 5), slice(60, 77), slice(100, 230), slice(1, 300)):
        assert torch.equal(scores_of(regions[part], labels, None), everything[part])
    order = mixed(300, seed=2)
    assert torch.equal(scores_of(regions[order], labels, None), everything[order])


def digest_of(labels: list[int], rows: int, columns: list[int]) -> str:
    values = scores_of(unit(300, 768, 0)[:rows], labels, -4.0)[:17, columns].contiguous()
    return hashlib.sha256(values.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("threads", ["1", "2"])
def test_two_processes_with_other_company_agree_on_every_bit(threads: str) -> None:
    def run(call: str) -> str:
        script = f"import test_classify as t; print(t.{call})"
        paths = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[2])])
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": threads}
        command = [sys.executable, "-c", script]
        return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout

    alone = run("digest_of([4, 9], 17, [0, 1])")
    assert alone == run("digest_of([7, 9, *range(10, 40), 4], 300, [32, 1])")
    assert digest_of([4, 9], 17, [0, 1]) != digest_of([4, 10], 17, [0, 1])  # it does tell scores apart


def test_phrase_logits_are_the_plain_product() -> None:
    regions, phrases = unit(70, 96, 0), unit(130, 96, 1)
    logits = phrase_logits(regions, phrases, scale=100.0, bias=-3.0)
    assert logits.dtype == torch.float32
    expected = regions.double() @ phrases.double().T * 100 - 3
    torch.testing.assert_close(logits.double(), expected, rtol=0, atol=1e-4)  # 1e-6 of cosine


def test_the_best_phrase_of_each_label_is_found_and_the_first_of_equals_taken() -> None:
    logits = torch.tensor([[1.0, 5.0, 2.0, 3.0, 5.0], [9.0, 0.0, -2.0, -1.0, 0.0]])
    best, phrase = best_of(logits, torch.tensor([1, 0, 1, 1, 0]), 2)
    assert best.tolist() == [[5.0, 3.0], [0.0, 9.0]]
    assert phrase.tolist() == [[1, 3], [1, 0]]
    assert phrase.dtype == torch.long


def test_a_tower_with_bias_and_no_negatives_is_its_own_sigmoid() -> None:
    best = torch.linspace(-20, 20, 101)[:, None]  # (N, 1)
    scores = independent(best, torch.zeros(101, 0), Sets.of(torch.zeros(1, 0, dtype=torch.bool)), background=True)
    torch.testing.assert_close(scores, torch.sigmoid(best), rtol=1e-6, atol=0)


def test_a_tower_without_bias_is_a_softmax_over_one_label_and_its_negatives() -> None:
    best, negatives = torch.tensor([[4.0, -1.0]]), torch.tensor([[3.0, 1.0, 7.0]])
    applies = torch.tensor([[True, True, False], [False, True, True]])
    scores = independent(best, negatives, Sets.of(applies), background=False)
    first = math.exp(4) / (math.exp(4) + math.exp(3) + math.exp(1))
    second = math.exp(-1) / (math.exp(-1) + math.exp(1) + math.exp(7))
    torch.testing.assert_close(scores, torch.tensor([[first, second]]), rtol=1e-6, atol=0)


def test_logits_of_two_hundred_neither_overflow_nor_become_nan() -> None:
    best = torch.tensor([[200.0, -200.0, 0.0], [1e6, -1e6, float("inf")]])
    negatives = torch.tensor([[200.0, -200.0], [-1e6, -1e6]])
    applies = torch.tensor([[True, False], [True, True], [False, True]])
    for background in (False, True):
        scores = independent(best, negatives, Sets.of(applies), background=background)
        assert bool(torch.isfinite(scores).all())
        assert scores[0, 0] == 0.5
        assert scores[0, 1] < 1e-30
        assert scores[0, 2] == (0.5 if background else 1.0)


def test_a_label_without_negatives_and_bias_is_refused_by_number() -> None:
    applies = torch.tensor([[True], [False], [True]])
    with pytest.raises(ValueError, match=r"no trained bias.*labels \[1\] have none.*closed mode"):
        independent(torch.zeros(0, 3), torch.zeros(0, 1), Sets.of(applies), background=False)
    independent(torch.zeros(0, 3), torch.zeros(0, 1), Sets.of(applies), background=True)


def test_closed_scores_are_the_softmax_over_labels() -> None:
    words = words_of([0, 1, 2], 64, bank=0)  # no negative is needed
    scores = classify(unit(5, 64, 0), words, scale=100.0, bias=None, mode="closed")
    torch.testing.assert_close(scores.values, scores.logits.exp() / scores.logits.exp().sum(dim=1, keepdim=True))


def test_a_bank_phrase_that_says_the_same_is_left_out_for_that_label_only() -> None:
    east, north = [1.0, 0.0], [0.0, 1.0]
    almost_east = [math.cos(0.1), math.sin(0.1)]  # cosine 0.995 with east
    phrases = torch.tensor([east, north])
    negatives = torch.tensor([almost_east, [-1.0, 0.0], almost_east])
    own = torch.tensor([0, 1])
    assert near(phrases, negatives, own, 2, 0.99).tolist() == [[True, False, True], [False, False, False]]
    assert near(phrases, negatives, own, 2, 0.999).tolist() == [[False] * 3, [False] * 3]
    # With both phrases on one label, the label's nearest phrase decides.
    assert near(phrases, negatives, torch.tensor([0, 0]), 1, 0.99).tolist() == [[True, False, True]]
    # The third negative is label 0's own: the user said so, and it stays.
    words = EncodedWords(phrases, own, 2, negatives, torch.tensor([BANK, BANK, 0]), 0.99)
    assert words.applies.tolist() == [[False, True, True], [True, True, False]]


def test_classify_says_which_phrase_gave_the_score() -> None:
    phrases = torch.eye(3)  # label 0: x and y, label 1: z
    words = EncodedWords(phrases, torch.tensor([0, 0, 1]), 2, -torch.eye(3)[:1], torch.tensor([BANK]), 0.9)
    scores = classify(torch.tensor([[0.0, 1.0, 0.0], [0.6, 0.0, 0.8]]), words, scale=10.0, bias=None)
    assert scores.phrase.tolist() == [[1, 2], [0, 2]]
    # Region 1, label 1: e^8 against the negative's e^-6.
    assert float(scores.values[1, 1]) == pytest.approx(1 / (1 + math.exp(-14)), rel=1e-6)


@pytest.mark.parametrize("mode", ["independent", "closed"])
@pytest.mark.parametrize(("regions", "labels"), [(0, 3), (5, 0), (0, 0)])
def test_no_regions_and_no_labels_give_empty_scores(regions: int, labels: int, mode: Mode) -> None:
    words = words_of(list(range(labels)), 64)
    scores = classify(unit(regions, 64, 0), words, scale=100.0, bias=None, mode=mode)
    assert scores.values.shape == scores.phrase.shape == (regions, labels)
    assert scores.values.dtype == torch.float32
    assert scores.phrase.dtype == torch.long


def with_lines(words: EncodedWords, own: list[int]) -> EncodedWords:
    """The same words, of which the phrases of the labels `own` have a scale and a bias of their own."""
    taught = torch.isin(words.label_of, torch.tensor(own))  # (P,)
    lines = [torch.where(taught, value, torch.nan) for value in (7.0, -1.25)]  # (P,) each
    return dataclasses.replace(words, scales=lines[0], biases=lines[1])


@pytest.mark.parametrize("bias", [None, -2.5], ids=["no bias", "bias"])
@pytest.mark.parametrize("count", [1, 2, 17, 80])
def test_a_phrase_with_its_own_line_changes_no_bit_of_another_score(count: int, bias: float | None) -> None:
    regions = unit(70, 128, 0)
    plain = words_of(list(range(count + 1)), 128)
    own = with_lines(plain, [count])
    before, after = (classify(regions, words, scale=20.0, bias=bias).values for words in (plain, own))
    assert torch.equal(after[:, :count], before[:, :count])
    assert torch.equal(
        after[:, :count], classify(regions, words_of(list(range(count)), 128), scale=20.0, bias=bias).values
    )
    assert not torch.equal(after[:, count], before[:, count])


def test_a_phrase_with_its_own_line_scores_by_it() -> None:
    regions, phrases, nothing = unit(5, 64, 0), unit(2, 64, 1), torch.zeros(0, dtype=torch.long)
    lines = [torch.tensor([torch.nan, value], dtype=torch.float32) for value in (3.0, 0.5)]
    words = EncodedWords(phrases, torch.tensor([0, 1]), 2, torch.zeros(0, 64), nothing, 0.9, *lines)
    expected = torch.sigmoid(regions @ phrases.T * torch.tensor([10.0, 3.0]) + torch.tensor([-4.0, 0.5]))
    torch.testing.assert_close(classify(regions, words, scale=10.0, bias=-4.0).values, expected)


def test_wrong_words_are_named() -> None:
    two, empty, nobody = torch.eye(2), torch.zeros(0, 2), torch.zeros(0, dtype=torch.long)
    with pytest.raises(ValueError, match="one phrase for each of the 3 labels"):
        EncodedWords(two, torch.tensor([0, 2]), 3, empty, nobody, 0.9)
    with pytest.raises(ValueError, match=r"owners of negatives in -1\.\.1, got 5\.\.5"):
        EncodedWords(two, torch.tensor([0, 1]), 2, two[:1], torch.tensor([5]), 0.9)
    with pytest.raises(ValueError, match=r"phrases of shape \(n, D\)"):
        EncodedWords(two, torch.tensor([0]), 1, empty, nobody, 0.9)
    with pytest.raises(ValueError, match=r"scales and biases, or neither.*\(2,\)"):
        EncodedWords(two, torch.tensor([0, 1]), 2, empty, nobody, 0.9, torch.ones(2))
    with pytest.raises(ValueError, match="scales and biases"):
        EncodedWords(two, torch.tensor([0, 1]), 2, empty, nobody, 0.9, torch.ones(3), torch.ones(3))
    words = EncodedWords(two, torch.tensor([0, 1]), 2, empty, nobody, 0.9)
    with pytest.raises(ValueError, match="same tower"):
        classify(torch.zeros(1, 3), words, scale=1.0, bias=0.0)
