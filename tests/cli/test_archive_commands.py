"""`regionclip index` and `regionclip search`: files of all kinds, once each, and what is found in them."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import cv2
import numpy as np
import pytest
from footage import frame_count
from toy import planted
from waiting import until

from regionclip.answers.regions import Regions
from regionclip.archive.indexing import IndexOptions, index_file, look, unfinished
from regionclip.archive.store import Archive
from regionclip.cli.terminal import exits
from regionclip.frames import read_frame
from regionclip.loading import config_of, load
from regionclip.scenes.clips import render_clip
from regionclip.video.output.writer import VideoWriter
from regionclip.video.sources.opening import open_source

Run = Callable[..., int]
TINY = ("--proposer", "grid", "--budget", 64)


def write_video(path: Path, frames: int = 40, *, fps: float = 8, seed: int = 5) -> Path:
    with VideoWriter(path) as writer:
        for shot in render_clip(seed, 1, (120, 160), seconds=frames / fps, fps=fps, event="pass", camera="still"):
            writer.write(shot.frame, shot.seconds)
    return path


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Two pictures, one of them twice, a video, and two files that are damaged."""
    folder = tmp_path / "media"
    folder.mkdir()
    for index in range(2):
        cv2.imwrite(str(folder / f"{index}.png"), planted(red=(16, 16, 80, 80 + index), blue=(112, 32, 176, 112)))
    shutil.copy(folder / "0.png", folder / "copy.png")
    write_video(folder / "yard.mp4")
    (folder / "bad.jpg").write_bytes(b"no picture")
    (folder / "bad.mp4").write_bytes(b"no video")
    (folder / "notes.txt").write_bytes(b"is passed over")
    return folder


def frames_of(store: Path) -> dict[tuple[str, int], Regions]:
    return {(Path(key.source).name, key.index): regions for key, regions in Archive(store)}


