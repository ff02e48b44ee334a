"""The bilingual words that phrases are made of. The first name of a list is the canonical one."""

from collections.abc import Mapping

from regionclip.scenes.language.lists import word_lists

Lists = Mapping[str, tuple[str, ...]]
Wear = dict[bool, tuple[str, ...]]


def _both(name: str) -> dict[str, Lists]:
    return {language: word_lists(f"{name}.{language}") for language in ("en", "zh")}


KIND_WORDS = _both("kinds")
COLOUR_WORDS = _both("colours")
SIZES = _both("sizes")

PLURALS: dict[str, str] = {one: many for one, (many,) in word_lists("plurals.en").items()}
"""Plurals that are not made by adding s or es to the last word."""

NO_ARTICLE: frozenset[str] = frozenset({"scissors", "shears", "smoke", "fumes", "flames"})
"""Last words of English names that "a" and "one" do not go with."""

_GROUP_WORDS = _both("groups")
_MEMBERS: dict[str, frozenset[str]] = {
    "vehicle": frozenset({"car", "truck", "bus", "bicycle", "motorcycle", "forklift"}),
    "animal": frozenset({"dog", "cat"}),
    "robot": frozenset({"mobile robot", "robot arm"}),
    "bag": frozenset({"suitcase", "backpack", "handbag"}),
    "drinkware": frozenset({"cup", "bottle"}),
    "furniture": frozenset({"chair", "table"}),
    "sharp": frozenset({"knife", "scissors"}),
    "road safety": frozenset({"traffic cone", "barrier"}),
}

GROUPS: dict[str, tuple[frozenset[str], Lists]] = {
    group: (members, {language: words[group] for language, words in _GROUP_WORDS.items()})
    for group, members in _MEMBERS.items()
}
"""Group name to its members and its words."""

THINGS: Lists = {language: words["thing"] for language, words in _GROUP_WORDS.items()}
"""Words for anything at all."""

NOT_CERTAIN: dict[str, frozenset[str]] = {"vehicle": frozenset({"mobile robot"}), "robot": frozenset({"drone"})}
"""Group name to kinds of which one may or may not say so: nothing is claimed of them."""


def _said(lists: Lists, trait: str) -> Wear:
    return {True: lists[trait], False: lists[f"not {trait}"]}


TRAITS: dict[str, dict[str, Wear]] = {
    language: {trait: _said(lists, trait) for trait in ("helmet", "vest", "backpack", "open")}
    for language, lists in _both("traits").items()
}
"""Language, trait and whether it holds, to the words that say so: after an English noun (but before it for "open"),
before a Chinese one."""

UMBRELLA: Wear = _said(word_lists("traits.zh"), "open umbrella")
"""How Chinese says that an umbrella is open or closed: not as it does of a door."""
