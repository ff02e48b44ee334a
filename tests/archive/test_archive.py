"""An archive gives back what was added, bit for bit; what is asked later is what asking at once gives."""

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import lancedb
import numpy as np
import pyarrow as pa
import pytest
from toy import ToyTower, toy_detector

from regionclip.answers.regions import Regions
from regionclip.archive.store import Archive, FrameKey
from regionclip.errors import BoxError, ConfigError, FileError, FingerprintError
from regionclip.words.vocabulary import Label, Vocabulary

detector = partial(toy_detector, [])
CARD = ToyTower().card
WORDS = Vocabulary(["red", Label("蓝色", negatives=["影子"]), "crate"], negatives=["a grey wall"])


def random_regions(count: int, seed: int, *, fingerprint: str = "toy-1", given: bool = True) -> Regions:
    rng = np.random.default_rng(seed)
    corners = rng.uniform(0, 80, (count, 2))
    embeddings = rng.standard_normal((count, 3)).astype(np.float32)
    valid = rng.uniform(size=count) < 0.9
    boxes = np.concatenate([corners, corners + rng.uniform(1, 60, (count, 2))], axis=1).astype(np.float32)
    boxes[~valid] = np.nan
    return Regions(
        xyxy=boxes,
        objectness=rng.uniform(0, 1, count).astype(np.float32),
        embeddings=embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True).clip(1e-9) * valid[:, None],
        valid=valid,
        frame_size=(128, 192),
        fingerprint=fingerprint,
        has_objectness=not given,
        given=given,
    )


def frames(count: int) -> Iterator[tuple[FrameKey, Regions]]:
    """Frames of 0 to 40 regions."""
    for index in range(count):
        key = FrameKey("库房'.mp4", index, index / 4, 1_790_000_000.25 + index / 4, "东门")
        yield key, random_regions(index * 7 % 41, index, given=index % 2 == 0)


def filled(path: Path, count: int = 150) -> Archive:
    archive = Archive.create(path, CARD, {"tower": "toy"})
    with archive.writer() as writer:
        for key, regions in frames(count):
            writer.add(key, regions)
    return archive


def same(first: Regions, second: Regions) -> bool:
    pairs = [(getattr(first, name), getattr(second, name)) for name in ("xyxy", "objectness", "embeddings", "valid")]
    kinds = all(a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)
    flags = [(r.frame_size, r.fingerprint, r.has_objectness, r.given) for r in (first, second)]
    return kinds and flags[0] == flags[1]


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    """Frames that batches of the scan cut in two, and frames without regions, among them."""
    archive, own = filled(tmp_path / "x", 600), list(frames(600))
    count = sum(len(each) for _, each in own)
    assert count > 8192
    again = Archive(tmp_path / "x")
    assert (len(again), again.fingerprint, again.settings) == (count, "toy-1", {"tower": "toy"})
    for (key, found), (wanted, given) in zip(again, own, strict=True):
        assert key == wanted
        assert same(found, given)
    assert repr(archive) == f"<archive {tmp_path / 'x'}: {count} regions, tower toy-1>"


def test_any_reader_of_lancedb_can_read_it(tmp_path: Path) -> None:
    """Columns and metadata as docs/formats.md has them."""
    filled(tmp_path / "x", 3)
    table = lancedb.connect(tmp_path / "x").open_table("regions")
    assert b'"fingerprint": "toy-1"' in (table.schema.metadata or {})[b"regionclip"]
    assert table.schema.field("embedding").type == pa.list_(pa.float32(), 3)
    rows = table.search().where("region = 2 AND camera = '东门'").to_arrow().to_pylist()
    found = [(row["index"], row["seconds"], row["height"], row["width"]) for row in rows]
    assert found == [(1, 0.25, 128, 192), (2, 0.5, 128, 192)]


def test_the_callers_columns_come_along(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "x", CARD)
    columns = {
        "speed": np.array([1.5, np.nan]),
        "name": np.array(["红", "b"], dtype=object),
        "at": np.eye(2, dtype=int),
    }
    first = replace(random_regions(2, 0), data=columns, tracker_id=np.array([7, -1]))
    plain = random_regions(3, 1)
    with archive.writer() as writer:
        for index, regions in enumerate([first, plain, first]):
            writer.add(FrameKey("a", index), regions)
        with pytest.raises(BoxError, match="Python objects"):
            writer.add(FrameKey("a", 9), replace(plain, data={"x": np.array([{}] * 3)}))
    told = [regions for _, regions in Archive(tmp_path / "x")]
    assert [list(each.data) for each in told] == [list(columns), [], list(columns)]
    assert told[2].data["name"].tolist() == ["红", "b"]
    assert np.array_equal(told[2].data["speed"], columns["speed"], equal_nan=True)
    assert told[2].data["at"].tolist() == [[1, 0], [0, 1]]
    assert told[0].tracker_id is not None
    assert told[0].tracker_id.tolist() == [7, -1]
    assert told[1].tracker_id is None


def test_asked_later_is_asked_at_once(tmp_path: Path) -> None:
    """All columns of `classify`, bit for bit; the same where all regions are scored in one product."""
    filled(tmp_path / "x")
    det = detector(unknown=True, threshold=0.2, objectness_weight=0.5)
    at_once = det.scores(Regions.joined([regions for _, regions in frames(150)]), WORDS)  # (M, C)
    assert at_once.std() > 0.1
    stored = list(Archive(tmp_path / "x"))
    assert np.array_equal(np.concatenate([det.scores(each, WORDS) for _, each in stored]), at_once)
    for (_, later), (_, regions) in zip(stored, frames(150), strict=True):
        found, own = det.classify(later, WORDS), det.classify(regions, WORDS)
        for one, other in ((found.xyxy, own.xyxy), (found.confidence, own.confidence), (found.class_id, own.class_id)):
            assert np.array_equal(np.asarray(one), np.asarray(other))
        assert found.data.keys() == own.data.keys()
        assert all(list(found.data[name]) == list(own.data[name]) for name in own.data)


