"""Lists of words, one file a list and language: `lists/NAME.LANGUAGE.txt`.

A line `key: word; word` opens a list, indented lines go on with it, `#` begins a comment. The order of a file counts:
the same random numbers must choose the same words.
"""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files


@cache
def word_lists(name: str) -> Mapping[str, tuple[str, ...]]:
    """Key to words, of one file: `word_lists("kinds.en")["dog"]` is `("dog", "puppy", "hound")`."""
    lists: dict[str, list[str]] = {}
    text = (files(__package__) / "lists" / f"{name}.txt").read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        if not line.startswith(" "):
            key, _, line = line.partition(":")
            words = lists.setdefault(key, [])
        words += [word for part in line.split(";") if (word := part.strip())]
    return {key: tuple(words) for key, words in lists.items()}
