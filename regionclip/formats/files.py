"""Writing files so that nobody ever sees half of one."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from threading import get_native_id

from regionclip.errors import FileError


def write_file(path: str | Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it; missing folders are made.

    A link is followed. What exists and is no file (a pipe, a device) is written to directly.

    Raises:
        FileError: where the file cannot be written; an older file of that name is then untouched.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{get_native_id()}")  # of one thread of one process
    try:
        if path.exists() and not path.is_file() and not path.is_dir():
            path.write_bytes(content)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    finally:
        with suppress(OSError):
            temporary.unlink()


def user_cache() -> Path | None:
    """This user's folder for what can be made again, `~/.cache/regionclip` on Linux; None where there is no home.

    `XDG_CACHE_HOME` stands for `~/.cache` (XDG Base Directory Specification), as `LOCALAPPDATA` does on Windows.
    """
    variable, usual = _CACHES.get(sys.platform, ("XDG_CACHE_HOME", ".cache"))
    named = Path(os.environ.get(variable, ""))
    try:
        base = named if named.is_absolute() else Path.home() / usual  # the specification ignores a relative one
    except RuntimeError:
        return None
    return base / "regionclip"


_CACHES = {"win32": ("LOCALAPPDATA", "AppData/Local"), "darwin": ("", "Library/Caches")}