def test_an_interrupted_run_keeps_what_it_had_and_goes_on(tmp_path: Path) -> None:
    archive = Archive.create(tmp_path / "x", CARD)

    def interrupted() -> None:
        with archive.writer() as writer:
            for key, regions in frames(100):
                if key.index == 70:
                    raise KeyboardInterrupt
                writer.add(key, regions)

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    again = Archive(tmp_path / "x")
    with again.writer() as writer:
        for key, regions in frames(150):
            if key not in writer:
                writer.add(key, regions)
        with pytest.raises(BoxError, match=r"frame 3 of 库房'\.mp4 is stored already"):
            writer.add(FrameKey("库房'.mp4", 3), random_regions(1, 0))
    pairs = list(zip(again, frames(150), strict=True))
    assert all(mine[0] == own[0] and same(mine[1], own[1]) for mine, own in pairs)


def test_a_killed_process_leaves_whole_batches(tmp_path: Path) -> None:
    script = (
        "import os, signal, test_archive as t\n"
        f"archive = t.Archive.create({str(tmp_path / 'x')!r}, t.CARD)\n"
        "with archive.writer() as writer:\n"
        "    for key, regions in t.frames(100):\n"
        "        writer.add(key, regions)\n"
        "        key.index == 90 and os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    paths = os.pathsep.join([str(Path(__file__).parent), *sys.path])
    killed = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": paths}, check=False)
    assert killed.returncode < 0
    archive = Archive(tmp_path / "x")
    assert [key.index for key, _ in archive] == list(range(64))
    with archive.writer():  # the lock went with the process
        pass


def test_one_writer_at_a_time_and_readers_beside_it(tmp_path: Path) -> None:
    archive, reader = filled(tmp_path / "x", 3), Archive(tmp_path / "x")
    before = len(reader)
    with archive.writer() as writer:
        writer.add(FrameKey("new"), random_regions(5, 0))
        with pytest.raises(FileError, match="another program is writing"), archive.writer():
            pass
    assert len(reader) == before
    reader.refresh()
    assert len(reader) == before + 5


def test_an_empty_archive(tmp_path: Path) -> None:
    archive, det = Archive.create(tmp_path / "x", CARD), detector()
    with archive.writer():
        pass
    assert (len(archive), list(archive), archive.files(), archive.search(det, WORDS)) == (0, [], {}, [])
    with archive.writer() as writer:
        writer.add(FrameKey("none.jpg"), random_regions(0, 0))
    ((key, regions),) = Archive(tmp_path / "x")
    assert (key.seconds, len(regions), regions.embeddings.shape, regions.given) == (None, 0, (0, 3), True)
    assert archive.search(det, WORDS) == []


def test_another_towers_regions_are_refused(tmp_path: Path) -> None:
    archive = filled(tmp_path / "x", 3)
    with pytest.raises(FingerprintError, match=r"archive .*x: expected those of toy toy-2, got toy-1"):
        archive.search(detector(revision="toy-2"), WORDS)
    with archive.writer() as writer, pytest.raises(FingerprintError, match="toy-2"):
        writer.add(FrameKey("a"), random_regions(1, 0, fingerprint="toy-2"))


def test_what_is_no_archive_is_told(tmp_path: Path) -> None:
    for absent in (tmp_path / "absent", tmp_path):
        with pytest.raises(FileError, match="expected a folder that `regionclip index`"):
            Archive(absent)
    archive = filled(tmp_path / "x", 3)
    (tmp_path / "file").write_text("")
    for taken in (tmp_path / "x", tmp_path / "file", tmp_path):
        with pytest.raises(ConfigError, match="one that exists"):
            Archive.create(taken, CARD)
    table = archive.path / "regions.lance"
    for each in (table / "data").glob("*"):
        content = each.read_bytes()
        for damaged in (content[: len(content) // 2], b""):
            each.write_bytes(damaged)
            with pytest.raises(FileError, match=r"archive .*: lance error: .* is damaged, index its sources again$"):
                list(Archive(tmp_path / "x"))
    for each in (table / "_versions").glob("*"):
        each.write_bytes(b"")
    with pytest.raises(FileError, match=r"archive .*x: "):
        Archive(tmp_path / "x")


def test_an_archive_that_was_half_made_is_made_again(tmp_path: Path) -> None:
    (tmp_path / "x" / "regions.lance" / "data").mkdir(parents=True)
    (tmp_path / "x" / "lock").write_bytes(b"")
    with pytest.raises(FileError, match="expected a folder that"):
        Archive(tmp_path / "x")
    assert len(list(filled(tmp_path / "x", 2))) == 2


def test_another_format_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as later:
        later.setattr("regionclip.archive.store._FORMAT", 2)
        filled(tmp_path / "x", 1)
    with pytest.raises(FileError, match="expected format 1, got 2"):
        Archive(tmp_path / "x")


def test_small_batches_are_put_together_and_stay_in_order(tmp_path: Path) -> None:
    archive = filled(tmp_path / "x", 150)
    archive.finish()
    assert not archive.indexed
    assert [key.index for key, _ in Archive(tmp_path / "x")] == list(range(150))


def test_without_the_package_it_is_told() -> None:
    script = (
        "import sys; sys.modules['lancedb'] = None\n"
        "import regionclip\n"
        "try: regionclip.Archive\n"
        "except regionclip.RegionclipError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert 'pip install "regionclip[archive]"' in done.stdout
