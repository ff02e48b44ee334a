"""Vocabularies that a service keeps: numbered versions that never change, in memory or in a folder."""

import os
import re
import time
import tomllib
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from threading import RLock, get_native_id
from typing import Any, Final

from regionclip.errors import FileError, RegionclipError, ServiceError, few
from regionclip.words.file import files_of, load_vocabulary, vocabulary_names
from regionclip.words.vocabulary import Vocabulary

NAME: Final = r"[A-Za-z0-9_-]{1,64}"
ID: Final = rf"{NAME}(@(0|[1-9][0-9]{{0,8}}))?"

_MOST = 10_000
"""Versions that a service keeps."""

_FRESH = 1_000_000_000
"""Nanoseconds within which a folder may change again without another time of change."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a vocabulary; number 0 is one that ships with regionclip."""

    name: str
    number: int
    vocabulary: Vocabulary
    retired: bool = False

    @property
    def id(self) -> str:
        """How requests name it."""
        return f"{self.name}@{self.number}"


def as_table(vocabulary: Vocabulary) -> dict[str, Any]:
    """A vocabulary as its file has it, and JSON takes it."""
    path = Path("words.toml")  # nothing is written
    return tomllib.loads(files_of(vocabulary, path)[path].decode())


class Vocabularies:
    """Versions by name and number. Several processes may share a folder.

    Args:
        folder: keeps them as `NAME@NUMBER.toml`, one that is retired with an empty `NAME@NUMBER.retired` beside it;
            vocabularies that were put there under such names are taken too. None keeps them in memory.

    Raises:
        RegionclipError: where the folder, or a vocabulary in it, cannot be read.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder, self._lock, self._stamp = folder, RLock(), 0
        self._versions: dict[tuple[str, int], Version] = {}
        for name in vocabulary_names():
            self._versions[name, 0] = Version(name, 0, load_vocabulary(name))
        if folder is not None:
            try:
                folder.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise FileError(f"folder of vocabularies {folder} cannot be made: {error.strerror}") from error
            self._read_folder(folder)

    def all(self) -> list[Version]:
        """All versions, by name and number."""
        with self._lock:
            self._update()
            return [self._versions[key] for key in sorted(self._versions)]

    def get(self, id: str) -> Version:
        """The version of an id `NAME@NUMBER`; of `NAME` alone the newest that is not retired.

        Raises:
            ServiceError: 404, where there is none.
        """
        name, _, number = id.partition("@")
        with self._lock:
            self._update()
            known = [each for each in self._versions.values() if each.name == name]
            names = few(sorted({each.name for each in self._versions.values()}), 8)
        found = [each for each in known if str(each.number) == number] if number else known
        if not found:
            raise ServiceError(f'no vocabulary {id!r}: there are {names}; words are a JSON list, as ["person"]', 404)
        return max(found, key=lambda each: (not each.retired, each.number))

    def words(self, id: str) -> Version:
        """As `get`, to be asked for.

        Raises:
            ServiceError: 404, where there is none; 410, where it is retired.
        """
        found = self.get(id)
        if found.retired:
            raise ServiceError(f"vocabulary {found.id!r} is retired", 410)
        return found

    def create(self, name: str, vocabulary: Vocabulary) -> tuple[Version, bool]:
        """A new version, and whether it is one: where the newest one has the same words, that is it.

        Raises:
            ServiceError: 507, where it cannot be kept.
        """
        with self._lock:
            self._update()
            own = [each for each in self._versions.values() if each.name == name]
            newest = max(own, key=lambda each: each.number, default=None)
            if newest is not None and newest.vocabulary == vocabulary and not newest.retired:
                return newest, False
            if len(self._versions) >= _MOST:
                raise ServiceError(f"{_MOST} vocabularies are kept already", 507)
            number = 1 if newest is None else newest.number + 1
            while not self._keep(f"{name}@{number}", vocabulary):
                number += 1  # another process was first
            version = self._versions[name, number] = Version(name, number, vocabulary)
            return version, True

    def retire(self, id: str) -> Version:
        """Let nobody ask for a version any more; it can still be read.

        Raises:
            ServiceError: 404, where there is none; 507, where that cannot be kept.
        """
        with self._lock:
            found = replace(self.get(id), retired=True)
            try:
                if self._folder is not None:
                    (self._folder / f"{found.id}.retired").touch()
            except OSError as error:
                raise ServiceError(f"vocabulary {found.id} cannot be retired: {error.strerror}", 507) from error
            self._versions[found.name, found.number] = found
            return found

    def _keep(self, id: str, vocabulary: Vocabulary) -> bool:
        """Write a version, whole or not at all; False where there is one of that number."""
        if self._folder is None:
            return True
        path = self._folder / f"{id}.toml"
        temporary = self._folder / f".{id}.{get_native_id()}"
        try:
            temporary.write_bytes(files_of(vocabulary, path)[path])
            os.link(temporary, path)  # fails where there is one; a renaming would replace it
        except FileExistsError:
            return False
        except OSError as error:
            raise ServiceError(f"vocabulary {id} cannot be kept: {error.strerror}", 507) from error
        finally:
            with suppress(OSError):
                temporary.unlink()
        return True

    def _update(self) -> None:
        """Take in what other processes have kept."""
        if self._folder is not None:
            with suppress(FileError):  # a folder that is away for a while costs nothing that was read already
                self._read_folder(self._folder)

    def _read_folder(self, folder: Path) -> None:
        try:
            stamp = folder.stat().st_mtime_ns
            if stamp == self._stamp and time.time_ns() - stamp > _FRESH:
                return
            names = sorted(os.listdir(folder))  # noqa: PTH208 - names are enough
        except OSError as error:
            raise FileError(f"folder of vocabularies {folder} cannot be read: {error.strerror}") from error
        retired = {name.removesuffix(".retired") for name in names if name.endswith(".retired")}
        for id in (name.removesuffix(".toml") for name in names if name.endswith(".toml")):
            if "@" not in id or not re.fullmatch(ID, id):
                continue
            name, _, number = id.partition("@")
            if (key := (name, int(number))) not in self._versions:
                try:
                    self._versions[key] = Version(*key, load_vocabulary(folder / f"{id}.toml"))
                except RegionclipError:
                    if self._stamp == 0:  # told at the start; later it may be a copy that is not complete yet
                        raise
                    stamp = 1
        for key, version in self._versions.items():
            if version.id in retired and not version.retired:
                self._versions[key] = replace(version, retired=True)
        self._stamp = stamp
