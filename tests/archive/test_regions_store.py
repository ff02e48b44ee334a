"""Regions of many frames: what is asked later is what asking at once gives, bit for bit."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import planted, toy_detector

from heads.select import select
from regionclip.answers.regions import Regions
from regionclip.archive.store import FrameKey, RegionsStore
from regionclip.detector import Detector
from regionclip.errors import BoxError, ConfigError, FileError, FingerprintError
from regionclip.words.vocabulary import Label, Vocabulary

FRAME = planted(red=(16, 16, 80, 80), blue=(112, 32, 176, 112))
detector = partial(toy_detector, [])
WORDS = Vocabulary(["red", Label("蓝色", negatives=["影子"]), "crate"], negatives=["a grey wall"])


def random_regions(count: int, seed: int, *, width: int = 3, fingerprint: str = "toy-1", given: bool = True) -> Regions:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 80, (count, 2))
    embeddings = rng.standard_normal((count, width)).astype(np.float32)
    return Regions(
        xyxy=np.concatenate([corners, corners + rng.uniform(1, 60, (count, 2))], axis=1).astype(np.float32),
        objectness=rng.uniform(0, 1, count).astype(np.float32),
        embeddings=embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-9),
        valid=rng.uniform(size=count) < 0.9,
        frame_size=(128, 192),
        fingerprint=fingerprint,
        has_objectness=not given,
        given=given,
    )


def frames(count: int) -> Iterator[tuple[FrameKey, Regions]]:
    """Frames of 0 to 40 regions."""
    for index in range(count):
        yield FrameKey("库房.mp4", index, index / 4), random_regions(index * 7 % 41, index, given=index % 2 == 0)


def filled(path: Path, count: int = 150) -> RegionsStore:
    store = RegionsStore.create(path, "toy-1", {"tower": "toy"})
    with store.writer() as writer:
        for key, regions in frames(count):
            writer.add(key, regions)
    return store


def same(first: Regions, second: Regions) -> bool:
    pairs = [(getattr(first, name), getattr(second, name)) for name in ("xyxy", "objectness", "embeddings", "valid")]
    kinds = all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    flags = [(r.frame_size, r.fingerprint, r.has_objectness, r.given) for r in (first, second)]
    return kinds and flags[0] == flags[1]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = filled(tmp_path / "x.regions")
    assert len(sorted((tmp_path / "x.regions").glob("*.npz"))) == 3  # 150 frames, 64 a shard
    again = RegionsStore(tmp_path / "x.regions")
    assert (len(again), again.fingerprint, again.notes) == (150, "toy-1", {"tower": "toy"})
    for (key, regions), (wanted, own) in zip(again, frames(150), strict=True):
        assert key == wanted
        assert same(regions, own)
    assert store.frame_keys() == [key for key, _ in frames(150)]


def test_the_callers_columns_come_along(tmp_path: Path) -> None:
    store = RegionsStore.create(tmp_path / "x", "toy-1")
    columns = {"speed": np.array([1.5, 2.5]), "name": np.array(["红", "b"], dtype=object)}
    first = replace(random_regions(2, 0), data=columns, tracker_id=np.array([7, 8]))
    plain = random_regions(3, 1)
    with store.writer() as writer:
        for index, regions in enumerate([first, plain, first]):
            writer.add(FrameKey("a", index), regions)
    told = [regions for _, regions in store]
    assert [dict(each.data).keys() for each in told] == [columns.keys(), {}.keys(), columns.keys()]
    assert told[2].data["name"].tolist() == ["红", "b"]
    assert told[0].tracker_id is not None
    assert told[0].tracker_id.tolist() == [7, 8]
    assert told[1].tracker_id is None
    with store.writer() as writer, pytest.raises(BoxError, match="Python objects"):
        writer.add(FrameKey("a", 9), replace(plain, data={"x": np.array([{}] * 3)}))


def test_asked_later_is_asked_at_once(tmp_path: Path) -> None:
    """The same frames one by one, all regions in one product, and stored and read again."""
    store = filled(tmp_path / "x")
    det = detector(unknown=True, threshold=0.2)
    everything = [regions for _, regions in frames(150)]
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(each, name) for each in everything])
        for name in ("xyxy", "objectness", "embeddings", "valid")
    }
    together = replace(everything[0], **columns)
    at_once = det.scores(together, WORDS)  # (M, C)
    assert at_once.std() > 0.1
    assert np.array_equal(np.concatenate([det.scores(each, WORDS) for each in everything]), at_once)
    assert np.array_equal(np.concatenate([det.scores(each, WORDS) for _, each in store]), at_once)
    for (key, found), (wanted, regions) in zip(det.classify_all(store, WORDS), frames(150), strict=True):
        own = det.classify(regions, WORDS)
        assert key == wanted
        assert np.array_equal(np.asarray(found.confidence), np.asarray(own.confidence))
        assert list(found.data["class_name"]) == list(own.data["class_name"])


def test_the_best_regions_of_all_frames(tmp_path: Path) -> None:
    store, det = filled(tmp_path / "x"), detector(objectness_weight=0.5)
    hits = det.search(store, WORDS, top=5)
    assert [hit.label for hit in hits] == ["red"] * 5 + ["蓝色"] * 5 + ["crate"] * 5
    for name in WORDS.names:
        own = [hit.confidence for hit in hits if hit.label == name]
        assert own == sorted(own, reverse=True)
    assert det.search(store, [], top=3) == []
    with pytest.raises(ConfigError, match="top of at least 1"):
        det.search(store, "red", top=0)


def plainly(det: Detector, store: RegionsStore, words: Vocabulary, top: int) -> list[tuple[Any, ...]]:
    """What `search` promises, the long way: every frame asked for every label alone, everything sorted."""
    hits = []
    for label in words:
        if label.of:
            continue
        alone = Vocabulary([replace(label, group=None, threshold=0.0)], negatives=words.negatives)
        rows = []
        for frame, (key, found) in enumerate(det.classify_all(store, alone)):
            columns = (found.data["region"], found.xyxy, found.data["prompt"], np.asarray(found.confidence))
            for rank, (region, box, prompt, confidence) in enumerate(zip(*columns, strict=True)):
                rows.append((-float(confidence), frame, rank, (key, int(region), tuple(box.tolist()), str(prompt))))
        hits += [(label.name, -row[0], *row[3]) for row in sorted(rows)[:top]]
    return hits


COLOURS = ["red", "green", "blue", "grey", "红", "蓝色", "a green thing", "dark"]


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_search_is_the_plain_way(data: st.DataObject) -> None:
    """Frames that cannot enter are passed over, and nothing else: equal scores, negatives, groups, attributes."""
    seed = data.draw(st.integers(0, 2**31), label="seed")
    rng = np.random.default_rng(seed)
    names = data.draw(st.lists(st.sampled_from(COLOURS), max_size=4, unique=True), label="labels")
    free = [colour for colour in COLOURS if colour not in names]
    labels = [
        Label(
            name,
            prompts=[name, *rng.choice(free, 1)] if place == 0 else [name],
            negatives=rng.choice(["影子", "grey wall"], rng.integers(3), replace=False).tolist(),
            group="g" if rng.uniform() < 0.3 else None,
            threshold=0.9 if rng.uniform() < 0.3 else None,
        )
        for place, name in enumerate(names)
    ]
    has_attribute: bool = data.draw(st.booleans(), label="attribute")
    if labels and has_attribute:
        labels.append(Label("asked of it", ["red one"], of=labels[0].name))
    words = Vocabulary(labels, negatives=["影子"] if rng.uniform() < 0.5 else [])
    det = detector(
        objectness_weight=data.draw(st.sampled_from([0.0, 0.5, 1.0]), label="weight"),
        nms_iou=data.draw(st.sampled_from([0.0, 0.3, 1.0]), label="iou"),
        max_detections=10_000,
    )
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr("regionclip.archive.search._TOGETHER", data.draw(st.sampled_from([1, 9, 1024]), label="together"))
        store = RegionsStore.create(Path(folder) / "x", "toy-1")
        with store.writer() as writer:
            for index in range(data.draw(st.integers(0, 12), label="frames")):
                regions = random_regions(int(rng.integers(0, 9)), int(rng.integers(2**31)), given=rng.uniform() < 0.4)
                if rng.uniform() < 0.5:  # many equal scores
                    steps = np.sign(regions.embeddings).astype(np.float32) / np.float32(np.sqrt(3))
                    regions = replace(regions, embeddings=steps, objectness=regions.objectness.round())
                writer.add(FrameKey("x", index), regions)
        top = data.draw(st.integers(1, 12), label="top")
        got = [
            (hit.label, hit.confidence, hit.key, hit.region, hit.box, hit.prompt)
            for hit in det.search(store, words, top=top)
        ]
        assert got == plainly(det, store, words, top)


def test_frames_that_cannot_enter_are_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, asked = filled(tmp_path / "x"), 0

    def counted(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401
        nonlocal asked
        asked += 1
        return select(*arguments, **named)

    monkeypatch.setattr("regionclip.archive.search.select", counted)
    assert len(detector().search(store, "red", top=1)) == 1
    assert 1 <= asked <= 30  # of 150 frames


def test_proposals_on_one_thing_are_one_hit(tmp_path: Path) -> None:
    det = detector(nms_iou=0.5)
    twice = det.regions(FRAME, [[16, 16, 80, 80], [16, 16, 80, 76], [112, 32, 176, 112]])
    store = RegionsStore.create(tmp_path / "x", "toy-1")
    with store.writer() as writer:
        writer.add(FrameKey("given"), twice)
        writer.add(FrameKey("proposed"), replace(twice, given=False))
    hits = det.search(store, "red", top=9)
    assert sorted((hit.key.source, hit.region) for hit in hits) == [
        *[("given", 0), ("given", 1), ("given", 2)],
        *[("proposed", 0), ("proposed", 2)],
    ]


def test_an_interrupted_run_keeps_its_shards_and_goes_on(tmp_path: Path) -> None:
    store = RegionsStore.create(tmp_path / "x", "toy-1")

    def interrupted() -> None:
        with store.writer() as writer:
            for key, regions in frames(100):
                if key.index == 70:
                    raise KeyboardInterrupt
                writer.add(key, regions)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(store) == 70
    again = RegionsStore(tmp_path / "x")
    with again.writer() as writer:
        for key, regions in frames(150):
            if key not in writer:
                writer.add(key, regions)
        with pytest.raises(BoxError, match=r"frame 3 of 库房\.mp4 is stored already"):
            writer.add(FrameKey("库房.mp4", 3), random_regions(1, 0))
    assert [key.index for key in again.frame_keys()] == list(range(150))
    assert all(same(mine, own) for (_, mine), (_, own) in zip(again, frames(150), strict=True))
    assert [path.name for path in (tmp_path / "x").iterdir() if path.name.startswith(".")] == []


def test_a_killed_process_leaves_whole_shards(tmp_path: Path) -> None:
    script = (
        "import os, signal, test_regions_store as t\n"
        f"store = t.RegionsStore.create({str(tmp_path / 'x')!r}, 'toy-1')\n"
        "with store.writer() as writer:\n"
        "    for key, regions in t.frames(100):\n"
        "        writer.add(key, regions)\n"
        "        key.index == 90 and os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    paths = os.pathsep.join(str(folder) for folder in Path(__file__).parents[:3])
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert killed.returncode < 0
    store = RegionsStore(tmp_path / "x")
    assert len(store) == 64
    with store.writer():  # the lock went with the process
        pass


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    store = filled(tmp_path / "x", 3)
    with store.writer(), pytest.raises(FileError, match="another program is writing"), store.writer():
        pass


def test_an_empty_store(tmp_path: Path) -> None:
    store, det = RegionsStore.create(tmp_path / "x", "toy-1"), detector()
    with store.writer():
        pass
    assert len(store) == 0
    assert list(det.classify_all(store, WORDS)) == []
    assert det.search(store, WORDS) == []
    with store.writer() as writer:
        writer.add(FrameKey("none.jpg"), random_regions(0, 0))
    ((key, regions),) = store
    assert (key.seconds, len(regions), regions.embeddings.shape) == (None, 0, (0, 3))


def test_another_towers_regions_are_refused(tmp_path: Path) -> None:
    store = filled(tmp_path / "x", 3)
    other = detector(revision="toy-2")
    with pytest.raises(FingerprintError, match="toy-2"):
        other.classify_all(store, WORDS)
    with pytest.raises(FingerprintError, match="toy-2"):
        other.search(store, WORDS)
    with store.writer() as writer, pytest.raises(FingerprintError, match="toy-2"):
        writer.add(FrameKey("a"), random_regions(1, 0, fingerprint="toy-2"))


def test_what_is_no_store_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="expected a folder that"):
        RegionsStore(tmp_path / "absent")
    store = filled(tmp_path / "x", 3)
    with pytest.raises(ConfigError, match="one that exists"):
        RegionsStore.create(tmp_path / "x", "toy-1")
    shard = next((tmp_path / "x").glob("*.npz"))
    whole = shard.read_bytes()
    for broken in (whole[: len(whole) // 2], whole.replace(b"x", b"y"), b""):
        shard.write_bytes(broken)
        with pytest.raises(FileError, match=r"000000\.npz cannot be read"):
            list(store)
    (tmp_path / "x" / "store.json").write_text("{")
    with pytest.raises(FileError, match="damaged"):
        RegionsStore(tmp_path / "x")
    (tmp_path / "x" / "store.json").write_text('{"format": 2}')
    with pytest.raises(FileError, match="format 1"):
        RegionsStore(tmp_path / "x")


def test_a_printed_store_is_a_line(tmp_path: Path) -> None:
    store = filled(tmp_path / "x", 3)
    assert repr(store) == f"<regions {tmp_path / 'x'}: 1 shards, tower toy-1>"
