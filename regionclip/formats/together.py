"""Writing several files of which none is of use without the others."""

import os
import shutil
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from regionclip.errors import FileError
from regionclip.formats.growing import NewFile


def write_together(contents: Mapping[Path, bytes]) -> None:
    """Write files that belong together: all are new then, or all are as they were.

    They take their names in the order given. Links, pipes and missing folders are treated as by `write_file`.

    Raises:
        FileError: where one of them cannot be written.
    """
    with ExitStack() as tidy, ExitStack() as undo:
        files = []
        for path, content in contents.items():
            file = NewFile(path)
            old = file.path.with_name(f".{file.path.name}.{os.getpid()}.old")
            tidy.callback(file.discard)
            tidy.callback(old.unlink, missing_ok=True)
            _write(file, content, old)
            files.append((file, old))
        for file, old in files:
            file.keep()
            if old.exists():
                undo.callback(old.replace, file.path)
            elif file.temporary != file.path:
                undo.callback(file.path.unlink)
        undo.pop_all()


def _write(file: NewFile, content: bytes, old: Path) -> None:
    """Write to the temporary name, and copy what has the name now to `old`."""
    try:
        file.temporary.write_bytes(content)
        if file.path.is_file():
            shutil.copy2(file.path, old)
    except OSError as error:
        raise FileError(f"{file.path} cannot be written: {error.strerror}") from error
