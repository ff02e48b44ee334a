import subprocess
import sys
from pathlib import Path

import pytest

from regionclip.errors import FileError
from regionclip.formats.together import write_together


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
        "import resource; from pathlib import Path; from regionclip.formats.together import write_together\n"
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
