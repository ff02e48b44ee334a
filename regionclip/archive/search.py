"""The things of an archive that fit words, a picture, or both.

Up to a number of rows all regions are scored. Where there is an index it finds those that are nearest to the phrases
and the picture by cosine, and these are then scored in the same way.

Letters: N regions of a batch, C labels, M candidates of a label, best first.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from regionclip.archive.asking import Asking, Query
from regionclip.archive.rows import SIDES, FrameKey, key_of
from regionclip.archive.store import Archive, told
from regionclip.archive.things import OF_THINGS, Things
from regionclip.detector import Detector
from regionclip.errors import ConfigError

_CANDIDATES = 1000
"""Regions a label that are grouped to things at first; more where these make too few things."""

_PROBES = 40
"""Parts of the index that are looked at for each phrase."""

_KEY = ("source", "index", "seconds", "utc_seconds", "camera")
_FITS = np.dtype([("row", np.int64), ("score", np.float32), ("confidence", np.float32), ("phrase", np.int64)])
"""What is known of a candidate: its row id, and the place of the phrase that matched best."""


class Sight(NamedTuple):
    """A thing on one frame: the frame, and x1 y1 x2 y2 in its pixels, clipped to it."""

    key: FrameKey
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Hit:
    """One thing that fits a label, told by the region of it that fits best.

    Attributes:
        label: name of the label; empty for a picture alone.
        prompt: the phrase that matched best; empty for a picture alone.
        score: 0..1.
        confidence: 0..1, by which hits are ranked: the score, weighed with objectness where that counts.
        best: where it fits best.
        region: index of that region in its frame.
        track: number of its track in the source, or None.
        sights: all that is known of it among what fits, in order of time.
        thumbnail: JPEG file, or None where there is none.
    """

    label: str
    prompt: str
    score: float
    confidence: float
    best: Sight
    region: int
    track: int | None
    sights: tuple[Sight, ...]
    thumbnail: bytes | None = field(repr=False)


def search(archive: Archive, detector: Detector, query: Query) -> list[Hit]:
    """The best things of each label, label by label, best first; of equals the one that was stored first.

    Raises:
        ConfigError: for a `top` below 1, or where there is neither a word nor a picture.
        FingerprintError: where another tower made the embeddings.
    """
    detector.scorer.check_fingerprint(archive.fingerprint, f"archive {archive.path}")
    if query.top < 1:
        raise ConfigError(f"search: expected top of at least 1, got {query.top}")
    archive.refresh()
    asking, exact = Asking(archive, detector, query), query.exact or not archive.indexed
    size = max(_CANDIDATES, 10 * query.top)
    while True:
        best = _best(archive, asking, size, exact=exact)
        hits = [_hits(archive, asking, place, fits) for place, fits in enumerate(best)]
        if all(len(found) == query.top or len(fits) < size for found, fits in zip(hits, best, strict=True)):
            return [hit for found in hits for hit in found]
        size *= 8  # things that were seen often have filled the list


def _best(archive: Archive, asking: Asking, size: int, *, exact: bool) -> list[NDArray[np.void]]:
    """Of each label the `size` regions that fit best, `(M,)` of `_FITS` each."""
    best = [np.zeros(0, _FITS)] * len(asking.names)
    for batch in archive.scan(asking.columns, asking.query.where) if exact else _near(archive, asking, size):
        judged = asking.judge(batch)  # (N, C) each
        for place in range(len(best)):
            new = np.zeros(batch.num_rows, _FITS)
            new["row"] = batch["_rowid"].to_numpy()
            for name, column in judged.items():
                new[name] = column[:, place]
            both = np.concatenate([best[place], new[new["confidence"] >= asking.query.threshold]])
            best[place] = both[np.argsort(-both["confidence"], kind="stable")[:size]]
    return best


def _near(archive: Archive, asking: Asking, size: int) -> Iterator[pa.RecordBatch]:
    """The `size` regions that are nearest to each phrase and the picture, by the index."""
    seen = np.zeros(0, np.int64)
    for vector in asking.vectors:
        with told(archive.path):
            query: Any = archive.table.search(vector)  # typed as one of words
            near = query.distance_type("l2").nprobes(_PROBES).where(asking.query.where)
            rows = near.select([*asking.columns, "_distance"]).with_row_id(True).limit(size).to_arrow()
        new = rows.filter(pa.array(~np.isin(rows["_rowid"].to_numpy(), seen)))
        seen = np.concatenate([seen, new["_rowid"].to_numpy()])
        yield from new.combine_chunks().to_batches()


def _hits(archive: Archive, asking: Asking, place: int, fits: NDArray[np.void]) -> list[Hit]:
    """The best things among the candidates `(M,)` of a label."""
    if not len(fits):
        return []
    rows = _taken(archive, fits["row"], tuple(dict.fromkeys((*_KEY, *OF_THINGS, "region", "height", "width"))))
    things = Things(rows, iou=asking.iou, usual=asking.usual, every=int(archive.settings.get("every", 1)))
    chosen = list(islice(things, asking.query.top))  # (m,) each
    pictures = _taken(archive, fits["row"][[each[0] for each in chosen]], ("thumbnail",))["thumbnail"].to_pylist()
    known = rows.drop(["embedding"]).to_pylist()
    hits = []
    for sights, picture in zip(chosen, pictures, strict=True):
        row, fit = known[sights[0]], fits[sights[0]]
        tracks = (known[sight]["track"] for sight in sights)
        order = np.argsort([known[sight]["index"] for sight in sights])
        hits.append(Hit(
            label=asking.names[place],
            prompt=str(asking.phrases[fit["phrase"]]),
            score=float(fit["score"]),
            confidence=float(fit["confidence"]),
            best=_sight(row),
            region=row["region"],
            track=next(filter(lambda track: track is not None and track >= 0, tracks), None),
            sights=tuple(_sight(known[sight]) for sight in sights[order]),
            thumbnail=picture,
        ))  # fmt: skip
    return hits


def _sight(row: Mapping[str, Any]) -> Sight:
    x1, y1, x2, y2 = np.clip([row[side] for side in SIDES], 0, [row["width"], row["height"]] * 2).tolist()
    return Sight(key_of(row), (x1, y1, x2, y2))


def _taken(archive: Archive, ids: NDArray[np.int64], columns: Sequence[str]) -> pa.Table:
    """Columns of rows, in the order of their ids."""
    with told(archive.path):
        rows = archive.table.take_row_ids(ids.tolist()).select(list(columns)).with_row_id().to_arrow()
    place = {row: number for number, row in enumerate(rows["_rowid"].to_pylist())}
    return rows.take([place[row] for row in ids.tolist()])
