"""Counting tracks: golden counts by hand, and the evaluation on rendered clips."""

import numpy as np
import pytest

from regionclip.config import Config
from regionclip.data.overlaps import overlaps
from regionclip.errors import ConfigError
from regionclip.evaluation.accuracy.matching import Tally
from regionclip.evaluation.accuracy.tracks import evaluate_tracks, make_clips, record, table
from regionclip.loading import load
from regionclip.video.tracking.settings import TrackSettings

A, B, AWAY = (0, 0, 10, 10), (20, 0, 30, 10), (100, 100, 110, 110)


def frame(tally: Tally, true: dict[int, tuple[int, ...]], rows: dict[int, tuple[tuple[int, ...], str]]) -> None:
    tally.add(
        np.array(list(true.values()), np.float32).reshape(-1, 4),
        list(true),
        ["cat" if track == 1 else "dog" for track in true],
        np.array([box for box, _ in rows.values()], np.float32).reshape(-1, 4),
        list(rows),
        [name for _, name in rows.values()],
    )


def test_counts_of_a_clip_by_hand() -> None:
    tally = Tally()
    frame(tally, {1: A, 2: B}, {7: (A, "cat"), 8: (B, "cat")})  # 8 is named wrongly
    frame(tally, {1: A, 2: B}, {7: (A, "dog")})  # 7 changes its name, 2 is missed
    frame(tally, {1: A, 2: B}, {7: (B, "dog"), 9: (A, "cat"), 8: (AWAY, "cat")})  # both change their number, 8 is false
    frame(tally, {}, {})
    tally.end_clip()
    assert (tally.true, tally.rows, tally.matched, tally.right) == (6, 6, 5, 3)
    assert (tally.label_switches, tally.identity_switches, tally.tracks) == (1, 2, 3)
    assert tally.identity == 3  # 1 with 7 on two frames, 2 with 8 on one
    assert tally.idf1 == pytest.approx(2 * 3 / 12)
    assert tally.mota == pytest.approx(1 - (1 + 1 + 2) / 6)
    frame(tally, {1: A}, {3: (A, "cat")})  # another clip: another number is no switch
    tally.end_clip()
    assert (tally.identity_switches, tally.identity, tally.tracks) == (2, 4, 4)


def test_a_pair_of_the_frame_before_comes_first() -> None:
    tally = Tally()
    near, nearer = (0, 0, 10, 13), (0, 0, 10, 11)
    frame(tally, {1: A}, {7: (near, "cat")})
    frame(tally, {1: A}, {7: (near, "cat"), 8: (nearer, "cat")})
    assert tally.identity_switches == 0
    assert tally.matched == 2


def test_overlap_of_boxes() -> None:
    boxes = np.array([A, (5, 0, 15, 10), AWAY, (3, 3, 3, 3)], np.float32)
    np.testing.assert_allclose(overlaps(boxes[:1], boxes)[0], [1, 1 / 3, 0, 0])
    assert overlaps(boxes[:0], boxes).shape == (0, 4)


def test_fusion_calms_labels_on_clips() -> None:
    clips = make_clips(31, 2, (144, 192))
    rows = evaluate_tracks(load(Config()), clips, settings=[TrackSettings()], every=[2, 6])
    alone, fused, _, rare = rows
    assert [(row.every, row.fused) for row in rows] == [(2, False), (2, True), (6, False), (6, True)]
    assert fused.switches <= alone.switches
    assert fused.accuracy > 0.7
    assert 0.2 < fused.covered <= 1
    assert all(0 <= row.idf1 <= 1 and row.precision <= 1 and row.minutes > 0.1 for row in rows)
    assert rare.carry_milliseconds is not None
    assert alone.update_milliseconds is None
    lines = table(rows, "two clips").splitlines()
    assert len(lines) == 6
    assert lines[3].split()[:3] == ["bytetrack", "2", "yes"]
    told = record(rows, "two clips", TrackSettings())
    assert told["schema"] == "regionclip.tracks/1"
    assert "tracker" not in told["settings"]


def test_one_look_a_frame_cannot_be_shared_by_a_proposer_with_memory() -> None:
    det = load(Config().with_proposers(["motion"]))
    with pytest.raises(ConfigError, match="remembers earlier ones"):
        evaluate_tracks(det, [], settings=[TrackSettings()], every=[1])
