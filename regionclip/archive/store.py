"""RegionsStore: regions of many frames in a folder, to be asked with any words later, in bounded memory.

A folder holds `store.json`, which says what made the regions, and shards of whole frames, each a plain .npz that is
written under another name first: a crash loses the frames of the shard that was not yet full, and nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from regionclip.answers.regions import DATA, REGION_COLUMNS, Regions, check_regions, plain_column
from regionclip.errors import BoxError, ConfigError, FileError, FingerprintError
from regionclip.formats.arrays import Layout, check_layout, read_arrays, write_arrays
from regionclip.formats.files import write_file
from regionclip.formats.growing import lock

_FORMAT = 1
_NOTES = "store.json"
_FRAMES, _REGIONS = 64, 4096
"""Frames and regions from which on a shard is written."""

_FRAME_LAYOUT: Layout = {
    "source": ("str", ("F",)),
    "index": ("int", ("F",)),
    "seconds": ("float", ("F",)),
    "frame_size": ("int", ("F", 2)),
    "count": ("int", ("F",)),
    "has_objectness": ("bool", ("F",)),
    "given": ("bool", ("F",)),
}


@dataclass(frozen=True, slots=True)
class FrameKey:
    """Which frame: `source` and `index` tell it from all others.

    Attributes:
        source: name of the picture or the video.
        index: of the frame in its source, from 0.
        seconds: its time in the source, or None where there is none.
    """

    source: str
    index: int = 0
    seconds: float | None = None

    @property
    def identity(self) -> tuple[str, int]:
        """What no two frames of a store share."""
        return self.source, self.index


class RegionsStore:
    """Regions of many frames. Iterating gives `(FrameKey, Regions)` in stored order, one shard in memory at a time.

    Args:
        path: a folder that `create` made.

    Raises:
        FileError: where there is no such store, or it is damaged.

    Attributes:
        path: the folder.
        fingerprint: revision of the tower that made the embeddings.
        notes: what else was noted when it was created, such as the settings.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        try:
            content = json.loads((self.path / _NOTES).read_text(encoding="utf-8"))
        except OSError as error:
            raise FileError(
                f"regions {path}: {_NOTES} cannot be read ({error.strerror}): expected a folder that "
                "`regionclip index` or RegionsStore.create made"
            ) from error
        except (ValueError, RecursionError) as error:
            raise FileError(f"regions {path}: {_NOTES} is damaged: {error}") from error
        if not isinstance(content, dict) or content.get("format") != _FORMAT or "fingerprint" not in content:
            raise FileError(f"regions {path}: expected {_NOTES} of format {_FORMAT}, got {str(content)[:80]}")
        self.fingerprint = str(content["fingerprint"])
        self.notes: dict[str, Any] = dict(content.get("notes", {}))

    @classmethod
    def create(cls, path: str | Path, fingerprint: str, notes: Mapping[str, Any] | None = None) -> Self:
        """Make an empty store for the regions of one tower; `notes` are kept with it, as JSON.

        Raises:
            ConfigError: where there is something of that name.
            FileError: where it cannot be written.
        """
        path = Path(path)
        cls.check_free(path)
        content = {"format": _FORMAT, "fingerprint": fingerprint, "notes": dict(notes or {})}
        write_file(path / _NOTES, json.dumps(content, ensure_ascii=False, indent=1).encode())
        return cls(path)

    @staticmethod
    def check_free(path: Path) -> None:
        """Make sure that a store can be created there.

        Raises:
            ConfigError: where there is something of that name, but for an empty folder.
        """
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise ConfigError(
                f"regions {path}: expected a name that is free, got one that exists; take another name, or add to it "
                "(--resume, or RegionsStore(path).writer())"
            )

    def __iter__(self) -> Iterator[tuple[FrameKey, Regions]]:
        for shard in self._shards():
            arrays = _read(shard)
            starts = np.cumsum([0, *arrays["count"].tolist()]).tolist()
            for place, key in enumerate(_keys(arrays)):
                yield key, self._frame(arrays, place, slice(starts[place], starts[place + 1]))

    def __len__(self) -> int:
        return len(self.frame_keys())

    def __repr__(self) -> str:
        return f"<regions {self.path}: {len(self._shards())} shards, tower {self.fingerprint}>"

    def frame_keys(self) -> list[FrameKey]:
        """The frames that are stored, in order; reads no embeddings."""
        return [key for shard in self._shards() for key in _keys(_read(shard, ("source", "index", "seconds")))]

    @contextmanager
    def writer(self) -> Iterator["RegionsWriter"]:
        """Add frames. What was added is written when a shard is full, and at the end, also after an error.

        Raises:
            FileError: where another program is writing to this store.
        """
        with (self.path / _NOTES).open("rb") as held:
            lock(held, self.path)
            writer = RegionsWriter(self)
            try:
                yield writer
            finally:
                writer.flush()

    def _shards(self) -> list[Path]:
        return sorted(self.path.glob("[0-9]*.npz"))

    def _frame(self, arrays: Mapping[str, NDArray[Any]], place: int, rows: slice) -> Regions:
        own = {name: column[place if name in _FRAME_LAYOUT else rows] for name, column in arrays.items()}
        return Regions.of_arrays(own, self.fingerprint)


