"""Files that grow: a temporary name, one writer, whole pieces."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from disks import small_disk

from regionclip.errors import FileError
from regionclip.formats.growing import NewFile, append
from regionclip.sinks.log_and_snapshots import EventLog


def test_a_growing_file_has_a_temporary_name(tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(b"old")
    kept, thrown = NewFile(tmp_path / "r.json"), NewFile(tmp_path / "new" / "s.json")
    kept.temporary.write_bytes(b"new")
    assert kept.temporary.name == f".r.json.{os.getpid()}"
    assert (tmp_path / "r.json").read_bytes() == b"old"
    kept.keep()
    thrown.discard()
    thrown.discard()
    assert (tmp_path / "r.json").read_bytes() == b"new"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new", "r.json"]
    with pytest.raises(FileError, match="cannot be renamed"):
        kept.keep()
    with pytest.raises(FileError, match="is a folder"):
        NewFile(tmp_path / "new")
    os.mkfifo(tmp_path / "pipe")
    pipe = NewFile(tmp_path / "pipe")
    pipe.discard()
    assert pipe.temporary.is_fifo()


WRITER = """
import sys
from pathlib import Path
from regionclip.formats.growing import NewFile
from regionclip.sinks.log_and_snapshots import EventLog
open_ = EventLog if sys.argv[2] == "log" else NewFile
held = open_(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name != "posix", reason="locks of POSIX systems")
@pytest.mark.parametrize("what", ["log", "file"])
def test_one_program_at_a_time_writes_a_file(tmp_path: Path, what: str) -> None:
    path = tmp_path / "e.jsonl"

    def here() -> None:
        if what == "log":
            EventLog(path).close()
        else:
            NewFile(path).discard()

    command = [sys.executable, "-c", WRITER, str(path), what]
    other = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        for _ in range(2):  # a refusal changes nothing
            with pytest.raises(FileError, match=r"e\.jsonl cannot be written: another program is writing it"):
                here()
        NewFile(tmp_path / "other.jsonl").discard()
        other.kill()  # without a chance to tidy up
        other.wait(30)
        here()
    finally:
        other.kill()
        other.communicate()
    here()


def test_two_writers_of_one_program_are_two(tmp_path: Path) -> None:
    first = NewFile(tmp_path / "x.mp4")
    with pytest.raises(FileError, match="another program"):
        NewFile(tmp_path / "x.mp4")
    first.keep()
    NewFile(tmp_path / "x.mp4").discard()
    assert [path.name for path in tmp_path.iterdir()] == ["x.mp4"]


def test_a_piece_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk, (disk.folder / "log").open("ab", buffering=0) as file:
        append(file, b"first\n")
        disk.fill()
        with pytest.raises(OSError, match=r"No space left|File too large"):
            append(file, b"x" * 100_000)
        disk.empty()
        append(file, b"last\n")
        assert (disk.folder / "log").read_bytes() == b"first\nlast\n"
