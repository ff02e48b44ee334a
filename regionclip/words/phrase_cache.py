"""The text side of a detector: a vocabulary's phrases, encoded once and kept, and what was taught beside them."""

import math
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from heads.classify import BANK, EncodedWords
from regionclip.errors import FingerprintError, PromptError, PromptWarning, warn
from regionclip.towers.base import Target, Tower
from regionclip.towers.card import BACKGROUND
from regionclip.words.phrase import check_phrase, language_of
from regionclip.words.phrase_store import PhraseStore
from regionclip.words.templates import Chosen, fill, sentences_of
from regionclip.words.vocabulary import Label, Vocabulary

NEAR = 0.95
"""Cosine from which a bank phrase says the same as a label's own phrase, and is left out for that label."""

MOST_KEPT = 10_000
"""Phrases that stay encoded; the one asked for longest ago goes first. All of them take about 20 MiB."""

Watch: TypeAlias = Callable[[Sequence[Any]], Iterable[Any]]
"""Shows the progress through a sequence that it hands on, as a progress bar does."""

_BACKGROUND = {phrase: language for language, phrases in BACKGROUND.items() for phrase in phrases}


class PhraseCache:
    """Phrases of one tower. Each is encoded alone and kept, so changing words costs the new ones only.

    Any number of threads may ask; two that miss the same phrase at once both encode it, to the same bits.

    Args:
        tower: encodes the phrases.
        bank: background phrases that region labels are weighed against, beside the vocabulary's own.
        most: phrases that stay encoded; more only where one vocabulary alone has more.
        store: keeps them on disk for other processes; None keeps them in memory only.
    """

    def __init__(
        self, tower: Tower, bank: Sequence[str], most: int = MOST_KEPT, store: PhraseStore | None = None
    ) -> None:
        self._tower, self._store = tower, store
        self._bank, self._most = tuple(bank), most
        self._kept: OrderedDict[tuple[str, Target, tuple[str, ...]], torch.Tensor] = OrderedDict()
        self._lock = Lock()

    def encode(self, phrases: Sequence[str], target: Target, templates: Chosen = ()) -> torch.Tensor:
        """`(P, D)` float32 unit-length embeddings; warns of phrases longer than the tower reads.

        With templates each phrase is put into the sentences of its language, which its letters tell.
        """
        return self.encode_spoken([(phrase, language_of(phrase)) for phrase in phrases], target, templates)

    def encode_spoken(self, phrases: Sequence[tuple[str, str]], target: Target, templates: Chosen = ()) -> torch.Tensor:
        """As `encode`, for phrases that come with their language."""
        rows = [self._encode_one(text, target, sentences_of(templates, language)) for text, language in phrases]
        return torch.stack(rows) if rows else torch.zeros(0, self._tower.card.width)  # (P, D)

    def mean(self, phrases: Sequence[str]) -> NDArray[np.float64] | None:
        """Unit-length mean `(D,)` of what region phrases mean; None of none."""
        if not phrases:
            return None
        mean = self.encode(phrases, "region").numpy().astype(float).sum(axis=0)  # (D,)
        return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-12))

    def _encode_one(self, phrase: str, target: Target, sentences: tuple[str, ...]) -> torch.Tensor:
        key = (phrase, target, sentences)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        row = self._encoded(phrase, target, sentences)
        with self._lock:
            self._kept[key] = row
            if len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return row

    def _encoded(self, phrase: str, target: Target, sentences: tuple[str, ...]) -> torch.Tensor:
        """`(D,)`, with templates the mean direction of the phrase in all of them."""
        texts = [fill(sentence, phrase) for sentence in sentences] or [phrase]
        self._check(phrase, texts, target)
        if self._store is None:
            return self._embed(texts, target)
        return self._store.row(self._tower, texts, target, lambda: self._embed(texts, target))

    def _embed(self, texts: Sequence[str], target: Target) -> torch.Tensor:
        """`(D,)`, the tower's own of one text, the mean direction of several."""
        rows = [self._tower.encode_text([text], target)[0] for text in texts]  # (D,) each
        if len(rows) == 1:
            return rows[0]
        return torch.nn.functional.normalize(torch.stack(rows).double().mean(dim=0), dim=0).float()

    def prepare(self, vocabulary: Vocabulary, target: Target, watch: Watch) -> None:
        """Encode all that `words` will need, one after another under the eyes of `watch`."""
        common = vocabulary.templates_of(None)
        needed = [(*pair, common) for pair in _spoken(self._shared(vocabulary, target))]
        for label in vocabulary:
            templates = vocabulary.templates_of(label)
            needed += [(*pair, templates) for pair in (() if label.taught else label.spoken)]
            needed += [(phrase, language_of(phrase), templates) for phrase in label.negatives]
        self._make_room(len(needed))
        for phrase, language, templates in watch(needed):
            self._encode_one(phrase, target, sentences_of(templates, language))

    def _make_room(self, phrases: int) -> None:
        """Keep at least so many: a vocabulary that did not fit would push out its own first phrases, over and over."""
        self._most = max(self._most, phrases)

    def words(self, vocabulary: Vocabulary, target: Target, *, closed: bool = False) -> EncodedWords:
        """What `heads.classify` needs of a vocabulary: embeddings of phrases and negatives, and whose they are.

        Raises:
            PromptError: where a label has nothing to be weighed against (not in the `closed` mode), or a taught one is
                asked of whole images.
            FingerprintError: where a label was taught with another tower.
        """
        lines = [_line(label) for label in vocabulary for _ in label.phrases]
        label_of = [index for index, label in enumerate(vocabulary) for _ in label.phrases]
        shared = self._shared(vocabulary, target)
        owners = [index for index, label in enumerate(vocabulary) for _ in label.negatives]
        self._make_room(len(label_of) + len(shared) + len(owners))
        rows = [self._rows(label, vocabulary.templates_of(label), target) for label in vocabulary]  # (p, D) each
        # All that is weighed against each other is said in the same templates, the bank too.
        common = vocabulary.templates_of(None)
        own = [self.encode(label.negatives, target, vocabulary.templates_of(label)) for label in vocabulary]  # (q, D)
        words = EncodedWords(
            phrases=torch.cat([torch.zeros(0, self._tower.card.width), *rows]),
            label_of=torch.tensor(label_of, dtype=torch.long),
            num_labels=len(vocabulary),
            negatives=torch.cat([self.encode_spoken(_spoken(shared), target, common), *own]),
            owner=torch.tensor([BANK] * len(shared) + owners, dtype=torch.long),
            near=NEAR,
            scales=torch.tensor([scale for scale, _ in lines], dtype=torch.float32),
            biases=torch.tensor([bias for _, bias in lines], dtype=torch.float32),
        )
        if not closed:
            self._check_opposed(vocabulary, words, target)
        return words

    def negatives(self, vocabulary: Vocabulary, target: Target) -> tuple[str, ...]:
        """The phrases of the negatives, row by row: the bank's, the vocabulary's, then each label's own."""
        return (*self._shared(vocabulary, target), *(phrase for label in vocabulary for phrase in label.negatives))

    def _shared(self, vocabulary: Vocabulary, target: Target) -> tuple[str, ...]:
        """Negatives that count against every label."""
        # A trained image bias is a background of its own; the bank would fight true scene words such as "floor".
        is_needed = target == "region" or self._tower.card.score(target).bias is None
        bank = self._bank if is_needed else ()
        return tuple(dict.fromkeys((*bank, *vocabulary.negatives)))

    def _rows(self, label: Label, templates: Chosen, target: Target) -> torch.Tensor:
        """`(p, D)` unit length, one for each of the label's phrases."""
        if label.taught is None:
            return self.encode_spoken(label.spoken, target, templates)
        card = self._tower.card
        if label.taught.tower != card.revision:
            raise FingerprintError(
                f"label {label.name!r} was taught with a tower {label.taught.tower}, this is {card.name} "
                f"{card.revision}: embeddings of different towers cannot be compared; teach it again with this detector"
            )
        if target == "image":
            raise PromptError(
                f"label {label.name!r} was taught from regions and cannot be asked of a whole image; leave it out, or "
                "ask for a region that is the whole frame"
            )
        row = torch.frombuffer(bytearray(label.taught.direction), dtype=torch.float32)  # (D,)
        if len(row) != card.width:
            raise FingerprintError(f"label {label.name!r}: expected {card.width} channels, got {len(row)}")
        return row[None]  # (1, D)

    def _check_opposed(self, vocabulary: Vocabulary, words: EncodedWords, target: Target) -> None:
        """A tower without a trained bias must have something to weigh each label against."""
        if self._tower.card.score(target).bias is not None or len(vocabulary) == 0:
            return
        alone = [
            name for name, any_ in zip(vocabulary.names, words.applies.any(dim=1).tolist(), strict=True) if not any_
        ]
        if alone:
            raise PromptError(
                f"label {alone[0]!r} has nothing to be weighed against and would score 1 everywhere: "
                f"{self._tower.card.name} has no trained bias for {target}s; leave the background bank on "
                '(bank = true), give negatives, or use mode = "closed"'
            )

    def _check(self, phrase: str, texts: Sequence[str], target: Target) -> None:
        """Check a phrase, and warn once of the longest of the texts it is read in, where that is cut."""
        check_phrase(phrase, "prompt")
        needed, read, text = max((*self._tower.count_tokens(text, target), text) for text in texts)
        if needed > read:
            warn(
                f"prompt {text!r} has {needed} tokens, {self._tower.card.name} reads {read}: "
                f"{needed - read} were cut; shorten it",
                PromptWarning,
            )


def _spoken(phrases: Sequence[str]) -> list[tuple[str, str]]:
    """Phrases with their languages, which those of the bank have whatever their letters."""
    return [(phrase, _BACKGROUND.get(phrase) or language_of(phrase)) for phrase in phrases]


def _line(label: Label) -> tuple[float, float]:
    """Scale and bias of a label's phrases; NaN for the tower's."""
    return (math.nan, math.nan) if label.taught is None else (label.taught.scale, label.taught.bias)
