"""A COCO-format data set as examples to train on and to measure on.

Letters: N boxes of a frame.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from regionclip.data.coco_file import CocoFile, boxes_of
from regionclip.data.examples import Example, HeldOut, drawn
from regionclip.data.settings import DataSettings
from regionclip.errors import ConfigError
from regionclip.frames import read_frame
from regionclip.scenes.language.sentences import Language
from regionclip.training.settings import TrainSettings

_ORDER = 0xC0C0


class CocoExamples:
    """A COCO-format data set as a `Source`.

    An epoch shows each picture once in each language in which something is said of it. Its pictures are shuffled and
    cut into batches, of one language each unless languages are mixed; what does not fill a batch waits for another
    epoch.

    Args:
        settings: of the run.
        together: pictures of a batch, all processes together.

    Raises:
        BoxError, ImageFileError: see `CocoFile`.
        ConfigError: nothing to learn for this stage, or fewer pictures than a batch has.
    """

    def __init__(self, settings: TrainSettings, together: int) -> None:
        file = CocoFile(settings.data)
        self._settings, self._together = settings, together
        self._pictures = file.pictures
        self.identity = file.identity
        spoken = {
            language: [i for i, picture in enumerate(file.pictures) if picture.speaks(language, settings.stage)]
            for language in settings.languages
        }
        if not any(spoken.values()):
            needed = "caption or long_caption" if settings.stage == "global" else "names, phrases or captions"
            raise ConfigError(
                f"annotations {settings.data.annotations}: stage {settings.stage} needs {needed} in "
                f"{' or '.join(settings.languages)}, got none"
            )
        pairs = [[(i, language) for i in pictures] for language, pictures in spoken.items() if pictures]
        self._pools = [[pair for pool in pairs for pair in pool]] if settings.mixed else pairs
        self._epoch: tuple[int, list[list[tuple[int, Language]]]] = (-1, [])
        self._batches = sum(len(pool) // together for pool in self._pools)
        if small := [pool for pool in self._pools if len(pool) < together]:
            raise ConfigError(
                f"batch: {together} pictures (all processes together), but the data have {len(small[0])}"
                + (
                    ""
                    if settings.mixed
                    else f" in {small[0][0][1]}; take a smaller batch, one language or mixed = true"
                )
            )

    @property
    def lacks(self) -> tuple[str, ...]:
        """Losses that have nothing to work on; all but the first and `hard` need nothing but texts of regions."""
        spoken = self._settings.languages
        captions = any(picture.short[s] or picture.long[s] for picture in self._pictures for s in spoken)
        regions = [region for picture in self._pictures for region in picture.regions]
        said = any(region.words[s] for region in regions for s in spoken)
        found = {
            "whole": captions,
            "region": said,
            "tic": said,
            "hard": any(region.words[s] and region.hard[s] for region in regions for s in spoken),
            "calibration": said,
        }
        return tuple(key for key, has in found.items() if not has)

    def batch(self, number: int, part: slice) -> list[Example]:
        """The pictures of batch `number`, counted through all epochs."""
        epoch, place = divmod(number, self._batches)
        if self._epoch[0] != epoch:
            self._epoch = (epoch, self._shuffled(epoch))
        return [self._example(*pair, number) for pair in self._epoch[1][place][part]]

    def _shuffled(self, epoch: int) -> list[list[tuple[int, Language]]]:
        rng = np.random.default_rng((self._settings.seed, _ORDER, epoch))
        batches = []
        for pool in self._pools:
            order = [pool[i] for i in rng.permutation(len(pool))]
            size = self._together
            batches += [order[start : start + size] for start in range(0, len(order) - size + 1, size)]
        return [batches[i] for i in rng.permutation(len(batches))]

    def _example(self, index: int, language: Language, number: int) -> Example:
        picture, settings = self._pictures[index], self._settings
        rng = np.random.default_rng((settings.seed, _ORDER, number, index, settings.languages.index(language)))
        regions = [region for region in picture.regions if region.words[language]]
        chosen = [regions[i] for i in sorted(rng.permutation(len(regions))[: settings.max_boxes].tolist())]
        return Example(
            picture=index,
            frame=read_frame(picture.path),
            boxes=boxes_of(chosen),
            words=tuple(region.words[language][rng.integers(len(region.words[language]))] for region in chosen),
            hard=tuple(tuple(drawn(region.hard[language], settings.hard_negatives, rng)) for region in chosen),
            short=_one(picture.short[language], rng),
            long=_one(picture.long[language], rng),
        )


class HeldOutCoco:
    """Pictures of a COCO-format file as a `HeldOutSource`; the classes are its categories.

    Raises:
        BoxError, ImageFileError: see `CocoFile`.
        ConfigError: no language has a name for every category, or no box has a category.
    """

    def __init__(self, data: DataSettings, languages: Sequence[Language], count: int) -> None:
        file = CocoFile(data)
        self._pictures = [p for p in file.pictures if any(r.label is not None for r in p.regions)][:count]
        self.names: Mapping[Language, Sequence[str]] = {
            language: names for language, names in file.names.items() if language in languages
        }
        if not self.names or not self._pictures:
            raise ConfigError(
                f"check: {data.annotations}: expected boxes with categories that all have a name in "
                f"{' or '.join(languages)}, got {len(self._pictures)} such pictures and names in "
                f"{', '.join(file.names) or 'no language'}"
            )

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: int) -> HeldOut:
        picture = self._pictures[index]
        regions = [region for region in picture.regions if region.label is not None]
        return HeldOut(
            read_frame(picture.path), boxes_of(regions), tuple(r.label for r in regions if r.label is not None)
        )


def _one(texts: Sequence[str], rng: np.random.Generator) -> str | None:
    return texts[int(rng.integers(len(texts)))] if texts else None
