import os
import threading
from pathlib import Path

import pytest

from regionclip.errors import FileError
from regionclip.formats.files import write_file


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
