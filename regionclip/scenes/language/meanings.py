"""Phrases of a user's vocabulary to what they claim of a scene, as far as scenes know it."""

from functools import cache

from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.phrases import COLOURS, KINDS, Statement, trait_words, with_trait
from regionclip.scenes.language.sentences import LANGUAGES, Language, article
from regionclip.scenes.language.words import COLOUR_WORDS, GROUPS, KIND_WORDS, NOT_CERTAIN, THINGS


@cache
def meanings() -> dict[str, Statement]:
    """Phrase, lower case, to its claim: names, traits and colours of kinds, of groups of kinds and of things."""
    found: dict[str, Statement] = {}
    for language in LANGUAGES:
        for claim in (*_of_kinds(language), *_of_groups(language)):
            found.setdefault(claim.text.lower(), claim)
    return found


def _of_kinds(language: Language) -> list[Statement]:
    claims = []
    for kind in KINDS:
        kinds = frozenset({kind})
        for noun in KIND_WORDS[language][kind]:
            claims.append(Statement(noun, kinds))
            claims += _coloured(noun, kinds, language, wears=kind == "person")
            for trait in DRAWN[kind].traits:
                for holds in (True, False):
                    for words in trait_words(kind, trait, holds, language):
                        text = with_trait(noun, words, trait, language)
                        claims.append(Statement(text, kinds, traits=((trait, holds),)))
    return claims


def _of_groups(language: Language) -> list[Statement]:
    groups = [(words[language], kinds, NOT_CERTAIN.get(name, frozenset())) for name, (kinds, words) in GROUPS.items()]
    groups.append((THINGS[language], frozenset(KINDS), frozenset()))
    claims = []
    for nouns, kinds, doubtful in groups:
        for noun in nouns:
            claims.append(Statement(noun, kinds, not_certain=doubtful))
            claims += _coloured(noun, kinds, language, doubtful=doubtful)
    return claims


def _coloured(
    noun: str,
    kinds: frozenset[str],
    language: Language,
    *,
    wears: bool = False,
    doubtful: frozenset[str] = frozenset(),
) -> list[Statement]:
    """A noun in every colour; of people it is the jacket's."""
    claims = []
    for colour in COLOURS:
        for word in COLOUR_WORDS[language][colour]:
            if wears and language == "en":
                texts = [f"{noun} in {word}", f"{noun} in {article(word)} {word} jacket", f"{noun} wearing {word}"]
            elif wears:
                texts = [f"穿{word}色{garment}的{noun}" for garment in ("衣服", "上衣", "外套")]
            else:
                texts = [f"{word} {noun}"] if language == "en" else [f"{word}色的{noun}", f"{word}色{noun}"]
            claims += [Statement(text, kinds, frozenset({colour}), not_certain=doubtful) for text in texts]
    return claims
