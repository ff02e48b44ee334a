"""Rendered scenes as examples: endless, with hard negatives and captions in both languages."""

from collections.abc import Mapping, Sequence

import numpy as np

from regionclip.data.examples import Example, HeldOut, RegionText, drawn
from regionclip.data.settings import DataSettings
from regionclip.scenes.language.phrases import KINDS, kind_names, name, phrase
from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.language.statements import false_phrases, possible_phrases, true_phrases
from regionclip.scenes.render import render_scene
from regionclip.scenes.stage import SceneObject, boxes_of
from regionclip.training.settings import TrainSettings

_BETWEEN: dict[Language, str] = {"en": ", ", "zh": "、"}


class SceneExamples:
    """Scenes of one series as a `Source`, none twice.

    A region's text is the name of its kind or, as often, anything true of it; its hard negatives are what is nearly
    true (regionclip/scenes/language/statements.py). The short caption lists the kinds, the long one kinds and colours.
    """

    def __init__(self, settings: TrainSettings, together: int) -> None:
        self._settings = settings
        self._together = together
        data = settings.data
        self.identity = f"scenes of series {data.seed}, {data.height} x {data.width}"
        self.lacks: tuple[str, ...] = ()

    def batch(self, number: int, part: slice) -> list[Example]:
        """Scenes from `number * together` on."""
        settings = self._settings
        rng = np.random.default_rng((settings.seed, 0x5CE7E, number))
        spoken = rng.integers(len(settings.languages), size=self._together)  # (together,)
        if not settings.mixed:
            spoken[:] = spoken[0]
        return [
            self._example(number * self._together + i, settings.languages[spoken[i]])
            for i in range(self._together)[part]
        ]

    def _example(self, index: int, language: Language) -> Example:
        settings = self._settings
        rng = np.random.default_rng((settings.seed, 0x5CE7F, index))
        scene = render_scene(settings.data.seed, index, (settings.data.height, settings.data.width))
        chosen = sorted(rng.permutation(len(scene.objects))[: settings.max_boxes].tolist())
        things = [scene.objects[i] for i in chosen]
        return Example(
            picture=index,
            frame=scene.frame,
            boxes=boxes_of(things),
            words=tuple(_words(thing, language, rng) for thing in things),
            hard=tuple(tuple(drawn(false_phrases(thing, language), settings.hard_negatives, rng)) for thing in things),
            short=_caption(scene.objects, language, coloured=False),
            long=_caption(scene.objects, language, coloured=True),
        )


class HeldOutScenes:
    """The first scenes of another series as a `HeldOutSource`; the classes are the kinds."""

    def __init__(self, data: DataSettings, languages: Sequence[Language], count: int) -> None:
        self._data = data
        self._count = count
        self.names: Mapping[Language, Sequence[str]] = {language: kind_names(language) for language in languages}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> HeldOut:
        scene = render_scene(self._data.seed, index, (self._data.height, self._data.width))
        return HeldOut(scene.frame, boxes_of(scene.objects), tuple(KINDS.index(thing.kind) for thing in scene.objects))


def _words(thing: SceneObject, language: Language, rng: np.random.Generator) -> RegionText:
    texts = true_phrases(thing, language)  # the name comes first
    text = texts[0] if rng.random() < 0.5 else texts[rng.integers(len(texts))]
    return RegionText(text, frozenset(each.lower() for spoken in LANGUAGES for each in possible_phrases(thing, spoken)))


def _caption(things: Sequence[SceneObject], language: Language, *, coloured: bool) -> str | None:
    said = [
        phrase(thing.kind, thing.colour, language) if coloured and thing.colour else name(thing.kind, language)
        for thing in things
    ]
    return _BETWEEN[language].join(said) or None
