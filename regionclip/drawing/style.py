"""How pictures are drawn: one frozen value."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from regionclip.drawing.colours import UNKNOWN, Colour, colour, label_colours
from regionclip.errors import ConfigError
from regionclip.words.phrase import language_of
from regionclip.words.vocabulary import Vocabulary, Words

Language = Literal["en", "zh"]

_LARGEST = 10

_UNKNOWN_SHOWN: dict[Language, str] = {"en": UNKNOWN, "zh": "未知"}


@dataclass(frozen=True, slots=True)
class Style:
    """What is written beside boxes, and how. Make a changed one with `dataclasses.replace`.

    Attributes:
        words: the labels that are asked for. Their colours then differ from one another in every frame, the legend
            lists them all, and `language` and `attributes` know of them.
        language: `"en"` or `"zh"` shows the words by their name in that language, or the first phrase in it, where they
            have one; None shows names as they are.
        score: whether the confidence is written.
        track: whether the track's number is written, as `#12`.
        attributes: columns of `detections.data` written after the label, as `person 0.87 · helmet`; empty values are
            left out. None takes the attributes of `words`.
        legend: whether the picture gets a legend of colours and names.
        blur: names whose boxes are made unrecognisable before anything is drawn (`regionclip.blur`).
        colours: colours of your own by label name, as `{"fire": "ff0000"}`.
        scale: size of text and lines, up to 10; 1 suits a frame seen whole on a screen.
        font: a TrueType or OpenType file for all text; None takes `REGIONCLIP_FONT`, else the fonts in OpenCV 5, else
            one found on the system (docs/drawing.md).

    Raises:
        ConfigError: for a value that cannot be.
        PromptError: where `words` cannot be asked for.
    """

    words: Words = ()
    language: Language | None = None
    score: bool = True
    track: bool = True
    attributes: Sequence[str] | None = None
    legend: bool = False
    blur: Sequence[str] = ()
    colours: Mapping[str, str] = field(default_factory=dict)
    scale: float = 1.0
    font: str | Path | None = None
    _shown: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.language not in (None, "en", "zh"):
            raise ConfigError(f"style: expected language 'en', 'zh' or None, got {self.language!r}")
        if not (isinstance(self.scale, int | float) and 0 < self.scale <= _LARGEST):
            raise ConfigError(f"style: expected a scale above 0 and up to {_LARGEST}, got {self.scale!r}")
        object.__setattr__(self, "blur", _strings(self.blur, "style blur"))
        if self.attributes is not None:
            object.__setattr__(self, "attributes", _strings(self.attributes, "style attributes"))
        for each in self.colours.values():
            colour(each)
        object.__setattr__(self, "colours", dict(self.colours))
        object.__setattr__(self, "words", Vocabulary.of(self.words))
        object.__setattr__(self, "_shown", self._names_shown())

    @property
    def names(self) -> tuple[str, ...]:
        """Names of those of `words` that may become detections, in order."""
        labels = tuple(Vocabulary.of(self.words))
        return tuple(labels[place].name for place in Vocabulary.of(self.words).plain)

    def columns(self, data: Mapping[str, object]) -> tuple[str, ...]:
        """The columns of a result's `data` that are written as attributes.

        Raises:
            ConfigError: where the style names one that is not there.
        """
        if self.attributes is None:
            return tuple(name for name in Vocabulary.of(self.words).columns if name in data)
        missing = [name for name in self.attributes if name not in data]
        if missing:
            there = ", ".join(data) or "it has none"
            raise ConfigError(f"style attributes: expected columns of detections.data ({there}), got {missing}")
        return tuple(self.attributes)

    def shown(self, name: str) -> str:
        """What is written for a label: its name, or its phrase in the style's language."""
        return self._shown.get(name, name)

    def palette(self, names: Sequence[str] = ()) -> dict[str, Colour]:
        """The colour of each of `names` and of the style's own words; `colours` comes first, then the name's hash."""
        found = label_colours((*self.names, *names))
        return {name: colour(self.colours[name]) if name in self.colours else found[name] for name in found}

    def _names_shown(self) -> dict[str, str]:
        if self.language is None:
            return {}
        shown = {UNKNOWN: _UNKNOWN_SHOWN[self.language]}
        for label in Vocabulary.of(self.words):
            phrases = [phrase for phrase, language in label.spoken if language == self.language]
            name = label.shown(self.language)
            shown[label.name] = next(iter(phrases), name) if language_of(name) != self.language else name
        return shown


def _strings(values: Sequence[str], what: str) -> tuple[str, ...]:
    if isinstance(values, str) or not all(isinstance(value, str) for value in values):
        raise ConfigError(f"{what}: expected a list of names, got {values!r}")
    return tuple(values)
