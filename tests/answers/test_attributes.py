"""Attributes: labels with `of` are columns on the rows of other labels, and touch nothing else."""

from functools import partial
from typing import Any

import numpy as np
import pytest
import supervision as sv
from toy import planted, toy_detector

from regionclip.answers.attributes import attribute_columns
from regionclip.answers.records import detection_records
from regionclip.errors import ConfigError, PromptError
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112), grey=(84, 0, 108, 24))
RED, BLUE, GREY, DARK = [16, 16, 80, 80], [112, 32, 176, 112], [84, 0, 108, 24], [0, 112, 96, 128]
BOXES = [RED, BLUE, GREY, DARK]
PLAIN: list[str | Label] = [Label("square", ["red", "blue"]), Label("wall", ["grey"])]
HEAT = [
    Label("hot", ["a red one"], of="square", group="heat"),
    Label("cold", ["a blue one"], of=["square"], group="heat"),
]


detector = partial(toy_detector, BOXES)


def by_region(found: sv.Detections, name: str) -> dict[int, Any]:
    regions = np.asarray(found.data["region"]).tolist()
    return dict(zip(regions, np.asarray(found.data[name]).tolist(), strict=True))


def test_an_attribute_is_a_column_on_the_rows_of_its_labels() -> None:
    found = detector()(FRAME, [*HEAT, *PLAIN])
    assert by_region(found, "class_name") == {0: "square", 1: "square", 2: "wall"}
    assert by_region(found, "heat") == {0: "hot", 1: "cold", 2: ""}
    assert found.class_id is not None
    assert set(found.class_id.tolist()) == {2, 3}  # places in the whole list
    scores = by_region(found, "heat_score")
    own = detector().scores(detector().regions(FRAME, BOXES), [*HEAT, *PLAIN])
    assert [scores[0], scores[1]] == [own[0, 0], own[1, 1]]
    assert np.isnan(scores[2])
    assert [record["data"]["heat_score"] for record in detection_records(found) if record["label"] == "wall"] == [None]


def test_an_attribute_without_a_group_is_a_column_of_its_own_name() -> None:
    found = detector()(FRAME, [*PLAIN, Label("warm", ["red"], of=["square", "wall"], threshold=0.9)])
    assert by_region(found, "warm") == {0: "warm", 1: "", 2: ""}
    assert (np.asarray(found.data["warm_score"]) >= 0).all()


def test_attributes_change_nothing_else() -> None:
    """Not with every label kept, nor with one a region, nor with `unknown`."""
    for settings in ({}, {"labels_per_region": 0, "threshold": 0.0}, {"unknown": True, "nms": "agnostic"}):
        plain = detector(**settings)(FRAME, PLAIN, boxes=BOXES)
        asked = detector(**settings)(FRAME, [*PLAIN, *HEAT], boxes=BOXES)
        assert set(asked.data) - set(plain.data) == {"heat", "heat_score"}
        assert np.array_equal(asked.xyxy, plain.xyxy)
        assert np.array_equal(asked.confidence, plain.confidence)  # type: ignore[arg-type]
        assert np.array_equal(asked.class_id, plain.class_id)  # type: ignore[arg-type]
        for name, column in plain.data.items():
            assert np.asarray(asked.data[name]).tolist() == np.asarray(column).tolist(), name


def test_scores_stay_bit_for_bit() -> None:
    det = detector()
    regions = det.regions(FRAME)
    assert np.array_equal(det.scores(regions, [*PLAIN, *HEAT])[:, :2], det.scores(regions, PLAIN))


def test_an_attribute_of_an_attribute_is_asked_where_that_holds() -> None:
    words = [*PLAIN, Label("scarlet", ["really red"], of="hot"), *HEAT]
    assert list(Vocabulary.of(words).columns) == ["heat", "scarlet"]
    found = detector()(FRAME, words)
    assert by_region(found, "scarlet") == {0: "scarlet", 1: "", 2: ""}
    assert [index for index, score in by_region(found, "scarlet_score").items() if not np.isnan(score)] == [0]


def test_members_of_a_group_may_be_asked_of_different_labels() -> None:
    words = [
        *PLAIN,
        Label("hot", ["a red one"], of="square", group="kind"),
        Label("plain", ["dark"], of="wall", group="kind"),
    ]
    found = detector(threshold=0.0)(FRAME, words, boxes=[RED, GREY])
    assert by_region(found, "kind") == {0: "hot", 1: "plain"}


@pytest.mark.parametrize("words", [[*PLAIN, *HEAT], [Label("hot", of="x"), Label("x", ["green"])]])
def test_the_columns_are_there_without_rows(words: list[str | Label]) -> None:
    some, none = detector(threshold=0.0)(FRAME, words), detector()(FRAME, words, boxes=[])
    assert len(none) == 0
    assert set(none.data) == set(some.data)
    for name, column in some.data.items():
        assert np.asarray(none.data[name]).dtype.kind == np.asarray(column).dtype.kind, name
    assert len(sv.Detections.merge([some, none])) == len(some)


def test_only_attributes_of_nothing_shown() -> None:
    """A vocabulary whose plain labels are never seen has rows of `unknown` only; nothing is asked of those."""
    found = detector(unknown=True)(FRAME, [Label("x", ["green"]), Label("warm", ["red"], of="x")])
    assert set(found.data["class_name"]) == {"unknown"}
    assert set(found.data["warm"]) == {""}
    assert np.isnan(found.data["warm_score"]).all()


def test_values_without_regions_or_labels() -> None:
    nothing = attribute_columns(np.zeros((0, 0), np.float32), np.zeros(0, int), detector().scorer.ask(Vocabulary()))
    assert nothing == {}


def test_a_users_own_column_gives_way() -> None:
    outside = sv.Detections(xyxy=np.array([RED], np.float32), data={"heat": np.array([7])})
    found = detector()(FRAME, [*PLAIN, *HEAT], boxes=outside)
    assert np.asarray(found.data["input_heat"]).tolist() == [7]
    assert np.asarray(found.data["heat"]).tolist() == ["hot"]


def test_whole_images_and_closed_mode_have_no_attributes() -> None:
    whole = detector().classify_image(FRAME, [HEAT[0], *PLAIN])
    assert sorted(whole.class_id.tolist()) == [1, 2]
    with pytest.raises(ConfigError, match="attributes"):
        detector(mode="closed")(FRAME, [*PLAIN, *HEAT])


def test_a_class_is_taught_beside_what_it_competes_with() -> None:
    """A plain label is not told from attributes, nor an attribute from the labels that it is asked of."""
    det = detector()
    words = det.teach([*PLAIN, *HEAT], "mug", [(FRAME, GREY)])
    assert list(words)[-1].negatives == ("red", "blue", "grey")
    assert words.columns == {"heat": (2, 3)}
    warm = det.teach([*PLAIN, *HEAT], "very hot", [(FRAME, RED)], of="square", group="heat")
    assert list(warm)[-1].negatives == ("a red one", "a blue one")
    assert warm.columns == {"heat": (2, 3, 4)}
    assert np.array_equal(det.scores(det.regions(FRAME), warm)[:, :4], det.scores(det.regions(FRAME), [*PLAIN, *HEAT]))
    with pytest.raises(PromptError, match="'sqare' is no label"):
        det.teach(PLAIN, "very hot", [(FRAME, RED)], of="sqare")
