"""Templates: sentences that a phrase is put into before it is encoded, `a photo of a {}.`

The embedding of a phrase is then the unit-length mean of the unit-length embeddings of its sentences: the prompt
ensembling of CLIP (Radford et al. 2021, arXiv:2103.00020, section 3.1.4; the arithmetic is that of the notebook
`Prompt_Engineering_for_ImageNet.ipynb` released with it). Without templates a phrase is encoded as it is.
"""

import re
from collections.abc import Mapping, Sequence
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

IMAGENET = (
    "a bad photo of a {}.",
    "a photo of many {}.",
    "a sculpture of a {}.",
    "a photo of the hard to see {}.",
    "a low resolution photo of the {}.",
    "a rendering of a {}.",
    "graffiti of a {}.",
    "a bad photo of the {}.",
    "a cropped photo of the {}.",
    "a tattoo of a {}.",
    "the embroidered {}.",
    "a photo of a hard to see {}.",
    "a bright photo of a {}.",
    "a photo of a clean {}.",
    "a photo of a dirty {}.",
    "a dark photo of the {}.",
    "a drawing of a {}.",
    "a photo of my {}.",
    "the plastic {}.",
    "a photo of the cool {}.",
    "a close-up photo of a {}.",
    "a black and white photo of the {}.",
    "a painting of the {}.",
    "a painting of a {}.",
    "a pixelated photo of the {}.",
    "a sculpture of the {}.",
    "a bright photo of the {}.",
    "a cropped photo of a {}.",
    "a plastic {}.",
    "a photo of the dirty {}.",
    "a jpeg corrupted photo of a {}.",
    "a blurry photo of the {}.",
    "a photo of the {}.",
    "a good photo of the {}.",
    "a rendering of the {}.",
    "a {} in a video game.",
    "a photo of one {}.",
    "a doodle of a {}.",
    "a close-up photo of the {}.",
    "a photo of a {}.",
    "the origami {}.",
    "the {} in a video game.",
    "a sketch of a {}.",
    "a doodle of the {}.",
    "a origami {}.",
    "a low resolution photo of a {}.",
    "the toy {}.",
    "a rendition of the {}.",
    "a photo of the clean {}.",
    "a photo of a large {}.",
    "a rendition of a {}.",
    "a photo of a nice {}.",
    "a photo of a weird {}.",
    "a blurry photo of a {}.",
    "a cartoon {}.",
    "art of a {}.",
    "a sketch of the {}.",
    "a embroidered {}.",
    "a pixelated photo of a {}.",
    "itap of the {}.",
    "a jpeg corrupted photo of the {}.",
    "a good photo of a {}.",
    "a plushie {}.",
    "a photo of the nice {}.",
    "a photo of the small {}.",
    "a photo of the weird {}.",
    "the cartoon {}.",
    "art of the {}.",
    "a drawing of the {}.",
    "a photo of the large {}.",
    "a black and white photo of a {}.",
    "the plushie {}.",
    "a dark photo of a {}.",
    "itap of a {}.",
    "graffiti of the {}.",
    "a toy {}.",
    "itap of my {}.",
    "a photo of a cool {}.",
    "a photo of a small {}.",
    "a tattoo of the {}.",
)
"""The 80 templates of CLIP's notebook, as they stand there."""

SETS: dict[str, dict[str, tuple[str, ...]]] = {
    "imagenet": {"en": IMAGENET},
    "security": {
        "en": (
            "{}",
            "a photo of a {}.",
            "a surveillance camera image of a {}.",
            "a CCTV frame that shows a {}.",
            "a {} seen from above.",
            "a low resolution photo of a {}.",
            "a dark photo of a {} at night.",
            "a {} in the distance.",
        ),
        "zh": (
            "{}",
            "一张{}的照片。",
            "监控画面中的{}。",
            "摄像头拍到的{}。",
            "从高处俯拍的{}。",
            "不太清晰的{}。",
            "夜间拍到的{}。",
            "远处的{}。",
        ),
    },
    "robotics": {
        "en": (
            "{}",
            "a photo of a {}.",
            "a {} seen by a robot.",
            "a close-up photo of a {}.",
            "a {} on a table.",
            "a {} on the floor.",
            "a cropped photo of a {}.",
            "a {} that is partly hidden.",
        ),
        "zh": (
            "{}",
            "一张{}的照片。",
            "机器人看到的{}。",
            "{}的特写。",
            "桌上的{}。",
            "地上的{}。",
            "只拍到一部分的{}。",
            "被遮挡的{}。",
        ),
    },
}
"""Set to language to sentences. Those of security and robotics are ours; each holds the bare phrase too."""


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
