"""What a phrase may be, and which language it is in."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence

from regionclip.errors import PromptError, PromptWarning, warn

_LETTERS = {
    "ja": re.compile("[\u3041-\u3096\u30a1-\u30fa\u31f0-\u31ff\uff66-\uff9d]"),
    "ko": re.compile("[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]"),
    "zh": re.compile("[\u3005\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"),
    "ru": re.compile("[\u0400-\u052f]"),
    "ar": re.compile("[\u0620-\u064a\u0671-\u06d3\ufb50-\ufdff\ufe70-\ufefc]"),
    "th": re.compile("[\u0e01-\u0e3a\u0e40-\u0e4e]"),
    "hi": re.compile("[\u0900-\u097f]"),
}
"""Letters that tell a language, the surest first: kana are Japanese only, Han characters may be."""

_CODE = re.compile("[a-z]{2,3}")

_SYNTAX = re.compile(r"[^\W\d]\s*(?:=|\||｜)\s*[^\W\d]")
"""What only the command line reads: a sign between two letters. `1=1` and `A-|` are words."""

_SEPARATOR = re.compile(r"(?<!\d),|,(?!\d)|[，、;；]")
"""What stands between the words of a list; a comma within a number does not."""

_GOES_ON = re.compile(
    "(?:no|not|non|with|without|in|on|at|by|of|and|or|from|to|who|that|which|wearing|holding|carrying|standing|sitting)"
    r"\b|[没不无未非禁带戴穿拿抱背坐站躺正在有和或与]"
)
"""How a part of a sentence begins that says more of the part before it."""

_ARTICLE = re.compile(r"(?:an?|the)\b")

_MOST_WORDS, _MOST_HAN = 3, 6
"""Words of an English part, and characters of a Chinese one, up to which it is the name of a thing."""


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
    """The language that the letters of a phrase are most used for; `en` for Latin ones, which do not tell.

    >>> language_of("T恤"), language_of("Tシャツ"), language_of("T-shirt")
    ('zh', 'ja', 'en')
    """
    return next((language for language, letters in _LETTERS.items() if letters.search(phrase)), "en")


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


def warn_of_syntax(words: Iterable[str]) -> None:
    """Warn once where strings were probably meant as several phrases or labels: they are taken as they stand.

    A string looks like a label of the command line where `=` or `|` stands between letters, and like a list where
    commas (or 、 and ;) part it into names of things (`listed`).

    Args:
        words: the strings of a call; not the names of `Label`, whoever writes one means it.
    """
    for text in words:
        if _SYNTAX.search(text):
            name = re.split("[=|｜]", text)[0].strip()
            hint = f"= and | are read on the command line only; write Label({name!r}, prompts=[...])"
        elif parts := listed(text):
            each = ", ".join(map(repr, parts))
            hint = f"nothing is split; give {each} as labels of their own, or Label({text!r}) where that is meant"
        else:
            continue
        warn(f"prompt {text!r} is taken as one phrase: {hint}", PromptWarning)
        return


def listed(text: str) -> tuple[str, ...]:
    """The names that a string looks like a list of, else nothing.

    Each part has up to three English words or six Chinese characters, none goes on with a sentence (`no entry`,
    `wearing a hat`, `没戴安全帽`), and either all or none have an article. Of two parts the second must not
    have more English words than the first, as in `small, red ball`.

    >>> listed("person, dog"), listed("人、狗"), listed("a tall, thin man"), listed("no entry, sign")
    (('person', 'dog'), ('人', '狗'), (), ())
    """
    parts = tuple(part.strip() for part in _SEPARATOR.split(text))
    if len(parts) < 2 or not all(map(_names_a_thing, parts)):
        return ()
    if len({_ARTICLE.match(part.lower()) is None for part in parts}) > 1:
        return ()
    chinese = any(language_of(part) == "zh" for part in parts)
    if len(parts) == 2 and not chinese and len(parts[0].split()) < len(parts[1].split()):
        return ()
    return parts


def _names_a_thing(part: str) -> bool:
    if not part or _GOES_ON.match(part.lower()):
        return False
    return len(part) <= _MOST_HAN if language_of(part) == "zh" else len(part.split()) <= _MOST_WORDS
