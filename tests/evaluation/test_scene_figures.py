import numpy as np
import pytest

from regionclip.evaluation.scenes import STRANGERS, _average_precision, _covered, _share, _Truth
from regionclip.scenes.phrases import KINDS
from regionclip.scenes.words import GROUPS, KIND_WORDS, THINGS, UNKNOWN_WORDS

_SIZE = (100, 100)


def _truths() -> list[_Truth]:
    boxes = np.array([[10, 10, 50, 50], [60, 20, 90, 80]], np.float32)
    return [_Truth(boxes, np.array([0, 3]), np.array([0, 30])), _Truth(boxes[:1], np.array([5]), np.array([55]))]


def _scores(kinds: list[int], sure: float = 0.9) -> np.ndarray:
    scores = np.full((len(kinds), len(KINDS)), 0.01, np.float32)
    scores[np.arange(len(kinds)), kinds] = sure
    return scores


def test_right_boxes_with_right_words_reach_one() -> None:
    truths = _truths()
    found = [(truth.boxes, _scores(truth.kinds.tolist())) for truth in truths]
    assert _average_precision(truths, found, _SIZE) == pytest.approx((1.0, 1.0, 1.0))


def test_loose_boxes_count_at_iou_50_only() -> None:
    truths = _truths()
    found = [(truth.boxes + np.array([0, 0, 12, 0], np.float32), _scores(truth.kinds.tolist())) for truth in truths]
    ap, ap50, ap75 = _average_precision(truths, found, _SIZE)  # IoU 0.77, 0.71 and 0.77
    assert ap50 == pytest.approx(1.0)
    assert 0.5 < ap75 < 0.9
    assert ap < ap50


def test_wrong_words_reach_nothing() -> None:
    truths = _truths()
    found = [(truth.boxes, _scores([(kind + 1) % len(KINDS) for kind in truth.kinds.tolist()])) for truth in truths]
    for (_, scores), truth in zip(found, truths, strict=True):
        scores[np.arange(len(scores)), truth.kinds] = -1.0  # not among the five best
    assert _average_precision(truths, found, _SIZE)[1] == pytest.approx(0.0)


def test_no_boxes_at_all() -> None:
    truths = _truths()
    none = (np.zeros((0, 4), np.float32), np.zeros((0, len(KINDS)), np.float32))
    assert _average_precision(truths, [none, none], _SIZE) == (0.0, 0.0, 0.0)
    assert _covered(truths[0], none[0]).tolist() == [False, False]


def test_recall_counts_true_boxes_that_are_overlapped() -> None:
    truth = _truths()[0]
    boxes = np.array([[12, 12, 52, 52], [60, 20, 70, 30]], np.float32)
    assert _covered(truth, boxes).tolist() == [True, False]


def test_intervals_hold_the_value_and_shrink_with_more_scenes() -> None:
    rng = np.random.default_rng(0)
    few = _share([rng.random(5) < 0.8 for _ in range(10)])
    many = _share([rng.random(5) < 0.8 for _ in range(400)])
    assert few.low <= few.value <= few.high
    assert many.low < 0.8 < many.high
    assert many.high - many.low < few.high - few.low


def test_scenes_are_resampled_whole() -> None:
    """Regions of one scene that stand or fall together must widen the interval."""
    together = _share([np.full(20, i % 2 == 0) for i in range(20)])
    apart = _share([np.arange(20) % 2 == 0 for _ in range(20)])
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 0.2
    assert apart.high == apart.low == 0.5


def test_strangers_were_never_named_in_training() -> None:
    for language, words in STRANGERS.items():
        known = {word for names in KIND_WORDS[language].values() for word in names} | set(THINGS[language])
        known |= set(UNKNOWN_WORDS[language]) | {word for _, names in GROUPS.values() for word in names[language]}
        assert not known & set(words)
