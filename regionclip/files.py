"""Writing files so that nobody ever sees half of one."""

import os
from contextlib import suppress
from pathlib import Path

from regionclip.errors import FileError


def write_file(path: str | Path, content: bytes) -> None:
    """Write `content` under a temporary name beside `path`, then rename it; missing folders are made.

    Raises:
        FileError: where the file cannot be written; an older file of that name is then untouched.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(content)
        temporary.replace(path)
    except OSError as error:
        with suppress(OSError):
            temporary.unlink()
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
