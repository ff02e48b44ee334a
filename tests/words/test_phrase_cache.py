"""Phrases are encoded once, forgotten in turn, and told of while thousands are encoded."""

import gc
import pickle
import subprocess
import sys
import weakref
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy import ToyTower

from proposals.grid import GridProposer
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import PromptError
from regionclip.scorer import Scorer
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.vocabulary import Label, Vocabulary


def test_the_phrase_asked_for_longest_ago_goes_first() -> None:
    tower = ToyTower()
    cache = PhraseCache(tower, (), most=3)
    cache.encode(["red", "green", "blue"], "region")
    cache.encode(["red", "grey"], "region")  # green is forgotten
    assert tower.phrases_encoded == 4
    cache.encode(["red", "blue", "grey"], "region")
    assert tower.phrases_encoded == 4
    cache.encode(["green"], "region")
    assert tower.phrases_encoded == 5


def test_a_vocabulary_that_does_not_fit_makes_room_for_itself() -> None:
    tower = ToyTower()
    cache, words = PhraseCache(tower, ("grey",), most=3), Vocabulary([f"red {number}" for number in range(9)])
    cache.prepare(words, "region", iter)
    assert tower.phrases_encoded == 10
    cache.words(words, "region")
    cache.words(Vocabulary(words.labels[:5]), "region")
    assert tower.phrases_encoded == 10


def test_thousands_of_words_tell_how_far_they_are() -> None:
    tower = ToyTower(negatives=("grey wall",))
    det = Detector(tower, GridProposer(4))
    seen: list[tuple[int, int]] = []

    def watch(todo: Sequence[Any]) -> Iterable[Any]:
        for number, each in enumerate(todo):
            seen.append((number, tower.phrases_encoded))
            yield each

    words = Vocabulary([f"red {number}" for number in range(50)] + [Label("x", prompts=["blue"], negatives=["green"])])
    assert det.prepare(words, watch) is words
    assert seen == [(number, number) for number in range(53)]  # the bank's, 50, blue, green: one after another
    det(np.zeros((32, 32, 3), np.uint8), words)
    assert tower.phrases_encoded == 53
    assert len(det.prepare([])) == 0


def test_vocabularies_that_nobody_asks_any_more_are_let_go() -> None:
    scorer = Scorer(ToyTower(), Config(), "GridProposer")
    asked = [weakref.ref(scorer.ask(Vocabulary([f"red {number}"]))) for number in range(200)]
    gc.collect()
    assert [each() is not None for each in asked] == [False] * 136 + [True] * 64


def test_the_same_words_are_the_same_vocabulary() -> None:
    words: list[str | Label] = ["red", Label("wagon", prompts=["blue", "蓝"])]
    assert Vocabulary.of(words) is Vocabulary.of(list(words)) is Vocabulary.of(tuple(words))
    words.append("green")
    assert Vocabulary.of(words).names == ("red", "wagon", "green")
    with pytest.raises(PromptError, match="expected strings or labels, got list"):
        Vocabulary.of(["red", ["green"]])  # type: ignore[list-item]


def test_equal_vocabularies_meet_in_another_process(tmp_path: Path) -> None:
    """Whose strings hash otherwise."""
    path = tmp_path / "words.pickle"
    path.write_bytes(pickle.dumps(Vocabulary(["red", Label("x", prompts=["blue"])], threshold=0.25)))
    code = (
        "import pickle, sys; from regionclip.words.vocabulary import Label, Vocabulary; "
        "read = pickle.load(open(sys.argv[1], 'rb')); "
        "own = Vocabulary(['red', Label('x', prompts=['blue'])], threshold=0.25); "
        "print(read == own, {own: 1}.get(read))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "1"]
