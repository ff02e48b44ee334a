"""Detector: frame and words in, labelled regions out."""

from collections.abc import Sequence
from copy import copy

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from heads.trace import Trace
from proposals.base import Proposals, Proposer
from proposals.tiled import in_tiles
from regionclip.answers.detections import detections
from regionclip.answers.explain import Wanted, explain
from regionclip.answers.explanation import Explanation
from regionclip.answers.heatmap import Heatmap
from regionclip.answers.regions import Regions
from regionclip.boxes import Boxes
from regionclip.config import Config
from regionclip.describe.verifier import Verifier
from regionclip.drawing.text import drawable_lines
from regionclip.errors import ConfigError, FrameError, PromptError
from regionclip.frames import FrameLike, to_frame
from regionclip.proposing import NoProposer
from regionclip.scorer import Scorer
from regionclip.timing import stage
from regionclip.towers.base import ImageFeatures, Target, Tower
from regionclip.towers.domain import warn_of_domain
from regionclip.towers.tiles import Closeness, look_closely
from regionclip.words.phrase import check_phrase
from regionclip.words.phrase_cache import Watch
from regionclip.words.phrase_store import PhraseStore
from regionclip.words.teaching import Example, Lesson, teach
from regionclip.words.vocabulary import Vocabulary, Words

BATCH = 8
"""Most frames of one tower pass; more cost memory and gain little."""


def batch_of(tower: Tower) -> int:
    """Frames of several sources that pay in one pass.

    A processor gains nothing by more than one, and a frame in which nothing is proposed then costs no tower pass.
    """
    return 1 if tower.placement.startswith("cpu") else BATCH


