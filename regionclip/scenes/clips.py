"""render_clip: a short clip with moving objects, an event and its truth, from two numbers."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from regionclip.scenes.actors import Actor, Ground
from regionclip.scenes.gaze import Gaze, moving_gaze, still_gaze
from regionclip.scenes.painting.camera import Camera, random_camera
from regionclip.scenes.painting.painter import Image
from regionclip.scenes.plots import Plot, fill, stage_event
from regionclip.scenes.render import Pairs, SceneStyle, backdrop, check_series
from regionclip.scenes.stage import SceneObject, Stage

EventKind = Literal["none", "enter", "left object", "pass"]
Movement = Literal["still", "moving"]
EVENTS: tuple[EventKind, ...] = get_args(EventKind)
MOVEMENTS: tuple[Movement, ...] = get_args(Movement)
T = TypeVar("T", bound=str)

_CLIP, _NOISE = 0xC11B, 0xC11C  # apart from the numbers that scenes draw


@dataclass(frozen=True, slots=True)
class ClipEvent:
    """Something that happens in a clip.

    Attributes:
        kind: "enter": a person comes in from a side and stays; from when any of it is in the frame until all of it is.
            "left object": a person carries in a bag, puts it down and goes; from when the bag stands on the ground
            until the person has left the frame. "pass": a vehicle crosses; while any of it is in the frame.
        tracks: who takes part; of "left object" the person and the bag.
        start: in seconds.
        end: in seconds, not after the last frame.
    """

    kind: EventKind
    tracks: tuple[int, ...]
    start: float
    end: float


@dataclass(frozen=True, slots=True, eq=False)
class ClipFrame:
    """One frame of a clip and what it shows.

    Attributes:
        frame: `(H, W, 3)` uint8 BGR.
        objects: every labelled object of which at least 40 % can be seen, back to front.
        tracks: of each object the number it keeps throughout the clip, also where it was hidden in between.
        moving: of each object whether it is elsewhere than one frame before; steps on the spot are no move.
        index: number of the frame in the clip, from 0.
        seconds: its time, `index / fps`.
        motion: `(2, 3)` what the camera did since the first frame: it takes a pixel of the background there to its
            place here. The identity for a still camera.
    """

    frame: Image
    objects: tuple[SceneObject, ...]
    tracks: tuple[int, ...]
    moving: tuple[bool, ...]
    index: int
    seconds: float
    motion: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class _World:
    """All that frames are painted from."""

    picture: Image
    ground: Ground
    actors: tuple[Actor, ...]
    gaze: Gaze
    lens: Camera
    light: float
    other: bool
    series: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """A clip. Its frames are rendered when asked for, in any order, so a long clip needs no memory.

    `len(clip)` is the number of frames, `clip[i]` is frame `i`, and a loop over the clip gives all of them.

    Attributes:
        size: `(H, W)` of the frames in pixels.
        fps: frames a second.
        frames: how many.
        camera: "still" or "moving".
        place: name of the background.
        events: what happens.
    """

    size: tuple[int, int]
    fps: float
    frames: int
    camera: Movement
    place: str
    events: tuple[ClipEvent, ...]
    _world: _World

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[ClipFrame]:
        return (self[index] for index in range(self.frames))

    def __getitem__(self, index: int) -> ClipFrame:
        """Render one frame.

        Raises:
            IndexError: for a frame that the clip does not have.
        """
        if not 0 <= index < self.frames:
            raise IndexError(f"clip: expected a frame from 0 to {self.frames - 1}, got {index}")
        world, seconds = self._world, index / self.fps
        stage = Stage(world.picture, world.light, other=world.other)
        drafts = [(actor.at(seconds, world.ground), track) for track, actor in enumerate(world.actors, 1)]
        drafts = [pair for pair in drafts if -pair[0].width < pair[0].x < world.picture.shape[1]]
        drafts.sort(key=lambda pair: pair[0].y + pair[0].height + pair[0].lift)
        for draft, _ in drafts:
            stage.paint(draft)
        if self.camera == "moving":
            stage.view(world.gaze.matrix(seconds), self.size)
        seen = [(item, track) for item, (_, track) in zip(stage.objects(), drafts, strict=True) if item is not None]
        return ClipFrame(
            frame=world.lens.shoot(np.random.default_rng((*world.series, index, _NOISE)), stage.canvas),
            objects=tuple(item for item, _ in seen),
            tracks=tuple(track for _, track in seen),
            moving=tuple(world.actors[track - 1].path.moves(seconds - 1 / self.fps, seconds) for _, track in seen),
            index=index,
            seconds=seconds,
            motion=world.gaze.motion(seconds),
        )


def render_clip(  # noqa: PLR0913 - one word for each thing that a series of clips may vary
    seed: int,
    index: int,
    size: tuple[int, int] = (240, 320),
    *,
    seconds: float = 6.0,
    fps: float = 12.0,
    event: EventKind | None = None,
    camera: Movement | None = None,
    pairs: Pairs = "trained",
    style: SceneStyle = "usual",
) -> Clip:
    """Plan clip `index` of the series `seed`; the same numbers give the same clip.

    People cross in front of each other, some things stand still, and one event happens. Light is the same in all
    frames, noise is not.

    Args:
        seed: names a series of clips.
        index: number of the clip in its series.
        size: `(H, W)` of the frames in pixels, 64 at least.
        seconds: length; in a short clip everything moves fast enough for its event to fit.
        fps: frames a second.
        event: what happens; None draws one of the four.
        camera: whether it pans and shakes; None draws.
        pairs: show the pairs of kind and colour that training shows, or those it never shows (`colours.HELD_OUT`).
        style: "other" uses shapes, textures and backgrounds that training never sees.

    Raises:
        ValueError: for a negative seed or index, a frame under 64 pixels, an unknown event or camera, or less than one
            frame.
    """
    check_series(seed, index, size)
    if not (np.isfinite(seconds) and 0 < fps < np.inf and round(seconds * fps) >= 1):
        raise ValueError(f"clips: expected at least one frame, got {seconds} seconds at {fps} frames a second")
    rng = np.random.default_rng((seed, index, _CLIP))
    kind = _chosen(rng, event, EVENTS, "event")
    movement = _chosen(rng, camera, MOVEMENTS, "camera")
    gaze = moving_gaze(rng, size) if movement == "moving" else still_gaze(size)
    place, picture, horizon = backdrop(rng, gaze.world, other=style == "other")
    ground = _ground(rng, size, gaze, horizon)
    plot = Plot(rng, ground, seconds, pairs == "held out")
    stage_event(plot, kind)
    fill(plot)
    light, lens = float(rng.uniform(-1, 1)), random_camera(rng)
    world = _World(picture, ground, tuple(plot.actors), gaze, lens, light, style == "other", (seed, index))
    frames = round(seconds * fps)
    events = _timed(world, kind, plot.lead, plot.landed, np.arange(frames) / fps)
    return Clip(size, fps, frames, movement, place, events, world)


def _chosen(rng: np.random.Generator, given: T | None, choices: tuple[T, ...], what: str) -> T:
    drawn = choices[rng.integers(len(choices))]  # also where it is given, so that naming what is drawn changes nothing
    if given is not None and given not in choices:
        raise ValueError(f"clips: expected the {what} to be one of {', '.join(choices)}, got {given!r}")
    return drawn if given is None else given


def _ground(rng: np.random.Generator, size: tuple[int, int], gaze: Gaze, horizon: float) -> Ground:
    (height, width), (tall, wide), (top, side) = size, gaze.world, gaze.margin
    near = top + 0.96 * height
    far = min(max(horizon * tall + 0.05 * height, top + 0.5 * height), near - 0.2 * height)
    person = float(rng.uniform(0.42, 0.58)) * min(height, width)
    return Ground(wide, (2 * side, wide - 2 * side), (far, near), (person * float(rng.uniform(0.55, 0.75)), person))


def _timed(
    world: _World, event: EventKind, lead: tuple[int, ...], landed: float, times: NDArray[np.float64]
) -> tuple[ClipEvent, ...]:
    """The event with its times, as far as they lie in the clip."""
    if event == "none":
        return ()
    shown = np.array([_share_inside(world, world.actors[lead[0] - 1], float(time)) for time in times])
    some, whole = times[shown > 0], times[shown >= 1]
    last = float(times[-1])
    start, end = (float(some[0]), float(some[-1])) if len(some) else (last, last)
    if event == "enter":
        end = float(whole[0]) if len(whole) else last
    if event == "left object":
        start = min(landed, last)
    return (ClipEvent(event, lead, start, max(start, end)),)


def _share_inside(world: _World, actor: Actor, seconds: float) -> float:
    """The share of an object's width that is inside the frame."""
    draft = actor.at(seconds, world.ground)
    middle = [[draft.x, draft.y + draft.height / 2], [draft.x + draft.width, draft.y + draft.height / 2]]
    matrix = world.gaze.matrix(seconds)
    left, right = (matrix[:, :2] @ np.transpose(middle) + matrix[:, 2:])[0]
    inside = min(right, world.gaze.size[1]) - max(left, 0)
    return float(max(inside, 0.0) / (right - left))
