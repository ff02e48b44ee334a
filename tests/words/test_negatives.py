"""Negatives: the bank's, the vocabulary's and a label's own, in both languages, and what a detection says of them.

The cosines of the toy tower: red with red 1, with dark 1/3, with other colours -1/3. Phrases without a colour are dark.
"""

import math
from functools import partial
from typing import Any

import numpy as np
import pytest
import supervision as sv
from toy import planted, toy_detector

from regionclip.errors import PromptError
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
RED, BLUE = [16, 16, 80, 80], [112, 32, 176, 112]
THIRD = 10 / 3

BIASED = {"red": math.exp(10 - 5), "dark": math.exp(THIRD - 5), "other": math.exp(-THIRD - 5), "one": 1.0}
PLAIN = {"red": math.exp(10), "dark": math.exp(THIRD), "other": math.exp(-THIRD), "one": 0.0}
"""e^z on the red region: of red, of a dark phrase, of any other colour, and of the trained background."""


detector = partial(toy_detector, [RED, BLUE])


def one(found: sv.Detections, region: int, name: str) -> Any:  # noqa: ANN401
    """A column's value on the only row of a region."""
    rows = np.flatnonzero(found.data["region"] == region)
    assert len(rows) == 1
    return np.asarray(found.data[name])[rows[0]].item()


@pytest.mark.parametrize("phrase", ["a shadow", "影子"])
@pytest.mark.parametrize(("bias", "powers"), [(-5.0, BIASED), (None, PLAIN)], ids=["trained bias", "none"])
def test_a_detection_names_the_negative_that_came_nearest(
    bias: float | None, powers: dict[str, float], phrase: str
) -> None:
    words = Vocabulary([Label("红色", negatives=["green"])], negatives=["绿色", phrase])
    found = detector(bias=bias)(FRAME, words, boxes=[RED])
    total = powers["red"] + powers["one"] + powers["dark"] + 2 * powers["other"]
    assert one(found, 0, "negative") == phrase
    assert found.confidence is not None
    assert float(found.confidence[0]) == pytest.approx(powers["red"] / total, rel=1e-5)
    assert one(found, 0, "negative_margin") == pytest.approx((powers["red"] - powers["dark"]) / total, rel=1e-5)


def test_negative_and_its_margin_where_none_counts() -> None:
    found = detector()(FRAME, ["red", Label("blue", negatives=["影子"])])
    assert one(found, 0, "negative") == ""
    assert found.confidence is not None
    assert one(found, 0, "negative_margin") == pytest.approx(float(found.confidence[found.data["region"] == 0][0]))
    assert one(found, 1, "negative") == "影子"
    closed = detector(mode="closed")(FRAME, Vocabulary(["red", "blue"], negatives=["影子"]))
    assert one(closed, 0, "negative") == ""
    assert one(closed, 0, "negative_margin") == pytest.approx(float(closed.confidence[0]))  # type: ignore[index]


def test_the_vocabularys_negatives_act_on_every_label_and_a_labels_own_on_it_alone() -> None:
    det = detector()
    regions = det.regions(FRAME)
    plain = det.scores(regions, ["red", "blue"])
    own = det.scores(regions, [Label("red", negatives=["影子"]), "blue"])
    assert (own[:, 0] < plain[:, 0]).all()
    assert np.array_equal(own[:, 1], plain[:, 1])
    shared = det.scores(regions, Vocabulary(["red", "blue"], negatives=["影子"]))
    assert (shared < plain).all()
    assert np.array_equal(shared[:, 0], own[:, 0])


def test_negatives_in_both_languages_are_the_same_thing_to_a_tower_that_reads_both() -> None:
    det = detector()
    regions = det.regions(FRAME)
    english, chinese = (det.scores(regions, Vocabulary(["red"], negatives=[each])) for each in ("green", "绿色"))
    assert np.array_equal(english, chinese)


@pytest.mark.parametrize("bias", [-5.0, None], ids=["trained bias", "none"])
def test_the_bank_weighs_on_every_label_but_the_one_it_says_again(bias: float | None) -> None:
    banked = detector(bias=bias, negatives=("红色的墙", "dark wall"))
    found = banked(FRAME, ["red", "blue"])
    assert one(found, 0, "negative") == "dark wall"  # the red wall is left out for red
    scores = banked.scores(banked.regions(FRAME), ["red", "blue"])
    without = detector(bias=bias, negatives=("dark wall",))
    lighter = without.scores(without.regions(FRAME), ["red", "blue"])
    assert np.array_equal(scores[:, 0], lighter[:, 0])
    assert (scores[:, 1] < lighter[:, 1]).all()


def test_a_labels_own_negative_counts_even_where_it_says_the_same() -> None:
    det = detector()
    regions = det.regions(FRAME, [RED])
    assert det.scores(regions, Vocabulary(["red"], negatives=["红色"]))[0, 0] > 0.99  # left out, as the bank's
    assert det.scores(regions, [Label("red", negatives=["红色"])])[0, 0] == pytest.approx(0.5, abs=0.01)


def test_the_bank_alone_makes_a_tower_without_bias_usable() -> None:
    assert len(detector(bias=None, negatives=("dark wall", "绿墙"))(FRAME, ["red"])) == 1
    with pytest.raises(PromptError, match="nothing to be weighed against"):
        detector(bias=None, negatives=("dark wall",), bank=False)(FRAME, ["red"])


def test_an_unknown_region_names_what_beat_the_label_that_came_nearest() -> None:
    words = Vocabulary([Label("green", negatives=["红色"]), "blue"], threshold=0.9)
    found = detector(unknown=True)(FRAME, words)
    assert one(found, 0, "class_name") == "unknown"
    assert one(found, 0, "runner_up") in ("green", "blue")
    nearest = detector(unknown=True)(FRAME, Vocabulary([Label("green", negatives=["红色"])]), boxes=[RED])
    total = BIASED["other"] + 1 + BIASED["red"]
    assert one(nearest, 0, "negative") == "红色"
    assert one(nearest, 0, "negative_margin") == pytest.approx((BIASED["other"] - BIASED["red"]) / total, rel=1e-4)
    nothing = detector(unknown=True)(FRAME, [], boxes=[RED])
    assert (one(nothing, 0, "negative"), one(nothing, 0, "negative_margin")) == ("", 0)
