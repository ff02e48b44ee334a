"""Archive: regions of many frames in a LanceDB table, to be asked with any words later, in bounded memory.

What is added goes in as one version of the table: a crash loses what was not added yet, and nothing else.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from regionclip.answers.regions import Regions
from regionclip.archive.thumbnails import thumbnails
from regionclip.errors import BoxError, ConfigError, FileError, FingerprintError, RegionclipError
from regionclip.formats.growing import lock
from regionclip.frames import Frame, FrameLike
from regionclip.towers.card import TowerCard

try:
    import lancedb
    import pyarrow as pa
    from lancedb.index import IvfPq

    from regionclip.archive.rows import HEAD, FileNote, frames_of, note_row, rows_of, schema
    from regionclip.archive.rows import FrameKey as FrameKey
except ImportError as error:
    raise ConfigError(f'archives need the package lancedb ({error}): pip install "regionclip[archive]"') from error

if TYPE_CHECKING:
    from regionclip.archive.search import Hit
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Words

_FORMAT, _TABLE = 1, "regions"
_FRAMES, _REGIONS = 64, 4096
"""Frames and regions from which on a batch is written."""

EXACT = 200_000
"""Rows up to which a search compares all; `Archive.finish` makes an index of more (docs/search.md)."""

_READING = timedelta(hours=1)
"""For how long old versions stay for searches that read them."""


class Archive:
    """Regions of many frames. Iterating gives `(FrameKey, Regions)` in stored order, a batch in memory at a time.

    Args:
        path: a folder that `create` made.

    Raises:
        FileError: where there is no such archive, or it is damaged.

    Attributes:
        path: the folder.
        fingerprint: revision of the tower that made the embeddings.
        settings: what else decides which regions there are, as noted when the archive was created.
        table: of LanceDB, as it was when it was opened; `refresh` looks again.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.is_at(self.path):
            raise FileError(f"archive {path}: expected a folder that `regionclip index` or Archive.create made")
        with told(self.path):
            self.table = lancedb.connect(self.path).open_table(_TABLE)
            columns = self.table.schema
            head = json.loads((columns.metadata or {})[HEAD])
            if head["format"] != _FORMAT:
                raise FileError(
                    f"archive {path}: expected format {_FORMAT}, got {head['format']}; index its files again"
                )
            if not columns.equals(schema(columns.field("embedding").type.list_size, head)):
                raise FileError(f"archive {path}: expected the columns of docs/formats.md, got {columns.names}")
            self.fingerprint: str = head["fingerprint"]
            self.settings: Mapping[str, Any] = head["settings"]

    @classmethod
    def create(cls, path: str | Path, card: TowerCard, settings: Mapping[str, Any] | None = None) -> Self:
        """Make an empty archive for the regions of one tower.

        Raises:
            ConfigError: where there is something of that name, but for an empty folder.
            FileError: where it cannot be made.
        """
        path = Path(path)
        cls.check_free(path)
        head = {"format": _FORMAT, "fingerprint": card.revision, "settings": dict(settings or {})}
        left = (path / f"{_TABLE}.lance").exists()  # by a crash
        with told(path):
            lancedb.connect(path).create_table(
                _TABLE, schema=schema(card.width, head), mode="overwrite" if left else "create"
            )
        return cls(path)

    @staticmethod
    def is_at(path: Path) -> bool:
        """Whether there is an archive, whole or damaged."""
        return any(path.glob(f"{_TABLE}.lance/_versions/*"))

    @classmethod
    def check_free(cls, path: Path) -> None:
        """Make sure that an archive can be made there.

        Raises:
            ConfigError: where there is something of that name, but for an empty folder.
        """
        own = {f"{_TABLE}.lance", "lock"}
        if cls.is_at(path) or (path.exists() and (not path.is_dir() or {each.name for each in path.iterdir()} - own)):
            raise ConfigError(f"archive {path}: expected a name that is free, got one that exists; take another name")

    def __len__(self) -> int:
        """Regions."""
        with told(self.path):
            return int(self.table.count_rows("region >= 0"))

    def __repr__(self) -> str:
        return f"<archive {self.path}: {len(self)} regions, tower {self.fingerprint}>"

    def __iter__(self) -> Iterator[tuple[FrameKey, Regions]]:
        columns = [name for name in self.table.schema.names if name not in ("thumbnail", "note")]
        return frames_of(self.scan(columns, "note IS NULL"), self.fingerprint)

    def scan(self, columns: Sequence[str], where: str) -> Iterator[pa.RecordBatch]:
        """Columns of the rows that fit an SQL condition, in stored order, with `_rowid`; no batch is empty."""
        with told(self.path):
            found = self.table.search().where(where).select(list(columns)).with_row_id(True)
            for batch in found.to_batches(batch_size=8192):
                if batch.num_rows:
                    yield batch.select([*columns, "_rowid"])

    def files(self) -> dict[str, FileNote]:
        """The latest note of each indexed file, by digest."""
        texts = (text for batch in self.scan(["note"], "note IS NOT NULL") for text in batch["note"].to_pylist())
        notes = (FileNote(**json.loads(text)) for text in texts)
        return {note.digest: note for note in notes}

    @contextmanager
    def writer(self) -> Iterator["ArchiveWriter"]:
        """Add frames. They are written when a batch is full, and at the end, also after an error.

        Raises:
            FileError: where another program is writing to this archive.
        """
        with (self.path / "lock").open("wb") as held:
            lock(held, self.path)
            self.refresh()
            writer = ArchiveWriter(self)
            try:
                yield writer
            finally:
                writer.flush()

    def refresh(self) -> None:
        """See what others have added since this archive was opened."""
        with told(self.path):
            self.table.checkout_latest()

    @property
    def indexed(self) -> bool:
        """Whether there is an index of the embeddings, by which a search looks at a part of the rows only."""
        with told(self.path):
            return bool(self.table.list_indices())

    def finish(self, exact: int = EXACT) -> None:
        """Put small batches together; of more than `exact` rows make the index, or take new rows into it."""
        with told(self.path):
            self.table.optimize(cleanup_older_than=_READING)
            if not self.indexed and self.table.count_rows() > exact:
                width = self.table.schema.field("embedding").type.list_size
                # The embeddings are of unit length: by distance they are in the order of their cosines. Sample and
                # iterations are below what is usual, to make an index in minutes; docs/search.md has its recall.
                parts = max(width // 8, 1)
                config = IvfPq(distance_type="l2", num_sub_vectors=parts, sample_rate=64, max_iterations=15)
                self.table.create_index("embedding", config=config)

    def search(  # noqa: PLR0913 - each narrows what is asked
        self,
        detector: "Detector",
        words: "Words" = (),
        *,
        like: FrameLike | None = None,
        without: "Words" = (),
        camera: str | None = None,
        since: float | datetime | None = None,
        until: float | datetime | None = None,
        top: int = 10,
        threshold: float = 0.0,
        exact: bool = False,
    ) -> "list[Hit]":
        """The things that fit best, label by label, best first (`regionclip.archive.asking.Query`).

        Raises:
            ConfigError: for a `top` below 1, or where there is neither a word nor a picture.
            FingerprintError: where another tower made the embeddings.
        """
        from regionclip.archive.asking import Query
        from regionclip.archive.search import search

        query = Query(words, like, without, camera, since, until, top, threshold, exact)
        return search(self, detector, query)


class ArchiveWriter:
    """Adds frames to an archive; `Archive.writer` makes one.

    Attributes:
        columns: of the archive, as `rows_of` takes them.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive, self.columns = archive, archive.table.schema
        self._known: dict[str, set[int]] = {}
        self._files = archive.files()
        self._named = {note.source: note for note in self._files.values()}
        self._waiting: list[pa.Table] = []
        self._notes: dict[str, FileNote] = {}

    def __contains__(self, key: FrameKey) -> bool:
        if key.source not in self._known:
            mine = f"source = {quoted(key.source)} AND region <= 0 AND note IS NULL"
            stored = self._archive.scan(["index"], mine)
            self._known[key.source] = {index for batch in stored for index in batch["index"].to_pylist()}
        return key.index in self._known[key.source]

    def add(self, key: FrameKey, regions: Regions, image: Frame | None = None) -> None:
        """Add one frame.

        Args:
            key: of the frame.
            regions: N of them.
            image: `(H, W, 3)`, of which thumbnails are kept.

        Raises:
            BoxError: for a frame that is stored already, or a column that holds Python objects.
            FingerprintError: for regions of another tower.
            FileError: where a full batch cannot be written.
        """
        what = f"archive {self._archive.path}"
        if key in self:
            raise BoxError(f"{what}: frame {key.index} of {key.source} is stored already")
        if regions.fingerprint != self._archive.fingerprint:
            raise FingerprintError(
                f"{what}: expected regions of {self._archive.fingerprint}, got {regions.fingerprint}; "
                "give each tower an archive of its own"
            )
        pictures = None if image is None else thumbnails(image, regions.xyxy, regions.valid)
        self.append(rows_of(self.columns, key, regions, pictures))
        self._known[key.source].add(key.index)

    def append(self, rows: pa.Table, note: FileNote | None = None) -> None:
        """Add rows that `rows_of` made, and with them, in one piece, what is known of their file after them.

        Whether they are stored already is not looked up: of files the notes tell.
        """
        self._waiting.append(rows)
        if note is not None:
            self._notes[note.digest] = note
        if len(self._waiting) >= _FRAMES or sum(each.num_rows for each in self._waiting) >= _REGIONS:
            self.flush()

    def note(self, note: FileNote) -> None:
        """Keep what is known of a file, with the next batch."""
        self._notes[note.digest] = note

    def clear(self, note: FileNote) -> None:
        """Make room for a file: remove what is there of an earlier content of it, and of it under another name."""
        kept = note.source if note.next else ""
        earlier = self._files.get(note.digest), self._named.get(note.source)
        for source in {old.source for old in earlier if old is not None} - {kept}:
            self.flush()
            with told(self._archive.path):
                self._archive.table.delete(f"source = {quoted(source)}")

    def flush(self) -> None:
        """Write what waits."""
        rows = [*self._waiting, *(note_row(self.columns, note) for note in self._notes.values())]
        self._waiting, self._notes = [], {}
        if rows:
            with told(self._archive.path):
                self._archive.table.add(pa.concat_tables(rows))


def quoted(text: str) -> str:
    """Text in an SQL condition."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Turn what LanceDB raises into a FileError of one line that names the archive."""
    try:
        yield
    except RegionclipError:
        raise
    except Exception as error:  # LanceDB lets out a dozen kinds, and panics of Rust where a file is damaged
        reason = re.split(r", /\w+/", str(error).partition("\n")[0])[0]  # without places in its own code
        raise FileError(f"archive {path}: {reason}; if a file of it is damaged, index its sources again") from error