class RegionsWriter:
    """Adds frames to a store; `RegionsStore.writer` makes one."""

    def __init__(self, store: RegionsStore) -> None:
        self._store = store
        self._known = {key.identity for key in store.frame_keys()}
        self._waiting: list[tuple[FrameKey, Regions]] = []
        shards = store._shards()
        self._next = int(shards[-1].stem) + 1 if shards else 0

    def __contains__(self, key: FrameKey) -> bool:
        return key.identity in self._known

    def add(self, key: FrameKey, regions: Regions) -> None:
        """Add one frame.

        Raises:
            BoxError: for a frame that is stored already, or a column that holds Python objects.
            FingerprintError: for regions of another tower.
            FileError: where a full shard cannot be written.
        """
        if key in self:
            raise BoxError(f"regions {self._store.path}: frame {key.index} of {key.source} is stored already")
        if regions.fingerprint != self._store.fingerprint:
            raise FingerprintError(
                f"regions {self._store.path}: expected those of {self._store.fingerprint}, got {regions.fingerprint}; "
                "give each tower a store of its own"
            )
        for name, column in regions.data.items():
            plain_column(name, np.asarray(column))  # refused here, not when other frames wait beside it
        if self._waiting and _columns(self._waiting[0][1]) != _columns(regions):
            self.flush()  # the frames of a shard have the same columns
        self._known.add(key.identity)
        self._waiting.append((key, regions))
        if len(self._waiting) >= _FRAMES or sum(len(each) for _, each in self._waiting) >= _REGIONS:
            self.flush()

    def flush(self) -> None:
        """Write what waits as a shard of its own."""
        if not self._waiting:
            return
        write_arrays(self._store.path / f"{self._next:06}.npz", _packed(self._waiting))
        self._next += 1
        self._waiting = []


def _packed(frames: list[tuple[FrameKey, Regions]]) -> dict[str, NDArray[Any]]:
    keys, regions = [key for key, _ in frames], [each for _, each in frames]
    arrays: dict[str, NDArray[Any]] = {
        "source": np.array([key.source for key in keys], dtype=np.str_),
        "index": np.array([key.index for key in keys], np.int64),
        "seconds": np.array([np.nan if key.seconds is None else key.seconds for key in keys], np.float64),
        "frame_size": np.array([each.frame_size for each in regions], np.int64),  # (F, 2)
        "count": np.array([len(each) for each in regions], np.int64),
        "has_objectness": np.array([each.has_objectness for each in regions], bool),
        "given": np.array([each.given for each in regions], bool),
    }
    for name in REGION_COLUMNS:
        arrays[name] = np.concatenate([getattr(each, name) for each in regions])
    if regions[0].tracker_id is not None:
        arrays["tracker_id"] = np.concatenate([np.asarray(each.tracker_id, np.int64) for each in regions])
    for name in regions[0].data:
        arrays[f"{DATA}{name}"] = np.concatenate([plain_column(name, np.asarray(each.data[name])) for each in regions])
    return arrays


def _columns(regions: Regions) -> tuple[Any, ...]:
    """What has to be alike in a shard: the columns, their shapes and kinds, and the width."""
    data = tuple((name, np.asarray(c).dtype.kind, np.shape(c)[1:]) for name, c in regions.data.items())
    return regions.tracker_id is None, regions.embeddings.shape[1:], data


def _keys(arrays: Mapping[str, NDArray[Any]]) -> list[FrameKey]:
    columns = (arrays[name].tolist() for name in ("source", "index", "seconds"))
    return [
        FrameKey(source, index, None if np.isnan(seconds) else seconds)
        for source, index, seconds in zip(*columns, strict=True)
    ]


def _read(shard: Path, names: tuple[str, ...] | None = None) -> dict[str, NDArray[Any]]:
    """Arrays of a shard; `names` for some of them.

    Raises:
        FileError: where they cannot be read, or are not as `_packed` makes them.
    """
    what = f"regions {shard}"
    try:
        arrays = read_arrays(shard, what, names)
        frames = check_layout(arrays, {name: _FRAME_LAYOUT[name] for name in names or _FRAME_LAYOUT}, what)
        if names is None and arrays["count"].sum() != (n := check_regions(arrays, what)):
            raise FileError(f"{what}: count: expected {n} regions in {frames['F']} frames, got {arrays['count']}")
    except FileError as error:
        raise FileError(f"{error}; remove this file and index its frames again") from error
    return arrays
