"""Pictures with true boxes to measure proposers on: rendered scenes, rendered clips, any COCO-format file.

Letters: N true boxes of a frame.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from regionclip.data.coco_file import CocoFile
from regionclip.frames import Frame, read_frame
from regionclip.scenes.clips import MOVEMENTS, Movement, render_clip
from regionclip.scenes.language.phrases import kind_names
from regionclip.scenes.render import render_scene
from regionclip.scenes.stage import boxes_of

_CLIP_SECONDS, _CLIP_FPS = 5.0, 10.0


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """A frame and its true boxes.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        boxes: `(N, 4)` xyxy in pixels.
        moving: `(N,)` which of them move at this moment, or None where that is not known.
        source: number of the clip; frames of one follow each other.
    """

    frame: Frame
    boxes: NDArray[np.float32]
    moving: NDArray[np.bool_] | None
    source: int


@dataclass(frozen=True, slots=True, eq=False)
class ShotSet:
    """Shots that are made or read one by one.

    Attributes:
        title: what they are, for people.
        count: how many.
        words: names of all classes, in English.
        make: gives all of them in order.
    """

    title: str
    count: int
    words: tuple[str, ...]
    make: Callable[[], Iterator[Shot]]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Shot]:
        return self.make()


def scene_shots(seed: int, count: int, size: tuple[int, int]) -> ShotSet:
    """Rendered scenes of `size` `(H, W)`; each stands alone."""

    def make() -> Iterator[Shot]:
        for index in range(count):
            scene = render_scene(seed, index, size)
            yield Shot(scene.frame, boxes_of(scene.objects), None, index)

    return ShotSet(f"scenes {size[1]}x{size[0]}, seed {seed}", count, kind_names("en"), make)


def clip_shots(seed: int, count: int, size: tuple[int, int], camera: Movement | None = None) -> ShotSet:
    """Rendered clips of `size` `(H, W)`, 5 seconds at 10 frames a second; without `camera`, every second one moves."""

    def make() -> Iterator[Shot]:
        for index in range(count):
            own = camera or MOVEMENTS[index % 2]
            for shot in render_clip(seed, index, size, seconds=_CLIP_SECONDS, fps=_CLIP_FPS, camera=own):
                yield Shot(shot.frame, boxes_of(shot.objects), np.array(shot.moving, np.bool_), index)

    title = f"clips {size[1]}x{size[0]}, seed {seed}, {count} clips, camera {camera or 'still and moving'}"
    return ShotSet(title, count * round(_CLIP_SECONDS * _CLIP_FPS), kind_names("en"), make)


def coco_shots(annotations: Path, images: Path, split: str | None = None, most: int | None = None) -> ShotSet:
    """Pictures of a COCO-format file (docs/formats.md), all or the first `most` of a split; crowd boxes are left out.

    Raises:
        BoxError: the file cannot be used.
        ImageFileError: pictures are missing or unreadable.
    """
    file = CocoFile.at(annotations, images, split)
    pictures = file.pictures[:most]

    def make() -> Iterator[Shot]:
        for index, picture in enumerate(pictures):
            yield Shot(read_frame(picture.path), picture.boxes, None, index)

    part = "" if split is None else f", split {split}"
    return ShotSet(f"{annotations.name}{part}", len(pictures), file.names.get("en", ()), make)
