"""Detector: frame and words in, labelled regions out."""

import copy
import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import cast

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores, classify
from heads.trace import Trace
from proposals.base import AsksWords, Features, Proposer, for_another_source
from proposals.tiled import in_tiles
from regionclip.answers.decide import decide
from regionclip.answers.detections import Asked, Found, detections
from regionclip.answers.explain import Explanation
from regionclip.answers.explaining import Wanted, explain
from regionclip.answers.heatmap import Heatmap
from regionclip.answers.reasons import Reasons
from regionclip.answers.regions import Regions
from regionclip.archive.search import Hit, search
from regionclip.archive.store import FrameKey, RegionsStore
from regionclip.boxes import Boxes
from regionclip.config import Config
from regionclip.errors import ConfigError, FingerprintError, FrameError, PromptError
from regionclip.frames import FrameLike, to_frame
from regionclip.proposing import NoProposer
from regionclip.timing import timed
from regionclip.towers.base import ImageFeatures, Target, Tower
from regionclip.towers.tiles import Closeness, look_closely
from regionclip.words.calibrated import Conditions, warn_of_changes
from regionclip.words.curves import curved
from regionclip.words.phrase import check_phrases
from regionclip.words.phrase_cache import Wording
from regionclip.words.prototype import Prototype
from regionclip.words.teaching import Example, Odds, among_rivals, check_lesson, fit, gather, with_label
from regionclip.words.vocabulary import Label, Vocabulary, Words

