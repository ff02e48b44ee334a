"""Templates: sentences that a phrase is put into before it is encoded, `a photo of a {}.`

The embedding of a phrase is then the unit-length mean of the unit-length embeddings of its sentences: the prompt
ensembling of CLIP (Radford et al. 2021, arXiv:2103.00020, section 3.1.4; the arithmetic is that of the notebook
`Prompt_Engineering_for_ImageNet.ipynb` released with it). Without templates a phrase is encoded as it is.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TypeAlias

from regionclip.errors import PromptError
from regionclip.words.phrase import check_language, check_phrases

Templates: TypeAlias = str | Mapping[str, str | Sequence[str]] | Sequence[tuple[str, str | Sequence[str]]]
"""A set's name for every language that has it, or for each language a set's name or sentences with one `{}`."""

Chosen: TypeAlias = tuple[tuple[str, str | tuple[str, ...]], ...]
"""Templates as they are kept: (language, set's name or sentences), sorted by language; empty for none."""

NONE = "none"
_SLOT = "{}"
_ARTICLE = re.compile(r"(?<!\S)(?:a|an|the)\s+$", re.IGNORECASE)
_DETERMINED = re.compile(r"(?:a|an|the)\s", re.IGNORECASE)

SETS: dict[str, dict[str, tuple[str, ...]]] = {
    name: {language: tuple(sentences) for language, sentences in by_language.items()}
    for name, by_language in tomllib.loads((files(__package__) / "templates.toml").read_text("utf-8")).items()
}
"""Set to language to sentences."""


def read_templates(value: object, what: str) -> Chosen:
    """Templates as a user gives them, checked, in the form that is kept.

    Raises:
        PromptError: for a set that does not exist, has nothing for a language, or a sentence without one `{}`.
    """
    if isinstance(value, str):
        _known(value, what)
        return tuple((language, value) for language in sorted(SETS.get(value, {})))
    if not isinstance(value, Mapping | Sequence):
        raise PromptError(f'{what}: expected a set as "security", or {{en = ..., zh = ...}}, got {value!r}')
    try:
        pairs = dict(value)
    except (TypeError, ValueError) as error:
        raise PromptError(f"{what}: expected {{en = ..., zh = ...}}, got {value!r}") from error
    chosen: dict[str, str | tuple[str, ...]] = {}
    for language, given in pairs.items():
        check_language(language, what)
        if isinstance(given, str):
            _known(given, what)
            if given == NONE:
                continue
            if language not in SETS[given]:
                raise PromptError(
                    f"{what}: the set {given!r} has no sentences for {language}, only for "
                    f"{', '.join(SETS[given])}; give a list of sentences"
                )
            chosen[language] = given
        elif sentences := check_phrases(given, f"{what}.{language}"):
            if wrong := [sentence for sentence in sentences if sentence.count(_SLOT) != 1]:
                raise PromptError(f"{what}.{language}: expected sentences with one {_SLOT}, got {wrong[0]!r}")
            chosen[language] = sentences
    return tuple(sorted(chosen.items()))


def sentences_of(templates: Chosen, language: str) -> tuple[str, ...]:
    """The sentences of a language; none where its phrases are encoded as they are."""
    chosen = dict(templates).get(language, ())
    return SETS[chosen][language] if isinstance(chosen, str) else chosen


def fill(sentence: str, phrase: str) -> str:
    """Put a phrase in its place; an article of the sentence gives way to one that the phrase brings.

    >>> fill("a photo of a {}.", "dog"), fill("a photo of a {}.", "the floor")
    ('a photo of a dog.', 'a photo of the floor.')
    """
    before, after = sentence.split(_SLOT)
    if _DETERMINED.match(phrase):
        before = _ARTICLE.sub("", before)
    return before + phrase + after


def _known(name: str, what: str) -> None:
    if name != NONE and name not in SETS:
        raise PromptError(
            f"{what}: the set {name!r} does not exist: expected {', '.join(SETS)}, {NONE}, or a list of sentences"
        )
