"""Rows of an archive: one for each region of a frame, from which the frame's `Regions` come back bit for bit.

A row without a region (`region` is -1) stands for a frame that has none, or keeps a `FileNote`.

Letters: N regions, D channels.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regionclip.answers.regions import Regions, plain_column

HEAD = b"regionclip"
"""Key of the table's metadata under which stands what made its regions, as JSON."""


@dataclass(frozen=True, slots=True)
class FrameKey:
    """Which frame: `source` and `index` tell it from all others.

    Attributes:
        source: path of the picture or video, or any name.
        index: of the frame in its source, from 0.
        seconds: its time in the source, or None where there is none.
        utc_seconds: when it was taken, seconds since 1970 UTC, or None where nobody knows.
        camera: that took it; many sources may be of one.
    """

    source: str
    index: int = 0
    seconds: float | None = None
    utc_seconds: float | None = None
    camera: str = ""


@dataclass(frozen=True, slots=True)
class FileNote:
    """What is known of an indexed file; a later one of the same digest takes its place.

    Attributes:
        source: its path.
        digest: sha256 of its content.
        stamp: its size and time of change, by which it is known again without being read.
        next: index of the first frame that was not looked at.
        tracks: numbers that tracks have so far.
        done: whether there is nothing left to do.
        error: why it cannot be read; empty where it can.
    """

    source: str
    digest: str
    stamp: str
    next: int = 0
    tracks: int = 0
    done: bool = False
    error: str = ""


SIDES = ("x1", "y1", "x2", "y2")
"""Columns of the box, in pixels of the frame, as they were given: not clipped, perhaps not finite."""

_OF_FRAME = (*(field.name for field in fields(FrameKey)), "height", "width", "has_objectness", "given")


def schema(width: int, head: Mapping[str, Any]) -> pa.Schema:
    """The columns of an archive of D = `width` channels (docs/formats.md)."""
    text, whole, real, single = pa.string(), pa.int64(), pa.float64(), pa.float32()
    kinds = {
        "source": text, "index": whole, "seconds": real, "utc_seconds": real, "camera": text,
        "height": whole, "width": whole, "has_objectness": pa.bool_(), "given": pa.bool_(),
        "region": whole, **dict.fromkeys(SIDES, single), "objectness": single, "valid": pa.bool_(), "track": whole,
        "data": text, "thumbnail": pa.binary(), "embedding": pa.list_(single, width), "note": text,
    }  # fmt: skip
    return pa.schema(list(kinds.items()), metadata={HEAD: json.dumps(head, ensure_ascii=False).encode()})


def rows_of(
    columns: pa.Schema, key: FrameKey, regions: Regions, thumbnails: Sequence[bytes | None] | None = None
) -> pa.Table:
    """The rows of one frame. Nothing is written: frames may be looked at in one place and stored in another.

    Args:
        columns: of the archive.
        key: of the frame.
        regions: N of them.
        thumbnails: N JPEG files, or None.

    Raises:
        BoxError: where one of the caller's columns holds Python objects.
    """
    n = len(regions)
    height, width = regions.frame_size
    frame = {"height": height, "width": width, "has_objectness": regions.has_objectness, "given": regions.given}
    own: dict[str, Any] = {"region": [-1]} if not n else {
        "region": np.arange(n),
        **dict(zip(SIDES, regions.xyxy.T, strict=True)),
        "objectness": regions.objectness,
        "valid": regions.valid,
        "data": _caller_rows(regions),
        "embedding": pa.FixedSizeListArray.from_arrays(regions.embeddings.reshape(-1), regions.embeddings.shape[1]),
        **({} if thumbnails is None else {"thumbnail": list(thumbnails)}),
        **({} if regions.tracker_id is None else {"track": regions.tracker_id}),
    }  # fmt: skip
    return _table(columns, {name: [value] * max(n, 1) for name, value in (asdict(key) | frame).items()} | own)


def note_row(columns: pa.Schema, note: FileNote) -> pa.Table:
    """The row that keeps a note."""
    text = json.dumps(asdict(note), ensure_ascii=False)
    return _table(columns, {"source": [note.source], "region": [-1], "note": [text]})


def frames_of(batches: Iterable[pa.RecordBatch], fingerprint: str) -> Iterator[tuple[FrameKey, Regions]]:
    """Frames of rows in stored order; a batch may end in the middle of a frame."""
    kept: list[pa.RecordBatch] = []
    for batch in batches:
        rows = pa.Table.from_batches([*kept, batch])
        first = np.flatnonzero(rows["region"].to_numpy() <= 0).tolist()  # where frames begin
        for start, end in pairwise(first):
            yield _frame(rows.slice(start, end - start), fingerprint)
        kept = rows.slice(first[-1]).to_batches()
    if kept:
        yield _frame(pa.Table.from_batches(kept), fingerprint)


def boxes_of(rows: pa.Table) -> NDArray[np.float32]:
    """`(N, 4)` xyxy."""
    return np.stack([numbers(rows[side]) for side in SIDES], axis=1)


def vectors(column: pa.Array | pa.ChunkedArray) -> NDArray[np.float32]:
    """`(N, D)` of a column of vectors."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return numbers(whole.flatten()).reshape(-1, whole.type.list_size)


def numbers(column: pa.Array | pa.ChunkedArray) -> NDArray[Any]:
    """`(N,)` of a column, a copy: torch warns of memory that must not be written to."""
    return np.array(column.to_numpy(zero_copy_only=False))


def key_of(row: Mapping[str, Any]) -> FrameKey:
    """The key of a row's frame."""
    return FrameKey(**{field.name: row[field.name] for field in fields(FrameKey)})


def _frame(rows: pa.Table, fingerprint: str) -> tuple[FrameKey, Regions]:
    first = rows.select(_OF_FRAME).slice(0, 1).to_pylist()[0]
    rows = rows if rows["region"][0].as_py() >= 0 else rows.slice(0, 0)
    texts = rows["data"].to_pylist()
    data = [] if None in texts else [json.loads(text) for text in texts]
    regions = Regions(
        xyxy=boxes_of(rows),
        objectness=numbers(rows["objectness"]),
        embeddings=vectors(rows["embedding"]),
        valid=numbers(rows["valid"]),
        frame_size=(first["height"], first["width"]),
        fingerprint=fingerprint,
        has_objectness=first["has_objectness"],
        given=first["given"],
        tracker_id=numbers(rows["track"]) if len(rows) and not rows["track"].null_count else None,
        data={name: np.array([each[name] for each in data]) for name in (data[0] if data else ())},
    )
    return key_of(first), regions


def _table(columns: pa.Schema, given: Mapping[str, Any]) -> pa.Table:
    """Those columns, null where nothing is given."""
    n = len(given["region"])
    arrays = [
        pa.array(given[field.name], field.type) if field.name in given else pa.nulls(n, field.type) for field in columns
    ]
    return pa.table(arrays, schema=columns)


def _caller_rows(regions: Regions) -> list[str | None]:
    """The caller's columns, a JSON object a region."""
    columns = {name: plain_column(name, np.asarray(column)).tolist() for name, column in regions.data.items()}
    if not columns:
        return [None] * len(regions)
    rows = ({name: column[row] for name, column in columns.items()} for row in range(len(regions)))
    return [json.dumps(row, ensure_ascii=False) for row in rows]
