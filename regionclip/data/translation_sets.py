"""Sets with true boxes for the comparison of two languages: rendered scenes, or a COCO file.

Letters: N regions, C labels.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regionclip.data.coco_file import CocoFile, Picture, Region
from regionclip.frames import read_frame
from regionclip.scenes.language.meanings import meanings
from regionclip.scenes.render import render_scene
from regionclip.scenes.stage import SceneObject, boxes_of
from regionclip.towers.base import Frame
from regionclip.words.vocabulary import Label, Vocabulary

LabelTruth = NDArray[np.float64]
"""`(N, C)`: 1 where a label is true of a region, 0 where not, NaN where the set does not say."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """A picture with true boxes.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        boxes: `(N, 4)` xyxy in its pixels.
        truth: `(N, C)`.
    """

    frame: Frame
    boxes: NDArray[np.float32]
    truth: LabelTruth


def scene_samples(
    vocabulary: Vocabulary, *, seed: int, count: int, size: tuple[int, int] = (480, 640)
) -> list[Callable[[], Sample]]:
    """Rendered scenes of a series, rendered one by one as they are asked for."""

    def sample(index: int) -> Sample:
        scene = render_scene(seed, index, size)
        return Sample(scene.frame, boxes_of(scene.objects), _truth_of_scene(vocabulary, scene.objects))

    return [partial(sample, index) for index in range(count)]


def coco_samples(vocabulary: Vocabulary, annotations: Path, images: Path) -> list[Callable[[], Sample]]:
    """Pictures of a COCO file whose categories have `name` and `name_zh` (docs/formats.md, "Training data").

    A label is matched to categories and to phrases of regions by its name and its phrases.

    Raises:
        BoxError: the file is missing, or not as expected.
        ImageFileError: pictures are missing, or are no pictures.
    """
    file = CocoFile.at(annotations, images)
    categories = frozenset(name.lower() for names in file.names.values() for name in names)

    def sample(picture: Picture) -> Sample:
        rows = [[_of_region(label, region, categories) for label in vocabulary] for region in picture.regions]
        truth = np.array(rows, np.float64).reshape(len(rows), len(vocabulary))  # (N, C)
        return Sample(read_frame(picture.path), picture.boxes, _of_parents(vocabulary, truth))

    return [partial(sample, picture) for picture in file.pictures]


def _truth_of_scene(vocabulary: Vocabulary, objects: Sequence[SceneObject]) -> LabelTruth:
    known = meanings()
    claims = [[known[text] for text in _texts(label) if text in known] for label in vocabulary]
    # The best of a label's claims: true before unsaid before false.
    truth = np.full((len(objects), len(claims)), np.nan)  # (N, C)
    for row, item in enumerate(objects):
        for column, own in enumerate(claims):
            held = [claim.holds(item) for claim in own]
            truth[row, column] = 1.0 if 1.0 in held else np.nan if not held or np.isnan(held).any() else 0.0
    return _of_parents(vocabulary, truth)


def _of_region(label: Label, region: Region, categories: frozenset[str]) -> float:
    texts = _texts(label)
    true = {text for words in region.words.values() for word in words for text in word.true}
    hard = {text.lower() for words in region.hard.values() for text in words}
    if texts & true:
        return 1.0
    return 0.0 if texts & hard or (texts & categories and region.label is not None) else np.nan


def _texts(label: Label) -> set[str]:
    return {text.lower() for text in (label.name, label.name_zh, *label.phrases) if text}


def _of_parents(vocabulary: Vocabulary, truth: LabelTruth) -> LabelTruth:
    """Attributes are neither true nor false of regions that none of the labels they are asked of is true of."""
    place = {name: index for index, name in enumerate(vocabulary.names)}
    labels = tuple(vocabulary)
    for member in (member for members in vocabulary.columns.values() for member in members):
        above = [place[name] for name in labels[member].of]
        truth[~(truth[:, above] == 1).any(axis=1), member] = np.nan
    return truth
