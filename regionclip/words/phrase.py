"""What a phrase may be, and which language it is in."""

import re
import unicodedata
from collections.abc import Mapping, Sequence

from regionclip.errors import PromptError

_HAN = re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")
_CODE = re.compile("[a-z]{2,3}")


def check_phrase(phrase: object, what: str) -> None:
    """Make sure that `phrase` is a string with something to read in it.

    Raises:
        PromptError: naming `what` it was meant for.
    """
    if not isinstance(phrase, str):
        raise PromptError(f"{what}: expected a string, got {type(phrase).__name__} {phrase!r}")
    if not any(unicodedata.category(character)[0] in "LNPS" for character in phrase):
        raise PromptError(f"{what}: expected words, got {phrase!r}")
    if any(unicodedata.category(character) == "Cs" for character in phrase):
        raise PromptError(
            f"{what}: expected valid Unicode, got {phrase!r}; was it typed in another encoding than UTF-8?"
        )


def check_phrases(value: object, what: str) -> tuple[str, ...]:
    """A list of phrases as a tuple, each once.

    Raises:
        PromptError: where it is no list, or one of them is no phrase.
    """
    if isinstance(value, str | Mapping) or not isinstance(value, Sequence):
        raise PromptError(f"{what}: expected a list of strings, got {value!r}")
    for phrase in value:
        check_phrase(phrase, what)
    return tuple(dict.fromkeys(value))


def language_of(phrase: str) -> str:
    """`zh` where a phrase has a Han character, else `en`.

    >>> language_of("T恤"), language_of("T-shirt")
    ('zh', 'en')
    """
    return "zh" if _HAN.search(phrase) else "en"


def check_language(code: object, what: str) -> None:
    """Make sure that `code` is a language code, as en, zh.

    Raises:
        PromptError: naming `what` it was meant for.
    """
    if not isinstance(code, str) or not _CODE.fullmatch(code):
        raise PromptError(f"{what}: expected languages as en, zh, got {code!r}")


def spoken(value: object, languages: object, what: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Phrases and their languages, from a list, a list and its languages, or lists by language.

    Returns:
        The phrases, each once, and the language of each; no languages where every one is what `language_of` says.

    Raises:
        PromptError: where they are none of these.
    """
    if isinstance(value, Mapping):
        pairs: dict[str, str] = {}
        for language, texts in value.items():
            check_language(language, what)
            for phrase in check_phrases(texts, f"{what}.{language}"):
                pairs.setdefault(phrase, language)
    else:
        phrases = check_phrases(value, what)
        if isinstance(languages, str) or not isinstance(languages, Sequence) or len(languages) not in (0, len(phrases)):
            raise PromptError(f"{what}: expected a language for each of {len(phrases)} phrases, got {languages!r}")
        for language in languages:
            check_language(language, what)
        pairs = dict(zip(phrases, languages or map(language_of, phrases), strict=True))
    if all(language == language_of(phrase) for phrase, language in pairs.items()):
        return tuple(pairs), ()
    order = list(dict.fromkeys(pairs.values()))
    grouped = sorted(pairs, key=lambda phrase: order.index(pairs[phrase]))  # as a file by language gives them back
    return tuple(grouped), tuple(pairs[phrase] for phrase in grouped)
