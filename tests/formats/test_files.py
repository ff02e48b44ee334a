import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from regionclip.errors import FileError
from regionclip.formats.files import NewFile, write_file, write_together


def test_files_appear_whole_and_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "new" / "r.json", b"one")
    write_file(tmp_path / "new" / "r.json", b"two")
    assert (tmp_path / "new" / "r.json").read_bytes() == b"two"
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["r.json"]


def test_what_cannot_be_written_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with pytest.raises(FileError, match="cannot be written"):
        write_file(tmp_path / "file" / "r.json", b"new")
    (tmp_path / "folder").mkdir()
    with pytest.raises(FileError, match="cannot be written"):
        write_file(tmp_path / "folder", b"new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_links_are_followed_and_pipes_written_to(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "target")
    write_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"new"
    os.mkfifo(tmp_path / "pipe")
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append((tmp_path / "pipe").read_bytes()))
    reader.start()
    write_file(tmp_path / "pipe", b"through")
    reader.join()
    assert got == [b"through"]
    assert (tmp_path / "pipe").is_fifo()


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


def test_files_that_belong_together_are_all_new_or_all_old(tmp_path: Path) -> None:
    one, two, folder = tmp_path / "one", tmp_path / "two", tmp_path / "folder"
    write_together({one: b"old", two: b"old"})
    write_together({one: b"new", two: b"new"})
    assert (one.read_bytes(), two.read_bytes()) == (b"new", b"new")
    # `folder` can be no file by the time that it would take its name, since a folder of that name was made meanwhile
    with pytest.raises(FileError, match="cannot be renamed"):
        write_together({one: b"newer", tmp_path / "three": b"newer", folder: b"newer", folder / "four": b"newer"})
    assert (one.read_bytes(), two.read_bytes()) == (b"new", b"new")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "one", "two"]


@pytest.mark.parametrize("sizes", [(10, 5000), (5000, 10)])
def test_a_full_disk_leaves_no_half_pair(tmp_path: Path, sizes: tuple[int, int]) -> None:
    """In a process whose files may have 1,000 bytes: a write fails there as on a full disk, with another errno."""
    one, two = tmp_path / "v.safetensors", tmp_path / "v.toml"
    code = (
        "import resource; from pathlib import Path; from regionclip.formats.files import write_together\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        f"write_together({{Path({str(one)!r}): bytes({sizes[0]}), Path({str(two)!r}): bytes({sizes[1]})}})"
    )
    for content in (None, b"old"):
        if content is not None:
            one.write_bytes(content)
            two.write_bytes(content)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "FileError" in done.stderr
        assert "cannot be written: File too large" in done.stderr
        files = sorted(path.name for path in tmp_path.iterdir())
        assert files == ([] if content is None else ["v.safetensors", "v.toml"])
        assert content is None or one.read_bytes() == two.read_bytes() == content