def test_files_of_all_kinds_are_indexed_once(
    run: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "x"
    assert run("index", media, "--out", store, "--every", 8, *TINY) == exits.PARTLY
    said = capsys.readouterr().err
    assert "3 files added, 1 were there, 2 unreadable" in said
    frames = frames_of(store)
    assert list(frames) == [("0.png", 0), ("1.png", 0), *(("yard.mp4", index) for index in range(0, 40, 8))]
    errors = {Path(note.source).name: note.error for note in Archive(store).files().values() if note.error}
    assert "cannot be decoded" in errors["bad.jpg"]
    assert "no video that can be read" in errors["bad.mp4"]
    assert all(error in said for error in errors.values())
    # Bits of asking at once.
    detector = load(config_of("tiny").changed(proposers=("grid",), budget=64))
    with open_source(media / "yard.mp4") as source:
        pictures = {frame.index: frame.image for frame in source}
    for (name, index), stored in frames.items():
        regions = detector.regions(pictures[index] if name == "yard.mp4" else media / name)
        assert np.array_equal(regions.embeddings, stored.embeddings)
        found, own = (detector.classify(each, ["car", "红色的包"]) for each in (stored, regions))
        assert np.array_equal(np.asarray(found.confidence), np.asarray(own.confidence))
    # A second run does nothing.
    version = Archive(store).table.version
    assert run("index", media, "--out", store, "--every", 8, *TINY) == exits.OK
    assert "0 files added, 6 were there, 0 unreadable" in capsys.readouterr().err
    assert Archive(store).table.version == version


def test_what_is_new_has_changed_or_was_moved(
    run: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, more = tmp_path / "x", ("--out", tmp_path / "x", *TINY)
    assert run("index", media / "0.png", media / "bad.jpg", *more) == exits.PARTLY
    cv2.imwrite(str(media / "0.png"), planted(blue=(0, 0, 64, 64)))
    shutil.copy(media / "1.png", media / "bad.jpg")
    capsys.readouterr()
    assert run("index", media / "0.png", media / "bad.jpg", *more) == exits.USAGE
    assert "2 of 2 files are not wholly in it: add them with --resume" in capsys.readouterr().err
    assert run("index", media / "0.png", media / "bad.jpg", *more, "--resume") == exits.OK
    detector, frames = load(config_of("tiny").changed(proposers=("grid",), budget=64)), frames_of(store)
    assert frames.keys() == {("0.png", 0), ("bad.jpg", 0)}
    assert np.array_equal(frames["0.png", 0].embeddings, detector.regions(media / "0.png").embeddings)
    assert [note.error for note in Archive(store).files().values()] == ["", ""]
    shutil.move(media / "0.png", media / "moved.png")
    assert run("index", media / "moved.png", *more) == exits.OK
    assert "0 files added, 1 were there" in capsys.readouterr().err


def test_a_killed_run_loses_the_batch_in_hand_and_goes_on(run: Run, tmp_path: Path) -> None:
    """A process that is killed in the middle of a video; what it has written is not looked at again."""
    video, store, whole = write_video(tmp_path / "long.mp4", 400), tmp_path / "x", tmp_path / "whole"
    options = ("--every", "2", *map(str, TINY))
    command = [sys.executable, "-m", "regionclip", "index", str(video), "--out", str(store), *options]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        until(lambda: Archive.is_at(store) and len(list(Archive(store))) > 0, 120)
        process.kill()
    assert process.returncode == -signal.SIGKILL
    left = list(frames_of(store))
    assert left == [("long.mp4", index) for index in range(0, 2 * len(left), 2)]
    assert 0 < len(left) < 200  # some whole batches
    (note,) = Archive(store).files().values()
    assert (note.next, note.done) == (2 * len(left) - 1, False)
    assert run("index", video, "--out", store, *options, "--resume") == exits.OK
    assert run("index", video, "--out", whole, *options) == exits.OK
    one, other = frames_of(store), frames_of(whole)
    assert list(one) == list(other)
    assert all(np.array_equal(one[key].embeddings, other[key].embeddings) for key in one)


def test_things_that_are_followed_keep_their_numbers_apart_after_a_break(run: Run, tmp_path: Path) -> None:
    video, store = write_video(tmp_path / "yard.mp4", 48), tmp_path / "x"
    assert run("index", video, "--out", store, "--every", 2, "--track") == exits.OK
    tracks = {int(number) for _, regions in Archive(store) for number in np.asarray(regions.tracker_id)} - {-1}
    assert tracks
    (note,) = Archive(store).files().values()
    assert note.tracks == max(tracks)
    detector, options = load("tiny"), IndexOptions(every=2, track=True)
    hits = Archive(store).search(detector, ["person", "car"], top=3)
    assert any(hit.track is not None and len(hit.sights) > 3 for hit in hits)
    later = list(look(video, detector, options, start=21, tracks=100))
    assert later[0].key.index == 22  # the next one that would have been looked at
    numbers = {int(number) for each in later for number in np.asarray(each.regions.tracker_id)} - {-1}
    assert min(numbers) == 101


def test_a_picture_that_is_there_is_not_added_again_though_its_end_was_not_noted(media: Path, tmp_path: Path) -> None:
    """As after a kill between a batch and the next one."""
    detector = load("tiny")
    archive = Archive.create(tmp_path / "x", detector.tower.card)
    with archive.writer() as writer:
        for note in unfinished(archive, [media / "0.png"]):
            index_file(writer, note, detector, IndexOptions())
            writer.append(writer.columns.empty_table(), replace(note, next=1))
    with archive.writer() as writer:
        (note,) = unfinished(archive, [media / "0.png"])
        assert index_file(writer, note, detector, IndexOptions()).done
    archive.refresh()
    assert len(list(archive)) == 1
    assert unfinished(archive, [media / "0.png"]) == []


def test_search_prints_writes_draws_and_cuts(
    run: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, crop = tmp_path / "x", tmp_path / "crop.png"
    run("index", media / "1.png", media / "yard.mp4", "--out", store, "--every", 8, *TINY, "--camera", "东门")
    capsys.readouterr()
    outputs = ("--json", tmp_path / "hits.json", "--sheet", tmp_path / "sheet.png", "--clips", tmp_path / "clips")
    assert run("search", store, "车=car|汽车", "-p", "person", "--top", 2, *outputs) == exits.OK
    printed = capsys.readouterr().out.splitlines()
    found = json.loads((tmp_path / "hits.json").read_text(encoding="utf-8"))
    assert found["schema"] == "regionclip.search/1"
    assert [hit["label"] for hit in found["hits"]] == ["车"] * 2 + ["person"] * 2
    assert [line for line in printed if not line.startswith(" ")] == ["车", "person"]
    first = found["hits"][0]
    assert f"{first['confidence']:.2f}" in printed[1]
    assert "东门" in printed[1]
    assert first["prompt"] in ("car", "汽车")
    assert first["sights"][0]["index"] <= first["index"] <= first["sights"][-1]["index"]
    assert read_frame(tmp_path / "sheet.png").shape[1] == 14 + 2 * 234  # two things
    numbers = [number for number, hit in enumerate(found["hits"], 1) if hit["seconds"] is not None]
    clips = sorted((tmp_path / "clips").iterdir())
    assert [int(clip.name[:2]) for clip in clips] == numbers
    assert all(8 <= frame_count(clip) <= 40 for clip in clips)
    cv2.imwrite(str(crop), planted(red=(16, 16, 80, 81))[16:81, 16:80])
    assert (
        run("search", store, "--like", crop, "--not", "person", "--top", 1, "--to", "1:00", "--json", "-") == exits.OK
    )
    (hit,) = json.loads(capsys.readouterr().out)["hits"]
    assert hit["label"] == str(crop)
    assert hit["seconds"] is not None  # pictures have no time


def test_a_video_that_is_gone_is_told_and_the_others_are_cut(
    run: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "x"
    write_video(media / "other.mp4", 16, seed=6)
    run("index", media / "yard.mp4", media / "other.mp4", "--out", store, "--every", 8, *TINY)
    (media / "yard.mp4").unlink()
    capsys.readouterr()
    assert run("search", store, "person", "--top", 30, "--clips", tmp_path / "clips") == exits.OK
    assert "yard.mp4: no such file" in capsys.readouterr().err
    assert list((tmp_path / "clips").iterdir())


def test_moments(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    video, store = write_video(tmp_path / "yard.mp4", 32), tmp_path / "x"
    start = ("--start", "2026-11-30T08:00:00+08:00")
    assert run("index", video, "--out", store, "--every", 8, *TINY, *start) == exits.OK
    capsys.readouterr()
    late = ("--from", "2026-11-30T00:00:02.5Z", "--json", "-")
    assert run("search", store, "person", *late) == exits.OK
    hits = json.loads(capsys.readouterr().out)["hits"]
    assert {sight["seconds"] for hit in hits for sight in hit["sights"]} == {3.0}
    assert {hit["utc_seconds"] for hit in hits} == {datetime(2026, 11, 30, 0, 0, 3, tzinfo=UTC).timestamp()}


def test_mistakes_are_one_line_and_a_code(
    run: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, other = tmp_path / "x", tmp_path / "y"
    picture, video = media / "0.png", media / "yard.mp4"
    (tmp_path / "boxes.json").write_text(json.dumps({"0.png": [[16, 16, 80, 80]]}))
    assert run("index", picture, "--out", store, *TINY) == exits.OK
    capsys.readouterr()
    for arguments, code, said in (
        (("index", picture, "--out", store, *TINY, "--resume", "--every", 3), exits.USAGE, "(every: 25, now 3)"),
        (("index", picture, "--out", store, "--proposer", "grid"), exits.USAGE, "made with other settings"),
        (("index", picture, "--out", media, *TINY), exits.USAGE, "one that exists"),
        (("index", picture, "--out", other, "--proposer", "heatmap"), exits.USAGE, "looks for words"),
        (("index", video, "--out", other, "--boxes", tmp_path / "boxes.json"), exits.USAGE, "is a video"),
        (("index", picture, "--out", other, "--start", "2026-11-30"), exits.USAGE, "expected one video, got 0"),
        (("index", video, "--out", other, "--start", "noon"), exits.USAGE, "expected seconds, H:MM:SS, or a moment"),
        (("index", tmp_path / "none.mp4", "--out", other), exits.UNREADABLE, "no such file"),
        (("index", media / "bad.mp4", "--out", other, *TINY), exits.UNREADABLE, "no video"),
        (("search", store), exits.USAGE, "expected words"),
        (("search", media, "red"), exits.FAILED, "expected a folder that"),
        (("search", store, "red", "--sheet", "page.pdf"), exits.USAGE, "ending in .png or .jpg"),
        (("search", store, "red", "--from", "soon"), exits.USAGE, "--from 'soon'"),
        (("search", store, "red", "--like", media / "bad.jpg"), exits.UNREADABLE, "cannot be decoded"),
    ):  # fmt: skip
        assert run(*arguments) == code, arguments
        lines = [line for line in capsys.readouterr().err.splitlines() if "trained on rendered scenes" not in line]
        assert said in lines[0], lines


def test_another_towers_archive_is_refused(
    run: Run, run_small: Run, media: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("index", media / "0.png", "--out", tmp_path / "x", *TINY) == exits.OK
    capsys.readouterr()
    for command in (("search", tmp_path / "x", "red"), ("index", media / "1.png", "--out", tmp_path / "x", "--resume")):
        assert run_small(*command) == exits.USAGE
        assert "embeddings of different towers cannot be compared" in capsys.readouterr().err


def test_the_cost_of_many_words_is_timed(run_small: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_small("bench", "--rounds", 1, "--boxes", 3, "--size", "64x64", "--vocabulary", 50) == exits.OK
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("50 labels x 2 languages, 300 regions, words encoded before")
    names = ["encode a phrase", "classify", "select"]
    assert [line.strip().rsplit(None, 2)[0] for line in lines[start + 3 : start + 6]] == names
    assert "all 100 phrases" in lines[start + 6]
