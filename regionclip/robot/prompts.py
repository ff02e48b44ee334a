"""Words that come as text, as on a topic of `std_msgs/String`: a JSON array or object, or one prompt a line."""

import json
from collections.abc import Mapping
from typing import Annotated, ClassVar

from pydantic import Field

from regionclip.errors import ConfigError, PromptError
from regionclip.formats.settings import Settings, Text, Texts
from regionclip.words.vocabulary import Label, Vocabulary, parse_label

MOST_LABELS = 65_535
"""Ids of a `vision_msgs/LabelInfo` have 16 bits, and the last one means that there is no label."""


class _Asked(Settings):
    """A JSON object of phrases; `names` says of some what they are called in results: those of one name are a label."""

    title: ClassVar[str] = "prompts"

    prompts: Texts
    threshold: float | None = None
    names: Mapping[str, Text] = {}


class Question(Settings):
    """What a memory is asked for: one phrase, and how many answers at most."""

    title: ClassVar[str] = "question"

    words: Text
    top: Annotated[int, Field(ge=1)] = 5


def parse_prompts(text: str) -> Vocabulary:
    r"""The vocabulary that a text asks for; never split at commas.

    `["person", "红色的灭火器"]`, or `{"prompts": [...], "threshold": 0.4, "names": {"红色的灭火器": "extinguisher"}}`,
    or lines as `-p` takes them (`forklift=forklift|叉车`), without those that are empty or begin with `#`.

    Raises:
        PromptError: where it asks for nothing, or for what cannot be asked for.
    """
    if not text.lstrip().startswith(("[", "{")):
        lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
        return _checked(Vocabulary([parse_label(line) for line in lines]))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise PromptError(
            f"prompts: expected JSON after {text.lstrip()[0]!r}, or one prompt a line: {error}"
        ) from error
    try:
        asked = _Asked.of(value if isinstance(value, dict) else {"prompts": value}, "prompts")
    except ConfigError as error:
        raise PromptError(str(error)) from error
    if strange := asked.names.keys() - set(asked.prompts):
        raise PromptError(f"prompts: names: {min(strange)!r} is none of the prompts {', '.join(asked.prompts[:8])}")
    phrases: dict[str, list[str]] = {}
    for phrase in asked.prompts:
        phrases.setdefault(asked.names.get(phrase, phrase), []).append(phrase)
    labels = [Label(name, () if own == [name] else own) for name, own in phrases.items()]
    return _checked(Vocabulary(labels, threshold=asked.threshold))


def parse_question(text: str) -> Question:
    """What a text asks a memory for: a phrase, or `{"words": "红色的行李箱", "top": 5}`.

    Raises:
        PromptError: where it is neither.
    """
    try:
        return Question.of(json.loads(text) if text.lstrip().startswith("{") else {"words": text.strip()}, "question")
    except ConfigError as error:
        raise PromptError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise PromptError(f"question: expected words, or JSON after '{{': {error}") from error


def _checked(vocabulary: Vocabulary) -> Vocabulary:
    if not 0 < len(vocabulary) <= MOST_LABELS:
        raise PromptError(f"prompts: expected 1 to {MOST_LABELS} labels, got {len(vocabulary)}")
    return vocabulary
