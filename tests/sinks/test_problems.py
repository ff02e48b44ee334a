"""A full disk, a folder that goes and comes back: told once, tried again, and in nobody's way."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from disks import small_disk
from told import event, lines, picture

from regionclip.errors import FileError
from regionclip.sinks.log_and_snapshots import EventLog, Snapshots
from regionclip.sinks.problems import Problems
from regionclip.sinks.sink import Sink, hand_on
from regionclip.video.rules.watch import Event

FULL = r"cannot be written: (No space left on device|File too large)$"


class Keeper(Sink):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def send(self, told: Any, image: Any = None, rows: Any = None) -> Any:  # noqa: ANN401 - all that a sink may get
        self.told.append(told)
        return told

    def close(self) -> None:
        pass


def incidents(path: Path) -> list[int]:
    return [int(line["incident"], 16) for line in lines(path)]


def test_a_problem_is_told_once_and_when_it_is_over() -> None:
    said: list[str] = []
    problems = Problems(said.append, settled=0)

    def fail(what: str, text: str) -> None:
        with problems.noted(what):
            raise FileError(text)

    for _ in range(3):
        fail("log", "no\n room")
    fail("pictures", "gone")
    assert said == ["no room", "gone"] == problems.texts
    fail("log", "broken")
    with problems.noted("pictures"):
        pass
    assert said[2:] == ["broken", "over: gone"]
    assert problems.texts == ["broken"]
    with pytest.raises(ZeroDivisionError), problems.noted("log"):
        raise ZeroDivisionError
    with Problems(said.append, catch=Exception).noted("log"):
        raise ZeroDivisionError("anything")
    assert said[-1] == "anything"


def test_what_fails_now_and_then_is_one_problem() -> None:
    said: list[str] = []
    problems = Problems(said.append, settled=1000)
    for _ in range(4):
        problems.begin("log", FileError("full"))
        assert problems.texts == ["full"]
        problems.end("log")
        assert problems.texts == []
    assert said == ["full"]


def test_events_wait_for_a_full_disk(tmp_path: Path) -> None:
    said: list[str] = []
    problems, other = Problems(said.append, settled=0), Keeper()
    with small_disk(tmp_path / "disk") as disk:
        path = disk.folder / "e.jsonl"
        with EventLog(path) as log:
            hand_on([log, other], event(1), problems=problems)
            disk.fill()
            for number in range(2, 40):
                hand_on([log, other], event(number), problems=problems)
            assert len(problems.texts) == len(said) == 1
            disk.empty()
            hand_on([log, other], event(40), problems=problems)
            assert problems.texts == []
            disk.fill()
            last = EventLog(disk.folder / "f.jsonl")
            with pytest.raises(FileError, match=FULL):
                last.send(event(1, label="x" * 5000))
            with pytest.raises(FileError, match="what waits is not written: 1 events"):
                last.close()
            last.close()
            disk.empty()
        assert incidents(path) == list(range(1, 41))
    assert len(other.told) == 40
    assert said[1:] == [f"over: {said[0]}"]


def test_a_log_whose_folder_goes_and_comes_back(tmp_path: Path) -> None:
    folder, path = tmp_path / "log", tmp_path / "log" / "e.jsonl"
    with EventLog(path) as log:
        log.send(event(1))
        folder.rename(tmp_path / "away")
        with pytest.raises(FileError, match=r"e\.jsonl cannot be written: No such file"):
            log.send(event(2))
        assert not folder.exists()
        (tmp_path / "away").rename(folder)
        log.send(event(3))
        assert incidents(path) == [1, 2, 3]
        shutil.rmtree(folder)
        with pytest.raises(FileError, match=r"e\.jsonl cannot be written: No such file"):
            log.send(event(4))
        folder.mkdir()
        log.send(event(5))
        assert incidents(path) == [4, 5]
        path.rename(tmp_path / "e.jsonl.1")  # as programs that rotate logs do
        log.send(event(6))
    assert (incidents(tmp_path / "e.jsonl.1"), incidents(path)) == ([4, 5], [6])


def test_the_latest_thousand_wait(tmp_path: Path) -> None:
    with EventLog(tmp_path / "log" / "e.jsonl") as log:
        shutil.rmtree(tmp_path / "log")
        for number in range(1, 1502):
            with pytest.raises(FileError):
                log.send(event(number))
        (tmp_path / "log").mkdir()
    assert incidents(tmp_path / "log" / "e.jsonl") == list(range(502, 1502))


def test_pictures_on_a_full_disk(tmp_path: Path) -> None:
    said: list[str] = []
    problems, other = Problems(said.append, settled=0), Keeper()
    with small_disk(tmp_path / "disk") as disk, Snapshots(disk.folder / "shots") as shots:
        hand_on([shots, other], event(1), picture(), problems=problems)
        disk.fill()
        for number in range(2, 8):
            hand_on([shots, other], event(number), picture(), problems=problems)
        hand_on([shots, other], event(7, phase="end"), problems=problems)
        assert problems.texts == said
        disk.empty()
        hand_on([shots, other], event(8), picture(), problems=problems)
        assert len(list((disk.folder / "shots").iterdir())) == 4
        shutil.rmtree(disk.folder / "shots")
        hand_on([shots, other], event(9), picture(), problems=problems)
        assert problems.texts == [f"{disk.folder / 'shots'} cannot be written: the folder is gone"]
        assert not (disk.folder / "shots").exists()
        (disk.folder / "shots").mkdir()
        hand_on([shots, other], event(10), picture(), problems=problems)
    assert [len(told.pictures) for told in other.told if isinstance(told, Event)] == [2, *[0] * 7, 2, 0, 2]
    assert [line.startswith("over: ") for line in said] == [False, True, False, True]
