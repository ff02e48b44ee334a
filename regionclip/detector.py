"""Detector: frame and words in, labelled regions out."""

import dataclasses
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores, classify, phrase_logits
from heads.pool import clip_to_frame
from heads.select import Rules, select
from proposals.base import Proposer
from regionclip.config import Config
from regionclip.detections import Found, detections
from regionclip.errors import ConfigError, FingerprintError, FrameError, PromptError
from regionclip.frames import FrameLike, to_frame
from regionclip.prototype import Prototype
from regionclip.regions import Boxes, Regions
from regionclip.teaching import Example, Odds, fit, gather
from regionclip.towers.base import ImageFeatures, Target, Tower
from regionclip.vocabulary import Label, Vocabulary, Words, check_phrase
from regionclip.wording import Wording

BATCH = 8
"""Most frames of one tower pass; more cost memory and gain little."""

_SURE = 1 - 1e-6  # a higher score of another label says no more to a class that is taught


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

    def teach(  # noqa: PLR0913 - a label's own fields are named here as in Label
        self,
        words: Words,
        name: str,
        examples: Sequence[Example],
        *,
        negatives: Sequence[Example] = (),
        prompts: Sequence[str] = (),
        weight: float | None = None,
        threshold: float | None = None,
        group: str | None = None,
        replace: bool = False,
    ) -> Vocabulary:
        """Learn a class from examples: a new vocabulary with one more label, which only this tower can use.

        The phrases of the other labels become negatives of the new one. No other label's score changes, bit for bit.
        With fewer than 8 examples the class is their mean, from 8 on a logistic probe (`regionclip.teaching`).

        Args:
            words: the vocabulary to add to; may be empty.
            name: of the new label.
            examples: `(image, box)` pairs, the box `[x1, y1, x2, y2]` in pixels. The rest of each picture is taken for
                other things, so name every thing of the class that a picture shows.
            negatives: `(image, box)` pairs of things it must not be taken for.
            prompts: phrases that mean it as well; their embedding is blended into that of the examples.
            weight: share of the examples in that blend, 0..1; half where it is None.
            threshold: as in `Label`.
            group: as in `Label`.
            replace: whether a label of this name may be taught anew, at its old place.

        Raises:
            PromptError: without examples, for a name that exists, or a weight outside 0..1 or without prompts.
            BoxError: for a box without area inside its picture, or where nothing is left to tell the examples from.
            FingerprintError: where the vocabulary was taught with another tower.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        check_phrase(name, "label name")
        if name in vocabulary.names and not replace:
            raise PromptError(f"teach: the vocabulary has a label {name!r} already; give replace=True to teach it anew")
        text = self._meaning(prompts, weight)
        others = [label for label in vocabulary if label.name != name]
        opposed = [phrase for label in others if label.taught is None for phrase in label.phrases]
        blank = Prototype(bytes(4 * self.tower.card.width), 1.0, 0.0, self.tower.card.revision, 0)
        label = Label(name, (), opposed, threshold, group, blank)
        trial = Vocabulary([*others, label], vocabulary.negatives, vocabulary.threshold)
        self._wording.words(trial, "region")  # refuses what another tower was taught before any picture is encoded
        propose = None if self.proposer.has_memory else lambda features: self.proposer(features.frame, features).xyxy
        evidence = gather(examples, negatives, self.features, propose)
        taught = fit(
            evidence,
            self._odds(evidence.embeddings, trial),
            tower=self.tower.card.revision,
            text=text,
            weight=0.5 if weight is None else weight,
        )
        labels = [dataclasses.replace(label, taught=taught) if each.name == name else each for each in vocabulary]
        if name not in vocabulary.names:
            labels.append(dataclasses.replace(label, taught=taught))
        return Vocabulary(labels, vocabulary.negatives, vocabulary.threshold)

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

    def _meaning(self, prompts: Sequence[str], weight: float | None) -> NDArray[np.float64] | None:
        """Mean embedding `(D,)` of phrases that mean a taught class; None without."""
        if weight is not None and (len(prompts) == 0 or not 0 <= weight <= 1):
            raise PromptError(f"teach: expected a weight in 0..1 of the examples beside prompts, got {weight!r}")
        phrases = Label("taught", prompts).prompts
        mean = self._wording.encode(phrases, "region").numpy().astype(float).sum(axis=0)  # (D,)
        return mean / max(float(np.linalg.norm(mean)), 1e-12) if phrases else None

    def _odds(self, embeddings: NDArray[np.float32], vocabulary: Vocabulary) -> Odds:
        """What the last label has to outdo on each of `(N, D)` embeddings."""
        rows, score = torch.from_numpy(embeddings), self.tower.card.region_score
        words = self._wording.words(vocabulary, "region")
        logits = phrase_logits(rows, words.negatives[words.applies[-1]], scale=score.scale, bias=score.bias)  # (N, q)
        background = torch.full((len(rows), 1), -torch.inf if score.bias is None else 0.0)  # (N, 1)
        against = torch.cat([background, logits], dim=1).double().logsumexp(dim=1)  # (N,)
        scores = classify(rows, words, scale=score.scale, bias=score.bias).values[:, :-1].double()  # (N, C - 1)
        padded = torch.nn.functional.pad(scores.clamp(0, _SURE), (1, 0))  # (N, C)
        return Odds(against.numpy(), padded.max(dim=1).values.logit().numpy())

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
