"""Scorer: words and embeddings in, scores out. All of a detector that needs no boxes.

Letters: N regions, C labels, D channels, h x w feature grid.
"""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import supervision as sv
import torch
from numpy.typing import NDArray

from heads.classify import Scores, classify
from heads.platt import platt
from heads.trace import Trace
from proposals.base import Features
from regionclip.answers.decide import Found, decide
from regionclip.answers.regions import Regions
from regionclip.config import Config
from regionclip.errors import ConfigError, FingerprintError, FrameError
from regionclip.timing import stage
from regionclip.towers.base import ImageFeatures, Target, Tower
from regionclip.words.asked import Asked
from regionclip.words.calibrated import Conditions, warn_of_changes
from regionclip.words.phrase_cache import PhraseCache
from regionclip.words.phrase_store import PhraseStore
from regionclip.words.vocabulary import Vocabulary

_MOST_ASKED = 64
"""Vocabularies that stay encoded: those of the cameras of a site. One of 100 labels takes about 0.3 MiB."""


class Scorer:
    """What a tower and a config make of words. Immutable but for what it remembers of words; any thread may ask.

    Args:
        tower: whose embeddings are scored.
        config: mode, bank, thresholds, rules of selection.
        proposer: name of who finds boxes: calibrated thresholds hold for that one only.
        store: keeps encoded phrases on disk; None does not.

    Attributes:
        phrases: encoded ones, kept.
    """

    def __init__(self, tower: Tower, config: Config, proposer: str, store: PhraseStore | None = None) -> None:
        self.tower, self.config, self.card, self._proposer = tower, config, tower.card, proposer
        self.phrases = PhraseCache(tower, self.card.negatives if config.bank else (), store=store)
        self._ask = lru_cache(maxsize=_MOST_ASKED)(self._put_together)  # bound to this scorer, and goes with it

    def ask(self, vocabulary: Vocabulary, target: Target = "region") -> Asked:
        """A vocabulary as this tower reads it; the phrases that are new are encoded now.

        Raises:
            PromptError: where a label has nothing to be weighed against, or a taught one is asked of whole images.
            FingerprintError: where a label was taught with another tower.
        """
        with stage("words"):
            return self._ask(vocabulary, target)

    def _put_together(self, vocabulary: Vocabulary, target: Target) -> Asked:
        closed = self.config.mode == "closed"
        if closed and len(vocabulary.plain) < len(vocabulary):
            raise ConfigError(
                'mode = "closed" makes all labels compete, and attributes (labels with `of`) compete with no label: '
                "expected a vocabulary without them, or independent scores"
            )
        words = self.phrases.words(vocabulary, target, closed=closed)
        negatives = self.phrases.negatives(vocabulary, target)
        return Asked(vocabulary, words, negatives, self.thresholds(vocabulary), closed)

    def thresholds(self, vocabulary: Vocabulary) -> NDArray[np.float64]:
        """Least confidence of each label, `(C,)`: its own, else the vocabulary's, the config's, the tower's."""
        levels = (vocabulary.threshold, self.config.threshold, self.card.threshold)
        fallback = next(level for level in levels if level is not None)
        return np.array([fallback if label.threshold is None else label.threshold for label in vocabulary], float)

    def conditions(self, *, given: bool = False) -> Conditions:
        """What thresholds that are measured now hold for; `given` where boxes come from the caller."""
        return Conditions.now(self.card, self.config, None if given else self._proposer)

    def scores(self, regions: Regions, asked: Asked) -> Scores:
        """All scores of regions, nothing decided.

        Raises:
            FingerprintError: for regions of another tower.
        """
        self.check_fingerprint(regions.fingerprint, "regions")
        scores = self._weigh(torch.from_numpy(regions.embeddings), asked)
        if (measured_with := asked.vocabulary.measured_with) is not None:
            warn_of_changes(measured_with, self.conditions(given=regions.given))
        return scores

    def judge(self, regions: Regions, vocabulary: Vocabulary) -> tuple[Scores, Asked]:
        """All scores of regions, and what was asked; nothing decided."""
        asked = self.ask(vocabulary)
        return self.scores(regions, asked), asked

    def decide(self, regions: Regions, vocabulary: Vocabulary, trace: Trace | None = None) -> Found:
        """All scores, and the (region, label) that are kept; `trace` takes down why."""
        scores, asked = self.judge(regions, vocabulary)
        with stage("select"):
            return decide(regions, scores, asked, self.config, trace)

    def maps(self, features: Features, vocabulary: Vocabulary) -> torch.Tensor:
        """Scores `(c, h, w)` of every cell for every label that can become a detection."""
        if not isinstance(features, ImageFeatures):
            raise FrameError(f"score maps: expected features of {self.card.name}, got {type(features).__name__}")
        asked = self.ask(vocabulary)
        with stage("pool"):
            cells = torch.nn.functional.normalize(features.dense, dim=-1, eps=1e-12).cpu()  # (h*w, D)
        values = self._weigh(cells, asked).values  # (h*w, C)
        return values[:, asked.plain].T.reshape(-1, *features.grid)

    def classify_image(self, features: ImageFeatures, vocabulary: Vocabulary) -> sv.Classifications:
        """Zero-shot classification of the whole frame; attributes are left out."""
        asked = self.ask(vocabulary, "image")
        with stage("pool"):
            embedding = features.embedding[None]  # (1, D)
        score = self.card.image_score
        with stage("classify"):
            values = classify(embedding, asked.words, scale=score.scale, bias=score.bias, mode=self.config.mode).values
        plain = asked.plain.numpy()  # (c,)
        best = values[0].numpy()[plain]  # (c,)
        order = np.argsort(-best, kind="stable")
        return sv.Classifications(class_id=plain[order], confidence=best[order])

    def check_fingerprint(self, fingerprint: str, what: str) -> None:
        """Make sure that `what` was made by this very tower.

        Raises:
            FingerprintError: else; names both.
        """
        if fingerprint != self.card.revision:
            raise FingerprintError(
                f"{what}: expected those of {self.card.name} {self.card.revision}, got {fingerprint}: "
                "embeddings of different towers cannot be compared; make them again with this detector"
            )

    def _weigh(self, embeddings: torch.Tensor, asked: Asked) -> Scores:
        score = self.card.region_score
        with stage("classify"):
            scores = classify(embeddings, asked.words, scale=score.scale, bias=score.bias, mode=self.config.mode)
            if asked.closed:
                return scores  # curves are fitted to independent scores
            return replace(scores, values=platt(scores.values, *asked.curves))
