"""What a robot's memory knows after rendered walks: what it kept, where, and what it answers in both languages.

While it walks it looks for something that no walk shows, so every word is one that nobody had asked before. A thing is
where it is told where the middles of the two are no farther apart than half of its width on the floor and half of its
height, and 10 cm. Every kind and colour stands in a hall once.
"""

import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from regionclip.detector import Detector
from regionclip.formats.tables import as_table
from regionclip.robot import messages as ros
from regionclip.robot.core import PerceptionCore
from regionclip.robot.memory import Memory, Thing
from regionclip.robot.messages import Header
from regionclip.robot.poses import Pose
from regionclip.scenes.language.phrases import phrase
from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.walks import MIDDLE, Walk, WalkThing, render_walk

_WORDS = ("drone",)
_BEGIN, _STEP = 1_700_000_000_000_000_000, 100_000_000  # nanoseconds
_NEAR = 0.1  # metres


@dataclass(frozen=True, slots=True)
class MemoryFigures:
    """Figures of some walks.

    Attributes:
        walks: how many.
        things: that stood in the halls.
        kept: share of them that are remembered where they are, 0..1.
        twice: how many are remembered there more than once.
        remembered: things in all memories; those beyond `things` are parts of the walls and the floor.
        recall_en: share of things that are the first answer to their English phrase, 0..1.
        recall_zh: the same of the Chinese one.
        error_median: metres between a thing and where it is remembered.
        error_worst: metres.
        close: share of those that are remembered within 5 cm and 2 % of their distance from the middle of the hall.
        see_milliseconds: median of what remembering a frame takes.
    """

    walks: int
    things: int
    kept: float
    twice: int
    remembered: int
    recall_en: float
    recall_zh: float
    error_median: float
    error_worst: float
    close: float
    see_milliseconds: float


def evaluate_memory(
    detector: Detector, *, walks: int = 6, seed: int = 900_301, watch: Callable[[Sequence[int]], Iterable[int]] = iter
) -> MemoryFigures:
    """Walk through `walks` halls, then ask for everything that stood there.

    Args:
        detector: that looks.
        walks: how many.
        seed: of the series of walks.
        watch: gets the numbers of the walks and gives them back one by one, as a progress bar does.
    """
    found, remembered, spent = [], 0, []
    for index in watch(range(walks)):
        walk = render_walk(seed, index)
        memory, milliseconds = _walked(detector, walk)
        found += [_ask(memory, thing) for thing in walk.things]
        remembered += len(memory)
        spent += milliseconds
    errors = [each.error for each in found if each.times]
    return MemoryFigures(
        walks=walks,
        things=len(found),
        kept=_share(each.times > 0 for each in found),
        twice=sum(each.times > 1 for each in found),
        remembered=remembered,
        recall_en=_share(each.first["en"] for each in found),
        recall_zh=_share(each.first["zh"] for each in found),
        error_median=statistics.median(errors) if errors else float("nan"),
        error_worst=max(errors, default=float("nan")),
        close=_share(each.error <= 0.05 + 0.02 * each.distance for each in found if each.times),
        see_milliseconds=statistics.median(spent),
    )


class _Found(NamedTuple):
    """Of one thing: how often it is remembered, how far off, how far away, and in which languages it is first."""

    times: int
    error: float
    distance: float
    first: dict[Language, bool]


def _walked(detector: Detector, walk: Walk) -> tuple[Memory, list[float]]:
    """The memory after a walk, and the milliseconds that each of its frames took it."""
    height, width = walk.size
    k = np.array([walk.focal, 0, width / 2 - 0.5, 0, walk.focal, height / 2 - 0.5, 0, 0, 1])
    fields = {"height": height, "width": width, "k": k}
    camera_info = ros.decode(ros.encode(ros.CAMERA_INFO, fields), ros.CAMERA_INFO)
    core, memory, spent = PerceptionCore(detector, _WORDS), Memory(detector.scorer), []
    for index, shot in enumerate(walk):
        header = Header(_BEGIN + index * _STEP, "camera")
        result = core.process(shot.frame, header, depth=shot.depth, camera_info=camera_info)
        start = time.perf_counter()
        memory.see(result, Pose(shot.rotation, shot.translation))
        spent.append((time.perf_counter() - start) * 1000)
    return memory, spent


def _ask(memory: Memory, thing: WalkThing) -> _Found:
    there = [known for known in memory.things if _is_at(known, thing)]
    best = max(there, key=lambda known: known.sights, default=None)
    return _Found(
        times=len(there),
        error=0.0 if best is None else float(np.linalg.norm(best.center - thing.center)),
        distance=float(np.linalg.norm(thing.center - MIDDLE)),
        first={
            language: any(_is_at(answer.thing, thing) for answer in memory.ask(words, 1))
            for language in LANGUAGES
            for words in [phrase(thing.kind, thing.colour, language)]
        },
    )


def _is_at(known: Thing, thing: WalkThing) -> bool:
    x, y, z = np.abs(known.center - thing.center)
    return bool(np.hypot(x, y) <= thing.size[0] / 2 + _NEAR and z <= thing.size[1] / 2 + _NEAR)


def _share(hits: Iterable[bool]) -> float:
    counted = list(hits)
    return sum(counted) / len(counted) if counted else float("nan")


def table(figures: MemoryFigures, title: str) -> str:
    """The figures as lines of text."""
    rows = (
        ("things in the halls", figures.things),
        ("remembered where they are", f"{figures.kept:.3f}"),
        ("remembered twice", figures.twice),
        ("remembered in all, with parts of walls and floor", figures.remembered),
        ("first answer in English", f"{figures.recall_en:.3f}"),
        ("first answer in Chinese", f"{figures.recall_zh:.3f}"),
        ("error of the place, median, m", f"{figures.error_median:.3f}"),
        ("error of the place, worst, m", f"{figures.error_worst:.3f}"),
        ("error within 5 cm and 2 % of the distance", f"{figures.close:.3f}"),
        ("remembering a frame, median, ms", f"{figures.see_milliseconds:.2f}"),
    )
    return f"{title}: {figures.walks} walks\n{as_table(('', ''), rows, indent=2)}"
