"""Labels that tracks hold: like `classify` without margin and time, slow to change with them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
import supervision as sv
from hypothesis import given, settings
from hypothesis import strategies as st
from moving_squares import colour, detector, names, regions
from numpy.typing import NDArray
from toy import column

from regionclip.answers.regions import Regions
from regionclip.detector import Detector
from regionclip.video.tracking.holding import Contests, Hold, held_rows
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.vocabulary import Label, Vocabulary, Words

COLOURS = ("red", "green", "blue")
BOXES = [(10.0, 10.0, 60.0, 60.0), (100.0, 10.0, 150.0, 60.0), (200.0, 10.0, 250.0, 60.0)]
NONE = TrackSettings(margin=0, switch_seconds=0)


class Follower:
    """Decides one set of tracks again and again."""

    def __init__(self, words: Words, options: TrackSettings, det: Detector | None = None, count: int = 1) -> None:
        self.det = det or detector()
        self.words = Vocabulary.of(words)
        contests = Contests(self.words, self.det.config.labels_per_region)
        self.holds = [Hold(contests, options) for _ in range(count)]

    def at(self, t: float, *embeddings: NDArray[np.float32], **columns: Any) -> sv.Detections:  # noqa: ANN401
        return self.of(t, regions(BOXES[: len(embeddings)], embeddings, **columns))

    def of(self, t: float, own: Regions) -> sv.Detections:
        judged = self.det.scorer.judge(own, self.words)
        return held_rows(own, judged, self.holds, t, self.det.config, self.det.tower.card)


def mixture(towards_green: float) -> NDArray[np.float32]:
    return colour("red", "green", towards_green)


VOCABULARIES: list[Sequence[str | Label]] = [
    COLOURS,
    [Label("red", group="warm"), Label("green", group="warm", threshold=0.1), "blue", "grey"],
    ["red", Label("green", of="red", threshold=0.01), Label("grey", of="red"), "blue"],
    [Label("red"), Label("light", ["grey"], of="red", group="look"), Label("dark", ["blue"], of="red", group="look")],
    [],
]


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10_000),
    st.integers(0, len(VOCABULARIES) - 1),
    st.sampled_from([0, 1, 2]),
    st.booleans(),
    st.sampled_from([0.0, 0.7]),
)
def test_without_margin_and_time_rows_are_those_of_classify(
    seed: int, which: int, labels: int, unknown: bool, weight: float
) -> None:
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(3, 3))
    own = regions(
        BOXES,
        list(rows / np.linalg.norm(rows, axis=1, keepdims=True)),
        objectness=rng.uniform(0.2, 1, 3).astype(np.float32),
        has_objectness=True,
        given=False,
    )
    det = detector(labels_per_region=labels, unknown=unknown, objectness_weight=weight)
    follower = Follower(VOCABULARIES[which], NONE, det, count=3)
    follower.of(0.0, regions(BOXES, [colour("red"), colour("blue"), colour("grey")], has_objectness=True))
    held, plain = follower.of(1.0, own), det.classify(own, VOCABULARIES[which])
    assert set(held.data) == set(plain.data)
    np.testing.assert_array_equal(held.class_id, plain.class_id)
    np.testing.assert_array_equal(held.xyxy, plain.xyxy)
    np.testing.assert_array_equal(held.confidence, plain.confidence)
    for name, cells in plain.data.items():
        if name == "warm":  # `classify` leaves it empty where objectness lifts a confidence over the threshold
            np.testing.assert_array_equal(held.data[name][cells != ""], cells[cells != ""])
            continue
        np.testing.assert_array_equal(held.data[name], cells, err_msg=name)


def test_a_label_that_alternates_does_not_flicker() -> None:
    """Red and green lead by turns, each by more than the margin but never for long."""
    follower = Follower(COLOURS, TrackSettings(margin=0.05, switch_seconds=0.5))
    plain = Follower(COLOURS, NONE)
    shown, flickering = [], []
    for step in range(20):
        seen = mixture(0.48 if step % 2 else 0.52)
        shown += names(follower.at(step * 0.1, seen))
        flickering += names(plain.at(step * 0.1, seen))
    assert set(shown) == {"green"}
    assert len(shown) == 20
    assert flickering == ["green", "red"] * 10


def test_another_label_wins_after_it_has_led_for_long_enough() -> None:
    follower = Follower(COLOURS, TrackSettings(margin=0.1, switch_seconds=0.5))
    follower.at(0.0, mixture(0.48))
    shown = [names(follower.at(1 + step * 0.1, mixture(0.52)))[0] for step in range(8)]
    assert shown == ["red"] * 5 + ["green"] * 3
    # A break begins the time anew.
    assert names(follower.at(3.0, mixture(0.48))) == ["green"]
    assert names(follower.at(3.4, mixture(0.52))) == ["green"]
    assert names(follower.at(3.6, mixture(0.48))) == ["green"]


def test_a_lead_within_the_margin_never_wins() -> None:
    follower = Follower(COLOURS, TrackSettings(margin=0.5, switch_seconds=0.0))
    follower.at(0.0, mixture(0.4))
    row = follower.at(100.0, mixture(0.52))
    assert names(row) == ["red"]
    assert row.data["runner_up"][0] == "green"
    assert row.data["margin"][0] < 0  # told as it is
    assert names(follower.at(101.0, mixture(0.9))) == ["green"]


def test_a_label_is_lost_only_below_its_threshold_by_the_margin() -> None:
    words = [Label("red", threshold=0.9)]
    follower = Follower(words, TrackSettings(margin=0.2, switch_seconds=0.5))
    shares = (0.1, 0.45, 0.5)
    score = {share: float(follower.det.scores(regions(BOXES[:1], [mixture(share)]), words)[0, 0]) for share in shares}
    assert score[0.1] > 0.9 > score[0.45] > 0.7 > score[0.5]
    assert names(follower.at(0.0, mixture(0.45))) == []
    assert names(follower.at(0.1, mixture(0.1))) == ["red"]
    kept = follower.at(0.2, mixture(0.45))
    assert names(kept) == ["red"]
    assert kept.confidence is not None
    assert kept.confidence[0] == pytest.approx(score[0.45], abs=1e-6)
    assert names(follower.at(0.3, mixture(0.5))) == []
    assert names(follower.at(0.4, mixture(0.45))) == []


def test_a_group_and_an_attribute_are_held_too() -> None:
    words: list[str | Label] = [
        "grey",
        Label("warm", ["red"], of="grey", group="tone"),
        Label("cold", ["green"], of="grey", group="tone"),
    ]
    det = detector(threshold=0.01)
    follower = Follower(words, TrackSettings(margin=0.001, switch_seconds=0.5), det)
    both = colour("grey") * 0.4 + (colour("red") + colour("green")) * 0.3
    warm, cold = (both + 0.01 * sign * (colour("red") - colour("green")) for sign in (1, -1))
    warm, cold = warm / np.linalg.norm(warm), cold / np.linalg.norm(cold)
    assert column(follower.at(0.0, warm), "tone") == ["warm"]
    held = follower.at(0.1, cold)
    assert column(held, "tone") == ["warm"]
    scores = det.scores(regions(BOXES[:1], [cold]), words)[0]
    assert scores[2] > scores[1]
    np.testing.assert_allclose(column(held, "tone_score"), scores[1])
    assert column(follower.at(0.7, cold), "tone") == ["cold"]

    groups: list[str | Label] = [Label("red", group="colour"), Label("green", group="colour"), "grey"]
    several = Follower(groups, TrackSettings(margin=0.05, switch_seconds=0.5), detector(labels_per_region=0))
    several.at(0.0, mixture(0.48))
    again = several.at(0.1, mixture(0.52))
    assert names(again) == ["red"]
    assert column(again, "colour") == ["red"]


def test_labels_that_do_not_exclude_one_another_come_and_go_alone() -> None:
    follower = Follower(["red", "grey"], TrackSettings(margin=0.2, switch_seconds=9), detector(labels_per_region=0))
    both = colour("red", "grey", 0.5)
    scores = follower.det.scores(regions(BOXES[:1], [both]), ["red", "grey"])[0]
    assert (scores > 0.5).all()
    assert sorted(names(follower.at(0.0, both))) == ["grey", "red"]
    assert names(follower.at(0.1, colour("red"))) == ["red"]


def test_no_tracks_and_no_labels() -> None:
    empty = Follower(COLOURS, TrackSettings(), count=0).at(0.0)
    assert len(empty) == 0
    assert "class_name" in empty.data
    assert len(Follower([], TrackSettings()).at(0.0, colour("red"))) == 0
    unknown = Follower([], TrackSettings(), detector(unknown=True)).at(0.0, colour("red"))
    assert names(unknown) == ["unknown"]
    assert unknown.confidence is not None
    assert unknown.confidence[0] == 1
