"""What `Archive.search` finds is what scoring everything and looking for one's self finds; one thing is one hit."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from toy import ToyTower, planted, toy_detector

from regionclip.answers.regions import Regions
from regionclip.archive.pictures import sheet
from regionclip.archive.store import Archive, FrameKey
from regionclip.archive.thumbnails import thumbnails
from regionclip.errors import ConfigError
from regionclip.frames import decode_frame
from regionclip.words.vocabulary import Label, Vocabulary

detector = partial(toy_detector, [])
COLOURS = {"red": (1, -1, -1), "green": (-1, 1, -1), "blue": (-1, -1, 1)}


def seen(*things: tuple[str, Sequence[float]], tracks: Sequence[int] | None = None, given: bool = False) -> Regions:
    """Regions of pure colours."""
    embeddings = np.array([COLOURS[name] for name, _ in things], np.float32).reshape(-1, 3) / np.sqrt(3)
    n = len(things)
    return Regions(
        xyxy=np.array([box for _, box in things], np.float32).reshape(-1, 4),
        objectness=np.ones(n, np.float32),
        embeddings=embeddings.astype(np.float32),
        valid=np.ones(n, bool),
        frame_size=(128, 192),
        fingerprint="toy-1",
        given=given,
        tracker_id=None if tracks is None else np.array(tracks),
    )


def stored(path: Path, frames: Sequence[tuple[FrameKey, Regions]], every: int = 1) -> Archive:
    archive = Archive.create(path, ToyTower().card, {"every": every})
    with archive.writer() as writer:
        for key, regions in frames:
            writer.add(key, regions)
    return archive


def many(count: int, seed: int) -> list[tuple[FrameKey, Regions]]:
    """Pictures of things that do not overlap, in any colours."""
    rng = np.random.default_rng(seed)
    frames = []
    for index in range(count):
        boxes = [(40 * place, 0, 40 * place + 30, 30) for place in range(4)]
        regions = seen(*(("red", box) for box in boxes))
        colours = rng.standard_normal((4, 3)).astype(np.float32)
        colours /= np.linalg.norm(colours, axis=1, keepdims=True)
        regions = replace(
            regions,
            embeddings=colours,
            objectness=rng.uniform(0, 1, 4).astype(np.float32),
            valid=rng.uniform(size=4) < 0.9,
            has_objectness=index % 2 == 0,
        )
        frames.append((FrameKey(f"{index}.png", camera="gate" if index % 3 else "yard"), regions))
    return frames


def plainly(frames: list[tuple[FrameKey, Regions]], label: Label, top: int, weight: float) -> list[tuple[str, int]]:
    """The best regions, each frame asked alone through `classify`."""
    det = detector(objectness_weight=weight, nms="none", labels_per_region=0)
    rows = []
    for key, regions in frames:
        found = det.classify(regions, Vocabulary([replace(label, threshold=0.0)]))
        confidence = np.asarray(found.confidence)
        rows += [(-float(c), key.source, int(r)) for c, r in zip(confidence, found.data["region"], strict=True)]
    order = sorted(range(len(rows)), key=lambda place: rows[place][0])
    return [rows[place][1:] for place in order[:top]]


@pytest.mark.parametrize("weight", [0.0, 0.5])
def test_the_best_regions_are_those_of_asking_at_once(tmp_path: Path, weight: float) -> None:
    frames = many(60, 1)
    archive = stored(tmp_path / "x", frames)
    labels = [Label("red"), Label("蓝色", ["蓝色", "blue thing"], negatives=["grey wall"], threshold=0.9)]
    words = Vocabulary([*labels, Label("asked of it", ["green one"], of="red")])
    hits = archive.search(detector(objectness_weight=weight), words, top=12)
    assert [hit.label for hit in hits] == ["red"] * 12 + ["蓝色"] * 12
    for place, label in enumerate(labels):
        own = hits[12 * place : 12 * place + 12]
        assert [(hit.best.key.source, hit.region) for hit in own] == plainly(frames, label, 12, weight)
        assert [hit.confidence for hit in own] == sorted((hit.confidence for hit in own), reverse=True)
    assert {hit.prompt for hit in hits[12:]} == {"蓝色"}  # of phrases that are equal the first


def test_an_index_finds_what_looking_at_all_finds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regionclip.archive.search._CANDIDATES", 100)
    archive, det = stored(tmp_path / "x", many(300, 2)), detector()
    archive.finish(exact=300)
    assert archive.indexed
    with archive.writer() as writer:
        writer.add(FrameKey("late.png"), seen(("red", (0, 0, 50, 50))))
    query = partial(archive.search, det, ["red", "blue"], top=10, camera="gate")
    assert query() == query(exact=True)
    assert archive.search(det, "red", top=1)[0].best.key.source == "late.png"  # also what came after the index was made
    archive.finish(exact=300)
    assert archive.search(det, "red", top=1)[0].best.key.source == "late.png"


def test_a_picture_words_and_what_must_not_fit(tmp_path: Path) -> None:
    half = np.array([1, 1, -1], np.float32) / np.sqrt(3)  # red and green at once
    mixed = replace(seen(("red", (0, 0, 30, 30))), embeddings=half[None].astype(np.float32))
    colours = [(FrameKey(f"{name}.png"), seen((name, (0, 0, 30, 30)))) for name in COLOURS]
    archive, det = stored(tmp_path / "x", [*colours, (FrameKey("mixed.png"), mixed)]), detector()

    def found(**query: object) -> dict[str, float]:
        return {hit.best.key.source.removesuffix(".png"): hit.score for hit in archive.search(det, **query)}  # type: ignore[arg-type]

    alone, green = found(words="red"), found(words="green")
    assert list(alone)[:2] == ["red", "mixed"]
    for name, score in found(words="red", without="green").items():
        assert score == pytest.approx(alone[name] * (1 - green[name]))
    red = planted(red=(0, 0, 192, 128))
    alike = found(like=red)
    assert list(alike)[:2] == ["red", "mixed"]
    assert alike["red"] == pytest.approx(1, abs=1e-3)
    assert 0 < alike["mixed"] < 0.8
    assert alike["green"] == alike["blue"] == 0  # less alike than usual
    assert archive.search(det, like=red, top=1)[0].label == ""
    for name, score in found(words="green", like=red).items():
        assert score == pytest.approx(green[name] * alike[name])
    for name, score in found(like=red, without="green").items():
        assert score == pytest.approx(alike[name] * (1 - green[name]))


def test_a_still_thing_is_one_hit_and_another_one_is_another(tmp_path: Path) -> None:
    still, far = ("red", (10, 10, 50, 50)), ("red", (120, 10, 160, 50))
    frames = [
        (
            FrameKey("a.mp4", 25 * index, float(index)),
            seen(still, *([far] if index in (3, 4) else []), ("blue", still[1])),
        )
        for index in range(8)
    ]
    other = [(FrameKey("b.mp4", 0, 0.0), seen(still))]
    hits = stored(tmp_path / "x", [*frames, *other], 25).search(detector(), "red", top=3)
    assert [(hit.best.key.source, hit.best.box, len(hit.sights)) for hit in hits] == [
        ("a.mp4", still[1], 8),
        ("a.mp4", far[1], 2),
        ("b.mp4", still[1], 1),
    ]
    assert [hit.sights[0].key.index for hit in hits] == [0, 75, 0]
    assert [hit.sights[-1].key.index for hit in hits] == [175, 100, 0]


def test_what_was_away_for_long_is_another_thing(tmp_path: Path) -> None:
    box = ("red", (10, 10, 50, 50))
    frames = [(FrameKey("a.mp4", index, float(index)), seen(box)) for index in (0, 1, 2, 5, 9, 10)]
    hits = stored(tmp_path / "x", frames).search(detector(), "red")
    assert sorted(len(hit.sights) for hit in hits) == [2, 4]  # seconds 0 to 5, and from 9 on


def test_tracks_tell_things_that_move(tmp_path: Path) -> None:
    """Two red things cross: boxes overlap where they meet, numbers do not change. One has none at first."""
    frames = []
    for index in range(10):
        one, other = (10 * index, 0, 10 * index + 20, 40), (90 - 10 * index, 2, 110 - 10 * index, 42)
        tracks = [-1 if index == 0 else 1, 2]
        frames.append((FrameKey("a.mp4", index, index / 5), seen(("red", one), ("red", other), tracks=tracks)))
    hits = stored(tmp_path / "x", frames).search(detector(nms_iou=0.3), "red")
    assert sorted((hit.track, len(hit.sights)) for hit in hits) == [(1, 10), (2, 10)]


def test_a_track_that_has_gone_over_to_another_thing_is_two(tmp_path: Path) -> None:
    names = ["red"] * 5 + ["blue"] * 5
    frames = [
        (FrameKey("a.mp4", index, index / 5), seen((name, (9 * index, 0, 9 * index + 20, 40)), tracks=[1]))
        for index, name in enumerate(names)
    ]
    (hit, *_) = stored(tmp_path / "x", frames).search(detector(), "red")
    assert [sight.key.index for sight in hit.sights] == [0, 1, 2, 3, 4]


def test_proposals_on_one_thing_are_one_hit_and_boxes_of_the_callers_are_not(tmp_path: Path) -> None:
    boxes = (("red", (16, 16, 80, 80)), ("red", (16, 16, 80, 76)), ("red", (112, 32, 176, 112)))
    frames = [(FrameKey("given"), seen(*boxes, given=True)), (FrameKey("proposed"), seen(*boxes))]
    hits = stored(tmp_path / "x", frames).search(detector(nms_iou=0.5), "red")
    assert sorted((hit.best.key.source, hit.region) for hit in hits) == [
        *[("given", 0), ("given", 1), ("given", 2)],
        *[("proposed", 0), ("proposed", 2)],
    ]


def test_things_that_were_seen_often_leave_room_for_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("regionclip.archive.search._CANDIDATES", 4)
    frames = [(FrameKey("a.mp4", index, index / 5), seen(("red", (10, 10, 50, 50)))) for index in range(90)]
    archive = stored(tmp_path / "x", [*frames, (FrameKey("b.png"), seen(("red", (0, 0, 9, 9))))])
    assert [len(hit.sights) for hit in archive.search(detector(), "red", top=2)] == [90, 1]


def test_cameras_and_times(tmp_path: Path) -> None:
    start = datetime(2026, 11, 30, 8, tzinfo=UTC)
    frames = [
        (
            FrameKey("it's.mp4", index, float(index), start.timestamp() + index, "gate"),
            seen(("red", (9 * index, 0, 9, 9))),
        )
        for index in range(0, 60, 10)
    ]
    archive = stored(tmp_path / "x", [*frames, (FrameKey("b.png", camera="yard"), seen(("red", (0, 0, 9, 9))))])

    def found(**query: object) -> list[tuple[str, int]]:
        hits = archive.search(detector(), "red", **query)  # type: ignore[arg-type]
        return sorted((hit.best.key.source, hit.best.key.index) for hit in hits)

    assert found(camera="yard") == found(camera="b.png") == [("b.png", 0)]
    assert len(found(camera="gate")) == len(found(camera="it's.mp4")) == 6
    assert found(since=35) == [("it's.mp4", 40), ("it's.mp4", 50)]
    assert found(until=10.0) == [("it's.mp4", 0), ("it's.mp4", 10)]
    at = datetime(2026, 11, 30, 8, 0, 20, tzinfo=UTC)
    assert found(since=at, until=at) == [("it's.mp4", 20)]
    assert found(camera="nobody") == []
    assert len(found(threshold=0.5)) == 7
    assert found(threshold=1.0) == []


def test_bad_queries(tmp_path: Path) -> None:
    archive = stored(tmp_path / "x", many(2, 3))
    with pytest.raises(ConfigError, match="top of at least 1, got 0"):
        archive.search(detector(), "red", top=0)
    with pytest.raises(ConfigError, match="words, a picture, or both"):
        archive.search(detector(), without="red")


def test_thumbnails_and_a_sheet_show_the_things(tmp_path: Path) -> None:
    frame = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
    boxes = np.array([[16, 16, 80, 80], [112, 32, 176, 112], [300, 0, 310, 9], [191, 127, 999, 999]], np.float32)
    regions = toy_detector([]).regions(frame, boxes)
    pictures = thumbnails(frame, regions.xyxy, regions.valid)
    assert [picture is not None for picture in pictures] == [True, True, False, True]
    archive = Archive.create(tmp_path / "x", ToyTower().card)
    with archive.writer() as writer:
        writer.add(FrameKey("门口.mp4", 3, 3725.5), regions, frame)
    hits = archive.search(detector(), ["red", "蓝色"], threshold=0.5)
    assert [hit.label for hit in hits] == ["red", "蓝色"]
    for hit, colour in zip(hits, ((0, 0, 255), (255, 0, 0)), strict=True):
        assert hit.thumbnail is not None
        picture = decode_frame(hit.thumbnail, "thumbnail")
        assert near(picture[picture.shape[0] // 2, picture.shape[1] // 2], colour)
    page = sheet(hits)
    assert sum(near(page[row, 100], (0, 0, 255)) for row in range(page.shape[0])) > 100
    assert sum(near(page[row, 100], (255, 0, 0)) for row in range(page.shape[0])) > 100
    assert sheet([]).shape[2] == 3


def near(pixel: NDArray[np.uint8], colour: tuple[int, int, int]) -> bool:
    return bool(np.abs(pixel.astype(int) - colour).max() < 30)
