"""Writing files so that nobody ever sees half of one."""

import os
from contextlib import suppress
from pathlib import Path

from regionclip.errors import FileError


def write_file(path: str | Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it; missing folders are made.

    A link is followed. What exists and is no file (a pipe, a device) is written to directly.

    Raises:
        FileError: where the file cannot be written; an older file of that name is then untouched.
    """
    path = Path(os.path.realpath(path))
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
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
