"""The plainest phrases about an object of a scene, parted into what is true of it and what is nearly true.

All of them are pairs and traits that training scenes show: a phrase that is never true would be learned as one that
means nothing.
"""

from regionclip.scenes.kinds.colours import trained_colours
from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.phrases import Statement, name, phrase, trait_phrase
from regionclip.scenes.language.sentences import Language
from regionclip.scenes.stage import SceneObject

_NEAR = 3


def true_phrases(item: SceneObject, language: Language) -> list[str]:
    """What is true of an object: its name, its colour, and its traits where they can be seen."""
    return [each.text for each in _about(item, language) if each.holds(item) == 1]


def false_phrases(item: SceneObject, language: Language) -> list[str]:
    """What is nearly true of an object: its kind in up to three other colours, the opposites of its traits."""
    false = [each for each in _about(item, language) if each.holds(item) == 0]
    coloured = [each.text for each in false if each.colours]
    start = len(item.kind) + int(item.xyxy[0])  # not the same three for all of a kind
    some = [coloured[(start + step) % len(coloured)] for step in range(min(_NEAR, len(coloured)))]
    return [*some, *(each.text for each in false if not each.colours)]


def possible_phrases(item: SceneObject, language: Language) -> list[str]:
    """What is true of an object, and what can neither be said nor denied: traits too small to see, nameless colours."""
    return [each.text for each in _about(item, language) if each.holds(item) != 0]


def _about(item: SceneObject, language: Language) -> list[Statement]:
    """Name, colours and traits of the object's kind."""
    kinds = frozenset({item.kind})
    own = [] if item.colour is None else [item.colour]
    colours = dict.fromkeys([*own, *trained_colours(item.kind)])  # a scene may be asked for with pairs never trained
    return [
        Statement(name(item.kind, language), kinds),
        *(Statement(phrase(item.kind, colour, language), kinds, frozenset({colour})) for colour in colours),
        *(
            Statement(trait_phrase(item.kind, trait, holds, language), kinds, traits=((trait, holds),))
            for trait in DRAWN[item.kind].traits
            for holds in (True, False)
        ),
    ]