class Detector:
    """A tower, a proposer and the rules between them. Words are an argument of each call; nothing here changes.

    Make one with `regionclip.load`. Any number of threads may call one detector, unless its proposer remembers frames
    (`proposer.has_memory`): then each source needs its own (`for_source`). `with Timings() as timings:` around a call
    tells its milliseconds (`regionclip.timing`).

    Args:
        tower: encodes frames and phrases.
        proposer: finds boxes where the caller gives none.
        config: thresholds, NMS, how scores are weighed.
        store: keeps encoded phrases on disk for the next process; None does not.
        verifier: asks a describer about rows; None asks none.

    Raises:
        ConfigError: for a proposer that is none.

    Attributes:
        scorer: everything that needs no boxes: words, scores, thresholds.
    """

    def __init__(
        self,
        tower: Tower,
        proposer: Proposer,
        config: Config | None = None,
        store: PhraseStore | None = None,
        verifier: Verifier | None = None,
    ) -> None:
        if not isinstance(proposer, Proposer):
            raise ConfigError(
                f"proposer: expected a `Proposer`, got {type(proposer).__name__}; derive its class from it"
            )
        self.tower, self.verifier, self.config = tower, verifier, config or Config()
        if self.config.objectness_weight is None:
            self.config = self.config.replaced(objectness_weight=proposer.objectness_weight)
        self.scorer = Scorer(tower, self.config, type(proposer).__name__, store)
        self.proposer = proposer if self.config.tiles == "none" else in_tiles(proposer, self.config.max_proposals)

    def __repr__(self) -> str:
        card, proposer = self.tower.card, type(self.proposer).__name__
        return f"<Detector: {card.name}@{card.revision} on {self.tower.placement}, {proposer}>"

    def __call__(self, frame: FrameLike | ImageFeatures, words: Words, boxes: Boxes | None = None) -> sv.Detections:
        """Label the regions of one frame.

        Args:
            frame: a `(H, W, 3)` uint8 BGR array, a PIL image, a path, or features of an earlier call.
            words: labels in English, Chinese or both (`Vocabulary`).
            boxes: `(N, 4)` xyxy in frame pixels, or the detections of another detector; None asks the proposer.

        Returns:
            One row for each kept (region, label); see `regionclip.answers.detections` for its columns.

        Raises:
            FrameError, BoxError, PromptError, ImageFileError: where frame, boxes or words cannot be used.
        """
        features = self.features(frame)
        regions = self.regions(features, boxes, words=words)
        return self.verify(features.frame, self.classify(regions, words))

    def batch(
        self, frames: Sequence[FrameLike], words: Words, boxes: Sequence[Boxes] | None = None
    ) -> list[sv.Detections]:
        """Label the regions of several frames, encoded together; `boxes` holds one entry a frame.

        Raises:
            ConfigError: where the proposer remembers earlier frames and so belongs to one source.
        """
        if boxes is None and self.proposer.has_memory:
            raise ConfigError("batch: this proposer remembers earlier frames; give each source a detector of its own")
        if boxes is not None and len(boxes) != len(frames):
            raise FrameError(f"batch: expected one set of boxes a frame, got {len(boxes)} for {len(frames)} frames")
        given = boxes if boxes is not None else [None] * len(frames)
        vocabulary, results = Vocabulary.of(words), []
        for start in range(0, len(frames), BATCH):
            features = self.features_of(frames[start : start + BATCH])
            for each, own in zip(features, given[start : start + BATCH], strict=True):
                results.append(self(each, vocabulary, own))
        return results

    def features(self, frame: FrameLike | ImageFeatures) -> ImageFeatures:
        """What the tower knows of a frame, computed on first use; give it in place of the frame to save the pass.

        Raises:
            FingerprintError: for features of another tower.
        """
        if not isinstance(frame, ImageFeatures):
            return self.features_of([frame])[0]
        self.scorer.check_fingerprint(frame.card.revision, "features")
        return frame

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

        Warns with a `DomainWarning` where the tower sees that it does not know this kind of frame.
        """
        features = self.features(frame)
        if boxes is not None:
            with stage("pool"):
                regions = Regions.pool(features, boxes)
        else:
            regions = self._proposed(features, words)
        warn_of_domain(features)
        return regions

    def _proposed(self, features: ImageFeatures, words: Words | None) -> Regions:
        proposer = self.proposer_for(words)
        with stage("propose"):
            proposals = proposer(features.frame, features)
        if not isinstance(proposals, Proposals):
            raise ConfigError(
                f"{type(proposer).__name__}: expected it to return `Proposals`, got {type(proposals).__name__}"
            )
        with stage("pool"):
            return Regions.pool(features, proposals, has_objectness=proposer.has_objectness, given=False)

    def banner(self, out_of_domain: bool | None) -> tuple[str, ...]:
        """Lines for `annotate(..., banner=...)` where `Regions.out_of_domain` is true; else none.

        In both languages; in English alone where no font for Chinese is at hand.
        """
        domain = self.tower.card.domain
        return drawable_lines(domain.banner) if domain is not None and out_of_domain else ()

    def proposer_for(self, words: Words | None) -> Proposer:
        """The proposer; where it looks for words, bound to these.

        Raises:
            PromptError: where it looks for words and there are none.
        """
        if not self.proposer.asks_words:
            return self.proposer
        if words is None:
            raise PromptError("regions: this proposer looks for words: expected words=[...] or boxes=..., got neither")
        vocabulary = Vocabulary.of(words)
        return self.proposer.asking(lambda features: self.scorer.maps(features, vocabulary))

    def for_source(self) -> "Detector":
        """A detector for another camera: the same tower and encoded words, and a proposer that has seen nothing yet.

        Raises:
            ConfigError: where the proposer remembers frames and cannot forget them (`proposals.base.Proposer.fresh`).
        """
        other = copy(self)
        try:
            other.proposer = self.proposer.fresh()
        except ValueError as error:
            raise ConfigError(str(error)) from error
        return other

    def classify(self, regions: Regions, words: Words) -> sv.Detections:
        """Label regions of an earlier pass: the price of a matrix product.

        Raises:
            FingerprintError: where another tower or revision made them.
        """
        found = self.scorer.decide(regions, Vocabulary.of(words))
        with stage("select"):
            return detections(regions, found, self.tower.card)

    def verify(self, frame: FrameLike, rows: sv.Detections) -> sv.Detections:
        """The rows with what a describer says of some of them (`Config.verify`); as they are where there is none.

        `det(frame, words)` does this itself; after `classify`, which has no frame, it is yours to do.
        """
        return rows if self.verifier is None else self.verifier.rows(to_frame(frame), rows)

    def scores(self, regions: Regions, words: Words) -> NDArray[np.float32]:
        """Scores `(N, C)` in 0..1 of every region and label, nothing thresholded; zeros for invalid boxes."""
        values = self.scorer.scores(regions, self.scorer.ask(Vocabulary.of(words))).values.numpy()  # (N, C)
        return np.where(regions.valid[:, None], values, np.float32(0))

    def prepare(self, words: Words, watch: Watch = iter) -> Vocabulary:
        """Encode words before they are asked for; thousands take a while, whose progress `watch` may show.

        Args:
            words: as in a call.
            watch: gets a sequence of what there is to do and hands it on, like a progress bar.
        """
        vocabulary = Vocabulary.of(words)
        self.scorer.phrases.prepare(vocabulary, "region", watch)
        return vocabulary

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
        trace, wanted = Trace(), Wanted(top, negatives, phrases, only)
        found = self.scorer.decide(regions, Vocabulary.of(words), trace)
        return explain(regions, found, trace, self.config, self.tower.card, wanted)

    def heatmap(self, frame: FrameLike | ImageFeatures, words: Words) -> Heatmap:
        """Where in a frame words fit, without any box: scores of every cell of the tower's grid.

        Give `features` of an earlier call in place of the frame, and the tower does not run again. Attributes are left
        out. Tiles are not looked at: the grid is that of the whole frame.
        """
        features, vocabulary = self.features(frame), Vocabulary.of(words)
        scores = self.scorer.maps(features, vocabulary).numpy()  # (C, h, w)
        plain = list(vocabulary.plain)
        names = tuple(vocabulary.names[place] for place in plain)
        warn_of_domain(features)
        return Heatmap(scores, names, self.thresholds(vocabulary)[plain], features.frame_size)

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
        With fewer than 8 examples the class is their mean, from 8 on a logistic probe (`regionclip.words.learning`).

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
        lesson = Lesson(name, examples, negatives, prompts, weight, threshold, group, of, replace)
        vocabulary = Vocabulary.of(words)
        proposer = self.proposer_for(vocabulary)
        mute = proposer.has_memory or isinstance(proposer, NoProposer)
        propose = None if mute else lambda features: proposer(features.frame, features).xyxy
        return teach(vocabulary, lesson, self.scorer.phrases, self.tower.card, self.features, propose)

    def classify_image(self, frame: FrameLike | ImageFeatures, words: Words) -> sv.Classifications:
        """Whole-image zero-shot classification: `class_id` and `confidence` `(C,)` in 0..1, best label first.

        Uses the tower's whole-image embedding and the text head that belongs to it. Attributes (labels with `of`) are
        asked of regions only and are left out.
        """
        features = self.features(frame)
        found = self.scorer.classify_image(features, Vocabulary.of(words))
        warn_of_domain(features)
        return found

    def embed_texts(self, texts: Sequence[str], target: Target = "image") -> NDArray[np.float32]:
        """Unit-length embeddings `(P, D)` of texts, to be compared with whole images or, on request, with regions."""
        phrases = [texts] if isinstance(texts, str) else list(texts)
        for phrase in phrases:
            check_phrase(phrase, "text")
        return self.scorer.phrases.encode(phrases, target).numpy()

    def embed_image(self, frame: FrameLike | ImageFeatures) -> NDArray[np.float32]:
        """Unit-length embedding `(D,)` of the whole frame."""
        return self.features(frame).embedding.numpy().copy()

    def thresholds(self, words: Words) -> NDArray[np.float64]:
        """Least confidence of each label, `(C,)`: its own, else the vocabulary's, the config's, the tower's."""
        return self.scorer.thresholds(Vocabulary.of(words))
