"""Detector: frame and words in, labelled regions out."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores, classify
from heads.pool import clip_to_frame
from heads.select import Rules, select
from proposals.base import Proposer
from regionclip.config import Config
from regionclip.detections import Found, detections
from regionclip.errors import ConfigError, FingerprintError, FrameError
from regionclip.frames import FrameLike, to_frame
from regionclip.regions import Boxes, Regions
from regionclip.towers.base import ImageFeatures, Target, Tower
from regionclip.vocabulary import Vocabulary, Words
from regionclip.wording import Wording

BATCH = 8
"""Most frames of one tower pass; more cost memory and gain little."""


class Detector:
    """A tower, a proposer and the rules between them. Words are an argument of each call; nothing here changes.

    Make one with `regionclip.load`.

    Args:
        tower: encodes frames and phrases.
        proposer: finds boxes where the caller gives none.
        config: thresholds, NMS, how scores are weighed.
    """

    def __init__(self, tower: Tower, proposer: Proposer, config: Config | None = None) -> None:
        self.tower = tower
        self.proposer = proposer
        self.config = config or Config()
        self.timings: dict[str, float] = {}
        """Milliseconds of each stage of the latest call."""
        self._wording = Wording(tower, tower.card.negatives if self.config.bank else ())

    def __call__(self, frame: FrameLike | ImageFeatures, words: Words, boxes: Boxes | None = None) -> sv.Detections:
        """Label the regions of one frame.

        Args:
            frame: a `(H, W, 3)` uint8 BGR array, a PIL image, a path, or features of an earlier call.
            words: labels in English, Chinese or both (`Vocabulary`).
            boxes: `(N, 4)` xyxy in frame pixels, or the detections of another detector; None asks the proposer.

        Returns:
            One row for each kept (region, label); see `regionclip.detections.detections` for its columns.

        Raises:
            FrameError, BoxError, PromptError, ImageFileError: where frame, boxes or words cannot be used.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        return self._classified(self._regions(self.features(frame), boxes), vocabulary)

    def batch(
        self, frames: Sequence[FrameLike], words: Words, boxes: Sequence[Boxes] | None = None
    ) -> list[sv.Detections]:
        """Label the regions of several frames, encoded together; `boxes` holds one entry a frame.

        Raises:
            ConfigError: where the proposer remembers earlier frames and so belongs to one source.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        if boxes is None and self.proposer.has_memory:
            raise ConfigError("batch: this proposer remembers earlier frames; give each source a detector of its own")
        if boxes is not None and len(boxes) != len(frames):
            raise FrameError(f"batch: expected one set of boxes a frame, got {len(boxes)} for {len(frames)} frames")
        given = boxes if boxes is not None else [None] * len(frames)
        results = []
        for start in range(0, len(frames), BATCH):
            features = self.tower.encode_image([to_frame(frame) for frame in frames[start : start + BATCH]])
            for each, own in zip(features, given[start : start + BATCH], strict=True):
                results.append(self._classified(self._regions(each, own), vocabulary))
        return results

    def features(self, frame: FrameLike | ImageFeatures) -> ImageFeatures:
        """What the tower knows of a frame, computed on first use; give it in place of the frame to save the pass.

        Raises:
            FingerprintError: for features of another tower.
        """
        if isinstance(frame, ImageFeatures):
            self._check_fingerprint(frame.card.revision, "features")
            return frame
        return self.tower.encode_image([to_frame(frame)])[0]

    def regions(self, frame: FrameLike | ImageFeatures, boxes: Boxes | None = None) -> Regions:
        """Boxes and their embeddings, to be kept and asked with any words; `boxes` as in a call."""
        self.timings = {}
        return self._regions(self.features(frame), boxes)

    def classify(self, regions: Regions, words: Words) -> sv.Detections:
        """Label regions of an earlier pass: the price of a matrix product.

        Raises:
            FingerprintError: where another tower or revision made them.
        """
        self.timings = {}
        return self._classified(regions, Vocabulary.of(words))

    def scores(self, regions: Regions, words: Words) -> NDArray[np.float32]:
        """Scores `(N, C)` in 0..1 of every region and label, nothing thresholded; zeros for invalid boxes."""
        self.timings = {}
        values = self._scores(regions, Vocabulary.of(words)).values.numpy()  # (N, C)
        return np.where(regions.valid[:, None], values, np.float32(0))

    def thresholds(self, words: Words) -> NDArray[np.float64]:
        """Least confidence of each label, `(C,)`: its own, else the vocabulary's, the config's, the tower's."""
        vocabulary = Vocabulary.of(words)
        levels = (vocabulary.threshold, self.config.threshold, self.tower.card.threshold)
        fallback = next(level for level in levels if level is not None)
        return np.array([fallback if label.threshold is None else label.threshold for label in vocabulary], float)

    def classify_image(self, frame: FrameLike | ImageFeatures, words: Words) -> sv.Classifications:
        """Whole-image zero-shot classification: `class_id` and `confidence` `(C,)` in 0..1, best label first.

        Uses the tower's whole-image embedding and the text head that belongs to it.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        features = self.features(frame)
        with self._timed("pool", features):
            embedding = features.embedding[None]  # (1, D)
        values = self._weigh(embedding, vocabulary, "image").values[0].numpy()  # (C,)
        order = np.argsort(-values, kind="stable")
        return sv.Classifications(class_id=order, confidence=values[order])

    def embed_texts(self, texts: Sequence[str], target: Target = "image") -> NDArray[np.float32]:
        """Unit-length embeddings `(P, D)` of texts, to be compared with whole images or, on request, with regions."""
        return self._wording.encode([texts] if isinstance(texts, str) else list(texts), target).numpy()

    def embed_image(self, frame: FrameLike | ImageFeatures) -> NDArray[np.float32]:
        """Unit-length embedding `(D,)` of the whole frame."""
        return self.features(frame).embedding.numpy().copy()

    def _regions(self, features: ImageFeatures, boxes: Boxes | None) -> Regions:
        if boxes is not None:
            with self._timed("pool", features):
                return Regions.pool(features, boxes)
        with self._timed("propose", features):
            proposals = self.proposer(features.frame, features)
        with self._timed("pool", features):
            return Regions.pool(features, proposals, has_objectness=self.proposer.has_objectness, given=False)

    def _classified(self, regions: Regions, vocabulary: Vocabulary) -> sv.Detections:
        scores = self._scores(regions, vocabulary)
        thresholds = self.thresholds(vocabulary)
        with self._timed("select"):
            inside, _ = clip_to_frame(torch.from_numpy(regions.xyxy), regions.frame_size)  # (N, 4)
            rows = select(
                inside,
                scores.values,
                self._rules(regions),
                thresholds=torch.from_numpy(thresholds),
                groups=_groups(vocabulary),
                objectness=torch.from_numpy(regions.objectness),
                valid=torch.from_numpy(regions.valid),
            )
        found = Found(inside.numpy(), rows, scores, thresholds)
        return detections(regions, found, vocabulary, self.tower.card)

    def _scores(self, regions: Regions, vocabulary: Vocabulary) -> Scores:
        self._check_fingerprint(regions.fingerprint, "regions")
        return self._weigh(torch.from_numpy(regions.embeddings), vocabulary, "region")

    def _weigh(self, embeddings: torch.Tensor, vocabulary: Vocabulary, target: Target) -> Scores:
        with self._timed("words"):
            words = self._wording.words(vocabulary, target, closed=self.config.mode == "closed")
        score = self.tower.card.score(target)
        with self._timed("classify"):
            return classify(embeddings, words, scale=score.scale, bias=score.bias, mode=self.config.mode)

    def _rules(self, regions: Regions) -> Rules:
        nms = self.config.nms
        if nms == "auto":
            # Agnostic suppression would take a region's own further labels away.
            nms = "none" if regions.given else "agnostic" if self.config.labels_per_region == 1 else "class"
        return Rules(
            nms=nms,
            iou=self.config.nms_iou,
            top_k=self.config.labels_per_region or None,
            max_detections=self.config.max_detections,
            weight=self.config.objectness_weight if regions.has_objectness else 0.0,
            unknown=self.config.unknown,
        )

    def _check_fingerprint(self, fingerprint: str, what: str) -> None:
        if fingerprint != self.tower.card.revision:
            raise FingerprintError(
                f"{what}: expected those of {self.tower.card.name} {self.tower.card.revision}, got {fingerprint}: "
                "embeddings of different towers cannot be compared; make them again with this detector"
            )

    @contextmanager
    def _timed(self, stage: str, features: ImageFeatures | None = None) -> Iterator[None]:
        """Book the time under `stage`, but that of the tower, which runs when it is first asked, under `encode`."""
        start, before = time.perf_counter(), features.milliseconds if features else 0.0
        yield
        encode = features.milliseconds - before if features else 0.0
        spent = (time.perf_counter() - start) * 1000
        for name, milliseconds in (("encode", encode), (stage, spent - encode)):
            if milliseconds or name == stage:
                self.timings[name] = self.timings.get(name, 0.0) + milliseconds


def _groups(vocabulary: Vocabulary) -> torch.Tensor:
    """Number of each label's exclusive group, `(C,)`; -1 for none."""
    names = {name: index for index, name in enumerate(dict.fromkeys(label.group for label in vocabulary))}
    return torch.tensor([-1 if label.group is None else names[label.group] for label in vocabulary], dtype=torch.long)
