"""Vocabularies that a service keeps: numbered versions that never change, in memory or in a folder."""

import os
import re
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
_NUMBER: Final = "0|[1-9][0-9]{0,8}"
ID: Final = rf"{NAME}(@({_NUMBER}))?"
_FILE: Final = re.compile(rf"({NAME})@({_NUMBER})\.toml")

_MOST = 10_000
"""Versions that a service keeps."""


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
        self._folder, self._lock = folder, RLock()
        self._versions = {(name, 0): Version(name, 0, load_vocabulary(name)) for name in vocabulary_names()}
        self._update(first=True)

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

    def _update(self, *, first: bool = False) -> None:
        """Take in what stands in the folder by now; what cannot be read is told at first, and tried again later."""
        if self._folder is None:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            names = {path.name for path in self._folder.iterdir()}
        except OSError as error:
            if first:
                raise FileError(f"folder of vocabularies {self._folder} cannot be read: {error.strerror}") from error
            return
        found = {(match[1], int(match[2])): name for name in names if (match := _FILE.fullmatch(name))}
        for key in found.keys() - self._versions.keys():
            try:
                self._versions[key] = Version(*key, load_vocabulary(self._folder / found[key]))
            except RegionclipError:  # it may be a copy that is not complete yet
                if first:
                    raise
        for key, version in self._versions.items():
            if f"{version.id}.retired" in names:
                self._versions[key] = replace(version, retired=True)
