"""Encoded phrases on disk: a process that starts reads what an earlier one has encoded.

One small file a phrase, written whole: processes and threads need no lock, on network disks neither, and a killed
writer leaves nothing that counts. A file is named by a digest of all that decides its bits; no word stands in it.
"""

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from itertools import count
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from regionclip.errors import FileError, OutputWarning, warn
from regionclip.formats.files import write_file
from regionclip.towers.base import Target, Tower

MOST_BYTES = 128 << 20
"""Size of all files together; those asked for longest ago go first. A phrase of 768 channels takes 3 KiB."""

_LOOK_EVERY = 1000
"""Phrases that are written between two looks at the size."""

_OURS = re.compile(r"\.?[0-9a-f]{64}\.phrase(\.\d+)?")
"""Names of files, and of those that are being written."""


class PhraseStore:
    """Encoded phrases in a folder, of any towers. Any number of threads and processes may share it.

    What cannot be read is encoded again, what cannot be written is not kept; both are told once.

    Args:
        folder: made when the first phrase is written. Nothing else in it is touched.
        most: bytes that the files may take together.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self.folder = folder
        self._most = most
        self._written = count()
        self._is_closed = False
        self._told: set[str] = set()

    def row(
        self, tower: Tower, texts: Sequence[str], target: Target, encode: Callable[[], torch.Tensor]
    ) -> torch.Tensor:
        """The `(D,)` float32 embedding of a phrase in all its `texts`, by `encode` where it is not there yet."""
        name = _name(tower, texts, target)
        row = self._read(name, tower.card.width)
        if row is None:
            row = encode()
            self._write(name, row)
        return row

    def _read(self, name: str, width: int) -> torch.Tensor | None:
        path = self.folder / name
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            self._tell("read", f"{path} cannot be read ({error.strerror}): the phrase is encoded anew")
            return None
        values = content[: 4 * width]
        if content != values + _seal(name, values):
            self._tell("read", f"{path} is damaged: the phrase is encoded and written anew")
            return None
        with suppress(OSError):  # a folder that may only be read has no order of use
            os.utime(path)
        return torch.from_numpy(np.frombuffer(values, "<f4").astype(np.float32))  # (D,), a copy that may be written

    def _write(self, name: str, row: torch.Tensor) -> None:
        if self._is_closed:
            return
        values = row.numpy().astype("<f4").tobytes()
        try:
            write_file(self.folder / name, values + _seal(name, values))
        except FileError as error:
            self._is_closed = True
            self._tell(
                "write",
                f"{error}: encoded phrases are not kept for the next start; give another folder "
                '(--phrase-cache DIR, phrase_cache = "DIR"), or none',
            )
            return
        if next(self._written) % _LOOK_EVERY == 0:
            with suppress(OSError):  # the folder was moved away
                self._make_room()

    def _make_room(self) -> None:
        """Where the files take more than they may, remove those that were asked for longest ago."""
        files = sorted(self._files())
        left = sum(size for _, size, _ in files)
        if left <= self._most:
            return
        for _, size, path in files:
            if left <= 0.9 * self._most:
                return
            with suppress(OSError):  # another process may be at it
                path.unlink()
            left -= size

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        """Time of last use, size and path of each file, what a killed process left half written included."""
        for path in self.folder.iterdir():
            with suppress(OSError):  # gone, or renamed to what it was written for
                if _OURS.fullmatch(path.name):
                    state = path.stat()
                    yield state.st_mtime, state.st_size, path

    def _tell(self, trouble: Literal["read", "write"], message: str) -> None:
        """Warn of each trouble once."""
        if trouble not in self._told:
            self._told.add(trouble)
            warn(message, OutputWarning)


def _seal(name: str, values: bytes) -> bytes:
    """Ends a file: it is whole, and the one of this name."""
    return hashlib.sha256(name.encode() + values).digest()


def _name(tower: Tower, texts: Sequence[str], target: Target) -> str:
    """File of a phrase: weights, tokens and target, and what it is computed with, decide the bits."""
    tokens = [tower.token_ids(text, target) for text in texts]  # a tokenizer may change, the weights being the same
    device = tower.placement.partition(",")[0]
    known = [tower.card.revision, tower.placement, _processor(device), _versions(), target, list(texts), tokens]
    return hashlib.sha256(json.dumps(known).encode()).hexdigest() + ".phrase"


def _processor(device: str) -> str:
    """What adds up otherwise than another: the make of a GPU, the instructions of a CPU."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else torch.backends.cpu.get_cpu_capability()


@cache
def _versions() -> list[str]:
    """Of the code that turns a text into numbers."""
    return [torch.__version__, _version("transformers"), _version("regionclip")]


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # a checkout that is not installed
        return ""
