import numpy as np
import pytest

from regionclip.data.intervals import Share, balanced, share
from regionclip.evaluation.accuracy.precision import FoundBoxes, TrueBoxes, average_precision, covered
from regionclip.evaluation.accuracy.scenes import PAIRS, SceneFigures, SceneRow, misspelt_kinds, table
from regionclip.scenes.language.phrases import ASKED, KINDS

BOXES = np.array([[10, 10, 50, 50], [60, 20, 90, 80]], np.float32)


def truths() -> list[TrueBoxes]:
    return [(BOXES, np.array([0, 3])), (BOXES[:1], np.array([5]))]


def scores_of(kinds: list[int], sure: float = 0.9) -> np.ndarray:
    scores = np.full((len(kinds), len(KINDS)), 0.01, np.float32)
    scores[np.arange(len(kinds)), kinds] = sure
    return scores


def test_right_boxes_with_right_words_reach_one() -> None:
    found: list[FoundBoxes] = [(boxes, scores_of(kinds.tolist())) for boxes, kinds in truths()]
    reached = average_precision(truths(), found, KINDS)
    assert reached.ap.value == pytest.approx(1.0)
    assert reached.ap75.low == pytest.approx(1.0)


def test_loose_boxes_count_at_iou_50_only() -> None:
    wider = np.array([0, 0, 12, 0], np.float32)  # IoU 0.77, 0.71 and 0.77
    found: list[FoundBoxes] = [(boxes + wider, scores_of(kinds.tolist())) for boxes, kinds in truths()]
    reached = average_precision(truths(), found, KINDS)
    assert reached.ap50.value == pytest.approx(1.0)
    assert 0.5 < reached.ap75.value < 0.9
    assert reached.ap.value < reached.ap50.value
    assert reached.ap75.low < reached.ap75.value < reached.ap75.high  # it hangs on which picture is drawn


def test_wrong_words_reach_nothing() -> None:
    found: list[FoundBoxes] = []
    for boxes, kinds in truths():
        scores = scores_of([(kind + 1) % len(KINDS) for kind in kinds.tolist()])
        scores[np.arange(len(scores)), kinds] = -1.0  # not among the five best
        found.append((boxes, scores))
    assert average_precision(truths(), found, KINDS).ap50.value == pytest.approx(0.0)


def test_no_boxes_at_all() -> None:
    none = (np.zeros((0, 4), np.float32), np.zeros((0, len(KINDS)), np.float32))
    assert average_precision(truths(), [none, none], KINDS).ap == Share(0.0, 0.0, 0.0)
    assert covered(BOXES, none[0]).tolist() == [False, False]
    assert covered(none[0], BOXES).tolist() == []


def test_recall_counts_true_boxes_that_are_overlapped() -> None:
    proposals = np.array([[12, 12, 52, 52], [60, 20, 70, 30]], np.float32)
    assert covered(BOXES, proposals).tolist() == [True, False]
    assert covered(BOXES, proposals, 0.9).tolist() == [False, False]


def test_intervals_hold_the_value_and_shrink_with_more_scenes() -> None:
    rng = np.random.default_rng(0)
    few = share([rng.random(5) < 0.8 for _ in range(10)])
    many = share([rng.random(5) < 0.8 for _ in range(400)])
    assert few.low <= few.value <= few.high
    assert many.low < 0.8 < many.high
    assert many.high - many.low < few.high - few.low


def test_scenes_are_resampled_whole() -> None:
    """Regions of one scene that stand or fall together must widen the interval."""
    together = share([np.full(20, i % 2 == 0) for i in range(20)])
    apart = share([np.arange(20) % 2 == 0 for _ in range(20)])
    assert together.value == apart.value == 0.5
    assert together.high - together.low > 0.2
    assert apart.high == apart.low == 0.5


def test_always_yes_is_worth_a_half() -> None:
    """However rare "no" is: that is what balanced accuracy is for."""
    yes, no = [np.ones(9, np.bool_)] * 20, [np.zeros(1, np.bool_)] * 20
    assert balanced(yes, no).value == 0.5
    assert balanced(yes, [~hits for hits in no]).value == 1.0


def test_scenes_without_an_answer_count_for_nothing() -> None:
    none = np.zeros(0, np.bool_)
    assert share([none, np.ones(2, np.bool_)]).value == 1.0
    assert share([none]).value == 0.0


def test_misspelt_kinds_differ_in_one_word_of_four_letters_or_more() -> None:
    for plain, wrong in zip(KINDS, misspelt_kinds(3), strict=True):
        changed = [(a, b) for a, b in zip(plain.split(), wrong.split(), strict=True) if a != b]
        assert len(changed) <= 1
        assert all(len(word) >= 4 for word, _ in changed)
    assert sum(plain != wrong for plain, wrong in zip(KINDS, misspelt_kinds(3), strict=True)) > 25


def test_what_is_asked_covers_every_kind() -> None:
    assert {kind for kind, _ in PAIRS} == set(KINDS)
    assert ("fire", "blue") not in PAIRS
    assert {("person", "helmet"), ("person", "vest"), ("person", "backpack"), ("door", "open")} <= set(ASKED)


def test_a_table_shows_every_row() -> None:
    rows = (
        SceneRow("ap50", "AP50", Share(0.5, 0.25, 0.75)),
        SceneRow("kinds_en", "kinds, en", share([np.ones(3, np.bool_)])),
    )
    figures = SceneFigures(7, 30, 99, rows)
    lines = table(figures).splitlines()
    assert lines[0].startswith("30 scenes, 99 regions, seed 7")
    assert lines[1].split(maxsplit=1) == ["AP50", "0.500 [0.250, 0.750]"]
    assert lines[2].endswith("1.000 [1.000, 1.000]")
    assert figures["ap50"].value == 0.5