BATCH = 8  # most frames of one tower pass; more cost memory and gain little


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
        self.config = config or Config()
        self._proposer_name = type(proposer).__name__
        self.proposer = proposer if self.config.tiles == "none" else in_tiles(proposer, self.config.max_proposals)
        self.timings: dict[str, float] = {}
        """Milliseconds of each stage of the latest call."""
        self._asked: Asked | None = None
        self._wording = Wording(tower, tower.card.negatives if self.config.bank else ())

    def __call__(self, frame: FrameLike | ImageFeatures, words: Words, boxes: Boxes | None = None) -> sv.Detections:
        """Label the regions of one frame.

        Args:
            frame: a `(H, W, 3)` uint8 BGR array, a PIL image, a path, or features of an earlier call.
            words: labels in English, Chinese or both (`Vocabulary`).
            boxes: `(N, 4)` xyxy in frame pixels, or the detections of another detector; None asks the proposer.

        Returns:
            One row for each kept (region, label); see `regionclip.answers.detections.detections` for its columns.

        Raises:
            FrameError, BoxError, PromptError, ImageFileError: where frame, boxes or words cannot be used.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        return self._classified(self._regions(self.features(frame), boxes, vocabulary), vocabulary)

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
            features = self.features_of(frames[start : start + BATCH])
            for each, own in zip(features, given[start : start + BATCH], strict=True):
                results.append(self._classified(self._regions(each, own, vocabulary), vocabulary))
        return results

    def features(self, frame: FrameLike | ImageFeatures) -> ImageFeatures:
        """What the tower knows of a frame, computed on first use; give it in place of the frame to save the pass.

        Raises:
            FingerprintError: for features of another tower.
        """
        if isinstance(frame, ImageFeatures):
            self.check_fingerprint(frame.card.revision, "features")
            return frame
        return self.features_of([frame])[0]

    def features_of(self, frames: Sequence[FrameLike]) -> list[ImageFeatures]:
        """`features` of several frames, encoded together as soon as those of one are needed."""
        config = self.config
        closeness = Closeness(config.tiles, config.tile_overlap, config.max_crops if config.crop_small else 0)
        features = self.tower.encode_image([to_frame(frame) for frame in frames])
        return [look_closely(each, self.tower, closeness) for each in features]

    def regions(
        self, frame: FrameLike | ImageFeatures, boxes: Boxes | None = None, *, words: Words | None = None
    ) -> Regions:
        """Boxes and their embeddings, to be kept and asked with any words; `boxes` as in a call.

        Args:
            frame: as in a call.
            boxes: as in a call.
            words: what a proposer that looks for words (`heatmap`) shall look for; other proposers ask none.

        Raises:
            PromptError: where the proposer looks for words and none are given.
        """
        self.timings = {}
        return self._regions(self.features(frame), boxes, None if words is None else Vocabulary.of(words))

    def for_source(self) -> "Detector":
        """A detector for another camera: the same tower and encoded words, and a proposer that has seen nothing yet.

        Raises:
            ConfigError: where the proposer remembers frames and has no `fresh` (`proposals.base.Remembers`).
        """
        other = copy.copy(self)
        try:
            other.proposer = for_another_source(self.proposer)
        except ValueError as error:
            raise ConfigError(str(error)) from error
        other.timings, other._asked, other._wording = {}, None, self._wording.sharing()
        return other

    def classify(self, regions: Regions, words: Words) -> sv.Detections:
        """Label regions of an earlier pass: the price of a matrix product.

        Raises:
            FingerprintError: where another tower or revision made them.
        """
        self.timings = {}
        return self._classified(regions, Vocabulary.of(words))

    def prepare(self, words: Words, watch: Callable[[Sequence[object]], Iterable[object]] | None = None) -> None:
        """Encode the phrases of `words` now; `watch` is put around them, as a progress bar."""
        vocabulary = Vocabulary.of(words)
        asked = [(label, spoken) for label in vocabulary if label.taught is None for spoken in label.spoken]
        for label, spoken in asked if watch is None else cast("Iterable[tuple[Label, tuple[str, str]]]", watch(asked)):
            self._wording.encode_spoken([spoken], "region", vocabulary.templates_of(label))

    def scores(self, regions: Regions, words: Words) -> NDArray[np.float32]:
        """Scores `(N, C)` in 0..1 of every region and label, nothing thresholded; zeros for invalid boxes."""
        self.timings = {}
        values = self._scores(regions, Vocabulary.of(words)).values.numpy()  # (N, C)
        return np.where(regions.valid[:, None], values, np.float32(0))

    def explain(
        self,
        regions: Regions,
        words: Words,
        *,
        top: int = 5,
        negatives: int = 3,
        phrases: bool = False,
        only: Sequence[int] | None = None,
    ) -> Explanation:
        """Why `classify` gives regions their labels, or none: a table when printed, `to_dict()` for JSON.

        Args:
            regions: as in `classify`; all of them are decided upon, whichever are told of.
            words: as in `classify`.
            top: most labels told of a region, best scores first, beside those that came out.
            negatives: most negatives told of a label.
            phrases: whether every phrase of those labels is told, not the best one only.
            only: indices of the regions to tell of; None for all.

        Raises:
            BoxError: where `only` names a region that is not there.
        """
        self.timings = {}
        trace = Trace()
        found = self.found(regions, words, trace)
        wanted = Wanted(top, negatives, phrases, only)
        return explain(regions, found, Reasons(found, trace, self.config), self.tower.card, wanted)

    def heatmap(self, frame: FrameLike | ImageFeatures, words: Words) -> Heatmap:
        """Where in a frame words fit, without any box: scores of every cell of the tower's grid.

        Give `features` of an earlier call in place of the frame, and the tower does not run again. Attributes are left
        out. Tiles are not looked at: the grid is that of the whole frame.
        """
        self.timings = {}
        features, vocabulary = self.features(frame), Vocabulary.of(words)
        scores = self._maps(features, vocabulary).numpy()  # (C, h, w)
        plain = list(vocabulary.plain)
        names = tuple(vocabulary.names[place] for place in plain)
        return Heatmap(scores, names, self.thresholds(vocabulary)[plain], features.frame_size)

    def classify_all(self, store: RegionsStore, words: Words) -> Iterator[tuple[FrameKey, sv.Detections]]:
        """`classify` for each frame of a store, in stored order; refuses at once those of another tower."""
        vocabulary = Vocabulary.of(words)
        self.check_fingerprint(store.fingerprint, "regions")
        return ((key, self.classify(regions, vocabulary)) for key, regions in store)

    def search(self, store: RegionsStore, words: Words, *, top: int = 10) -> list[Hit]:
        """The best regions of each label over all frames, whatever the thresholds (`regionclip.archive.search`)."""
        vocabulary = Vocabulary.of(words)
        self.check_fingerprint(store.fingerprint, "regions")
        return search(store, vocabulary, lambda regions: self._scores(regions, vocabulary), self.config, top)

    def thresholds(self, words: Words) -> NDArray[np.float64]:
        """Least confidence of each label, `(C,)`: its own, else the vocabulary's, the config's, the tower's."""
        vocabulary = Vocabulary.of(words)
        levels = (vocabulary.threshold, self.config.threshold, self.tower.card.threshold)
        fallback = next(level for level in levels if level is not None)
        return np.array([fallback if label.threshold is None else label.threshold for label in vocabulary], float)

    def conditions(self, *, given: bool = False) -> Conditions:
        """What thresholds that are measured with this detector hold for; `given` where boxes come from the caller."""
        return Conditions.now(self.tower.card, self.config, None if given else self._proposer_name)

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
        of: str | Sequence[str] = (),
        replace: bool = False,
    ) -> Vocabulary:
        """Learn a class from examples: a new vocabulary with one more label, which only this tower can use.

        The phrases of the other labels become negatives of the new one. No other label's score changes, bit for bit.
        With fewer than 8 examples the class is their mean, from 8 on a logistic probe (`regionclip.words.teaching`).

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
            of: as in `Label`; the new label is then an attribute, and competes with those of its column alone.
            replace: whether a label of this name may be taught anew, at its old place.

        Raises:
            PromptError: without examples, for a name that exists, or a weight outside 0..1 or without prompts.
            BoxError: for a box without area inside its picture, or where nothing is left to tell the examples from.
            FingerprintError: where the vocabulary was taught with another tower.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        check_lesson(vocabulary, name, prompts, weight, replace=replace)
        text = self._wording.mean(check_phrases(prompts, "teach: prompts"))
        blank = Prototype(bytes(4 * self.tower.card.width), 1.0, 0.0, self.tower.card.revision, 0)
        label = Label(name, (), (), threshold, group, blank, of)
        label, trial = among_rivals(vocabulary, label)
        self._wording.words(trial, "region")  # refuses what another tower was taught before any picture is encoded
        proposer = self.looking_for(vocabulary)
        mute = proposer.has_memory or isinstance(proposer, NoProposer)
        propose = None if mute else lambda features: proposer(features.frame, features).xyxy
        evidence = gather(examples, negatives, self.features, propose)
        taught = fit(
            evidence,
            Odds.of(torch.from_numpy(evidence.embeddings), self._wording.words(trial, "region"), self.tower.card),
            tower=self.tower.card.revision,
            text=text,
            weight=0.5 if weight is None else weight,
        )
        return with_label(vocabulary, dataclasses.replace(label, taught=taught))

    def classify_image(self, frame: FrameLike | ImageFeatures, words: Words) -> sv.Classifications:
        """Whole-image zero-shot classification: `class_id` and `confidence` `(C,)` in 0..1, best label first.

        Uses the tower's whole-image embedding and the text head that belongs to it. Attributes (labels with `of`) are
        asked of regions only and are left out.
        """
        self.timings = {}
        vocabulary = Vocabulary.of(words)
        features = self.features(frame)
        with self._timed("pool", features):
            embedding = features.embedding[None]  # (1, D)
        plain = np.array(vocabulary.plain, int)  # (C,)
        values = self._weigh(embedding, vocabulary, "image").values[0].numpy()[plain]  # (C,)
        order = np.argsort(-values, kind="stable")
        return sv.Classifications(class_id=plain[order], confidence=values[order])

    def embed_texts(self, texts: Sequence[str], target: Target = "image") -> NDArray[np.float32]:
        """Unit-length embeddings `(P, D)` of texts, to be compared with whole images or, on request, with regions."""
        return self._wording.encode([texts] if isinstance(texts, str) else list(texts), target).numpy()

    def embed_image(self, frame: FrameLike | ImageFeatures) -> NDArray[np.float32]:
        """Unit-length embedding `(D,)` of the whole frame."""
        return self.features(frame).embedding.numpy().copy()

    def _regions(self, features: ImageFeatures, boxes: Boxes | None, vocabulary: Vocabulary | None) -> Regions:
        if boxes is not None:
            with self._timed("pool", features):
                return Regions.pool(features, boxes)
        proposer = self.looking_for(vocabulary)
        with self._timed("propose", features):
            proposals = proposer(features.frame, features)
        with self._timed("pool", features):
            return Regions.pool(features, proposals, has_objectness=proposer.has_objectness, given=False)

    def looking_for(self, vocabulary: Vocabulary | None) -> Proposer:
        """The proposer; where it looks for words, bound to these."""
        if not isinstance(self.proposer, AsksWords) or not self.proposer.asks_words:
            return self.proposer
        if vocabulary is None:
            raise PromptError("regions: this proposer looks for words: expected words=[...] or boxes=..., got neither")
        return self.proposer.asking(lambda features: self._maps(features, vocabulary))

    def _maps(self, features: Features, vocabulary: Vocabulary) -> torch.Tensor:
        """Scores `(C, h, w)` of every cell for every label that can become a detection."""
        if not isinstance(features, ImageFeatures):
            raise FrameError(f"score maps: expected features of {self.tower.card.name}, got {type(features).__name__}")
        with self._timed("pool", features):
            cells = torch.nn.functional.normalize(features.dense, dim=-1, eps=1e-12).cpu()  # (h*w, D)
        values = self._of_regions(cells, vocabulary).values  # (h*w, C)
        return values[:, list(vocabulary.plain)].T.reshape(-1, *features.grid)

    def _classified(self, regions: Regions, vocabulary: Vocabulary) -> sv.Detections:
        return detections(regions, self.found(regions, vocabulary), self.tower.card)

    def found(self, regions: Regions, words: Words, trace: Trace | None = None) -> Found:
        """What `classify` makes its rows of: all scores, what was asked, and the (region, label) that are kept."""
        scores, asked = self.judged(regions, words)
        with self._timed("select"):
            return decide(regions, scores, asked, self.config, trace)

    def judged(self, regions: Regions, words: Words) -> tuple[Scores, Asked]:
        """All scores of regions, and what was asked; nothing is decided."""
        return self._scores(regions, vocabulary := Vocabulary.of(words)), self._asking(vocabulary)

    def _asking(self, vocabulary: Vocabulary) -> Asked:
        closed = self.config.mode == "closed"
        words = self._wording.words(vocabulary, "region", closed=closed)
        if self._asked is None or self._asked.words is not words:
            negatives = self._wording.negatives(vocabulary, "region")
            self._asked = Asked(vocabulary, words, negatives, self.thresholds(vocabulary), closed)
        return self._asked

    def _scores(self, regions: Regions, vocabulary: Vocabulary) -> Scores:
        self.check_fingerprint(regions.fingerprint, "regions")
        warn_of_changes(vocabulary.measured_with, self.conditions(given=regions.given))
        return self._of_regions(torch.from_numpy(regions.embeddings), vocabulary)

    def _of_regions(self, embeddings: torch.Tensor, vocabulary: Vocabulary) -> Scores:
        scores = self._weigh(embeddings, vocabulary, "region")
        if self.config.mode == "closed":
            return scores  # curves are fitted to independent scores
        return dataclasses.replace(scores, values=curved(scores.values, vocabulary))

    def _weigh(self, embeddings: torch.Tensor, vocabulary: Vocabulary, target: Target) -> Scores:
        if self.config.mode == "closed" and len(vocabulary.plain) < len(vocabulary):
            raise ConfigError(
                'mode = "closed" makes all labels compete, and attributes (labels with `of`) compete with no label: '
                "expected a vocabulary without them, or independent scores"
            )
        with self._timed("words"):
            words = self._wording.words(vocabulary, target, closed=self.config.mode == "closed")
        score = self.tower.card.score(target)
        with self._timed("classify"):
            return classify(embeddings, words, scale=score.scale, bias=score.bias, mode=self.config.mode)

    def check_fingerprint(self, fingerprint: str, what: str) -> None:
        """Make sure that `what` was made by this very tower.

        Raises:
            FingerprintError: else; names both.
        """
        if fingerprint != self.tower.card.revision:
            raise FingerprintError(
                f"{what}: expected those of {self.tower.card.name} {self.tower.card.revision}, got {fingerprint}: "
                "embeddings of different towers cannot be compared; make them again with this detector"
            )

    def _timed(self, stage: str, features: ImageFeatures | None = None) -> AbstractContextManager[None]:
        return timed(self.timings, stage, features)
