"""A query, and what regions get for it.

Every region gets what asking at once gives it, the score of `Detector.scores`, made stricter by what else is asked:

    score = s(words) * likeness(picture) * (1 - s(without))
    likeness = (cosine - usual) / (1 - usual), 0 at least

`s` is weighed against the tower's background. `usual` is the mean cosine of the picture with regions of the archive:
so 0 is as like as any region, 1 the same. What is not asked for is left out. The confidence is
`score^(1-a) * objectness^a`, as everywhere.

Letters: N regions of a batch, C labels, D channels, n regions of a sample.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray

from heads.select import confidences
from regionclip.answers.regions import Regions
from regionclip.archive.rows import numbers, vectors
from regionclip.archive.store import Archive, quoted, told
from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.frames import FrameLike
from regionclip.words.vocabulary import Vocabulary, Words

_SAMPLE = 1000
"""Regions by which the usual cosines are known."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is asked for.

    Attributes:
        words: labels, asked one by one: none takes a region from another. Attributes (labels with `of`) are left out.
        like: a picture of one thing. With words both must fit; alone it is a label without a name.
        without: words that must not fit.
        camera: whose frames are looked at, or the name of a source.
        since: seconds in the source, or a moment; frames without such a time are left out.
        until: likewise.
        top: most things a label.
        threshold: least confidence, 0..1; the labels' own thresholds do not matter.
        exact: whether all regions are scored even where there is an index.
    """

    words: Words = ()
    like: FrameLike | None = None
    without: Words = ()
    camera: str | None = None
    since: float | datetime | None = None
    until: float | datetime | None = None
    top: int = 10
    threshold: float = 0.0
    exact: bool = False

    @property
    def where(self) -> str:
        """The SQL condition of rows that may be found."""
        terms = ["valid"]
        if self.camera is not None:
            terms.append(f"(camera = {quoted(self.camera)} OR source = {quoted(self.camera)})")
        for sign, time in ((">=", self.since), ("<=", self.until)):
            if isinstance(time, datetime):
                terms.append(f"utc_seconds {sign} {time.timestamp()!r}")
            elif time is not None:
                terms.append(f"seconds {sign} {float(time)!r}")
        return " AND ".join(terms)


class Asking:
    """A query as a tower reads it, of an archive.

    Attributes:
        query: what is asked for.
        columns: of a row, needed to judge it.
        names: of the C labels.
        phrases: of all labels, and an empty one at the end.
        iou: overlap from which proposals of a frame are one thing, 0..1.
        usual: mean cosine, -1..1, of any two regions of the archive.

    Raises:
        ConfigError: where there is neither a word nor a picture.
    """

    columns = ("embedding", "objectness", "has_objectness")

    def __init__(self, archive: Archive, detector: Detector, query: Query) -> None:
        self.query, self._scorer, config = query, detector.scorer, detector.config
        self.iou, self._weight = config.nms_iou, config.objectness_weight or 0.0  # a detector's config has one
        words, without = Vocabulary.of(query.words), Vocabulary.of(query.without)
        if not words.plain and query.like is None:
            raise ConfigError("search: expected words, a picture, or both, got neither")
        self._words, self._without = self._scorer.ask(words), self._scorer.ask(without)
        self.names = [words.names[place] for place in words.plain] or [""]
        self.phrases = self._words.phrases
        sample = _sample(archive)  # (n, D)
        n, total = len(sample), sample.sum(axis=0)
        self.usual = min((float(total @ total) - n) / (n * n - n), 0.99) if n > 1 else 0.0
        self._like: NDArray[np.float32] | None = None  # (D,)
        if query.like is not None:
            features = detector.features(query.like)
            height, width = features.frame_size
            self._like = detector.regions(features, [[0, 0, width, height]]).embeddings[0]
            self._usual_like = min(float((sample @ self._like).mean()), 0.99) if n else 0.0

    @property
    def vectors(self) -> list[NDArray[np.float32]]:
        """`(D,)` each: what regions that fit are near to."""
        phrases = list(self._words.words.phrases.numpy())
        return phrases if self._like is None else [*phrases, self._like]

    def judge(self, batch: pa.RecordBatch) -> dict[str, NDArray[Any]]:
        """Of N rows `score`, `confidence`, and `phrase`, the place of the one that matched best, `(N, C)` each."""
        regions = self._regions(batch)
        scores = self._scorer.scores(regions, self._words)
        plain = self._words.plain
        values, phrase = scores.values[:, plain], scores.phrase[:, plain]  # (N, C)
        if not len(plain):
            values, phrase = torch.ones(len(regions), 1), torch.full((len(regions), 1), -1)
        if self._like is not None:
            cosine = torch.from_numpy(regions.embeddings @ self._like)  # (N,)
            values = values * ((cosine - self._usual_like) / (1 - self._usual_like)).clamp(0, 1)[:, None]
        if len(self._without.vocabulary):
            values = values * (1 - self._scorer.scores(regions, self._without).values.amax(dim=1, keepdim=True))
        weighed = confidences(values, torch.from_numpy(regions.objectness), self._weight)
        counts = torch.from_numpy(numbers(batch["has_objectness"]))[:, None]  # (N, 1)
        confidence = torch.where(counts, weighed, values)  # (N, C)
        return {"score": values.numpy(), "confidence": confidence.numpy(), "phrase": phrase.numpy()}

    def _regions(self, batch: pa.RecordBatch) -> Regions:
        n = batch.num_rows
        return Regions(
            xyxy=np.zeros((n, 4), np.float32),  # scores depend on embeddings alone
            objectness=numbers(batch["objectness"]),
            embeddings=vectors(batch["embedding"]),
            valid=np.ones(n, np.bool_),
            frame_size=(1, 1),
            fingerprint=self._scorer.card.revision,
            given=False,
        )


def _sample(archive: Archive) -> NDArray[np.float32]:
    """`(n, D)` embeddings from all over the archive, at most `_SAMPLE`."""
    with told(archive.path):
        rows = archive.table.count_rows()
        places = np.unique(np.linspace(0, max(rows - 1, 0), min(rows, _SAMPLE)).astype(int)).tolist()
        taken = archive.table.take_offsets(places).select(["valid", "embedding"]).to_arrow()
    return vectors(taken.filter(taken["valid"])["embedding"])
