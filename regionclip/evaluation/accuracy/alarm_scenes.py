"""Empty rendered scenes, and scenes with targets, as a detector sees them: what `regionclip eval alarms` works on.

A scene is empty where it shows nothing that is asked for; it still shows other kinds, on every fourth scene shapes that
no word is known for, and clutter: there is something to be mistaken.

The highest confidence of each label on each scene goes into a cache, block by block: an interrupted run goes on.

Letters: C labels, F scenes, M true boxes.
"""

import contextlib
import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from regionclip.calibration.peaks import confidences
from regionclip.data.overlaps import overlaps
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FileError
from regionclip.formats.arrays import Arrays, write_arrays
from regionclip.formats.files import write_file
from regionclip.scenes.kinds.novel import NOVEL
from regionclip.scenes.language.phrases import KINDS, name
from regionclip.scenes.render import Scene, render_scene
from regionclip.scenes.stage import boxes_of
from regionclip.words.asked import identity
from regionclip.words.vocabulary import Label, Vocabulary

ASKED = (
    "person", "dog", "car", "truck", "forklift", "backpack", "suitcase", "knife", "fire", "smoke", "fire extinguisher",
    "drone",
)  # fmt: skip
"""Kinds that are asked for; empty scenes show the others."""

BLOCK = 250
"""Scenes that are watched and kept together."""

_STRANGERS_EVERY = 4
_IOU = 0.5
_SETTINGS = "settings.json"

Part: TypeAlias = Literal["calibrate", "test", "targets"]
Make: TypeAlias = Callable[[], Detector]


@dataclass(frozen=True, slots=True)
class AlarmPlan:
    """The scenes of a run.

    Attributes:
        seed: of the scenes that calibrate; those that test and those with targets have the next two.
        size: `(H, W)` in pixels.
        calibrate: empty scenes that thresholds come from.
        test: other empty scenes that they are measured on.
        targets: scenes that show what is asked for, beside the rest.
        asked: kinds.
    """

    seed: int = 900_201
    size: tuple[int, int] = (144, 192)
    calibrate: int = 5000
    test: int = 20_000
    targets: int = 1000
    asked: tuple[str, ...] = ASKED

    def scene(self, part: Part, index: int) -> Scene:
        """Scene `index` of a part."""
        if part == "targets":
            return render_scene(self.seed + 2, index, self.size)
        others = [kind for kind in KINDS if kind not in self.asked]
        extra = NOVEL if index % _STRANGERS_EVERY == 0 else None
        return render_scene(self.seed + (part == "test"), index, self.size, kinds=others, extra=extra)

    @property
    def vocabulary(self) -> Vocabulary:
        """A label for each kind, in both languages."""
        return Vocabulary([Label(name(kind, "en"), (name(kind, "en"), name(kind, "zh"))) for kind in self.asked])

    @property
    def blocks(self) -> list["SceneBlock"]:
        """All scenes, in blocks."""
        parts: tuple[tuple[Part, int], ...] = (
            ("calibrate", self.calibrate),
            ("test", self.test),
            ("targets", self.targets),
        )
        return [
            SceneBlock(part, start, min(start + BLOCK, count))
            for part, count in parts
            for start in range(0, count, BLOCK)
        ]


@dataclass(frozen=True, slots=True)
class SceneBlock:
    """Scenes `start` to `end - 1` of a part."""

    part: Part
    start: int
    end: int

    @property
    def file(self) -> str:
        """Name in the cache."""
        return f"{self.part}-{self.start:06d}-{self.end:06d}.npz"


Done: TypeAlias = tuple[SceneBlock, Arrays]
"""A block and its numbers: `peaks` `(n, C)`, or `found`, `labels` and `scenes` `(m,)` each."""


@dataclass(frozen=True, slots=True, eq=False)
class ScenePeaks:
    """What a detector made of all scenes.

    Attributes:
        calibrate: `(F, C)` float32, the highest confidence of each label on each empty scene.
        test: the same of the others.
        found: `(M,)` float32: of each true box of an asked kind, the highest confidence of its label on a region that
            overlaps it by half; 0 where there is none.
        labels: `(M,)` int, of these boxes.
        scenes: `(M,)` int, that show them.
    """

    calibrate: NDArray[np.float32]
    test: NDArray[np.float32]
    found: NDArray[np.float32]
    labels: NDArray[np.int64]
    scenes: NDArray[np.int64]


def watch_scenes(
    detector: Detector,
    plan: AlarmPlan,
    *,
    make: Make | None = None,
    cache: Path | None = None,
    workers: int = 0,
    watch: Callable[[Sequence[SceneBlock]], Iterable[SceneBlock]] = iter,
) -> ScenePeaks:
    """Run a detector on all scenes of a plan.

    Args:
        detector: to be measured.
        plan: the scenes.
        make: makes the same detector in other processes; needed where there are workers, and picklable.
        cache: folder that blocks are kept in, and taken from; None keeps nothing.
        workers: processes; this one if 0.
        watch: gets the blocks that are missing and gives them back one by one, as a progress bar does.

    Raises:
        ConfigError: where the cache is of other scenes or another detector.
    """
    if cache is not None:
        _claim(cache, detector, plan)
    kept = {} if cache is None else {block: known for block in plan.blocks if (known := _read(cache / block.file))}
    missing = [block for block in plan.blocks if block not in kept]
    results = (
        ((block, watch_block(detector, plan, block)) for block in missing)
        if make is None or workers == 0
        else _in_processes(make, plan, missing, workers)
    )
    for _ in watch(missing):
        block, arrays = next(results)  # in any order
        kept[block] = arrays
        if cache is not None:
            write_arrays(cache / block.file, arrays)
    calibrate, test, targets = ([kept[block] for block in plan.blocks if block.part == part] for part in get_args(Part))
    return ScenePeaks(
        calibrate=_joined(calibrate, "peaks"),
        test=_joined(test, "peaks"),
        found=_joined(targets, "found"),
        labels=_joined(targets, "labels"),
        scenes=_joined(targets, "scenes"),
    )


def watch_block(detector: Detector, plan: AlarmPlan, block: SceneBlock) -> Arrays:
    """The numbers of a block."""
    words = plan.vocabulary
    peaks = np.zeros((block.end - block.start, len(words)), np.float32)  # (n, C)
    rows: list[tuple[float, int, int]] = []
    for row, index in enumerate(range(block.start, block.end)):
        scene = plan.scene(block.part, index)
        regions = detector.regions(scene.frame, words=words)
        compared = confidences(detector, regions, words)  # (N, C)
        peaks[row] = compared.max(axis=0, initial=0.0)
        for thing in scene.objects:
            if thing.kind in plan.asked:
                label = plan.asked.index(thing.kind)
                close = overlaps(boxes_of([thing]), regions.xyxy)[0] >= _IOU  # (N,)
                rows.append((float(compared[close, label].max(initial=0.0)), label, index))
    if block.part != "targets":
        return {"peaks": peaks}
    found, labels, scenes = np.array(rows, float).reshape(-1, 3).T  # (m,) each
    return {"found": found.astype(np.float32), "labels": labels.astype(np.int64), "scenes": scenes.astype(np.int64)}


def _in_processes(make: Make, plan: AlarmPlan, blocks: Sequence[SceneBlock], workers: int) -> Iterator[Done]:
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (make, plan)) as pool:
        waiting = {pool.submit(_block_here, block): block for block in blocks}
        try:
            for done in as_completed(waiting):
                yield waiting[done], done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_here: dict[str, Any] = {}
"""A worker's own detector and plan."""


def _start(make: Make, plan: AlarmPlan) -> None:
    torch.set_num_threads(1)
    with contextlib.redirect_stderr(io.StringIO()):  # the notice of the weights was shown already
        _here["detector"] = make()
    _here["plan"] = plan


def _block_here(block: SceneBlock) -> Arrays:
    return watch_block(_here["detector"], _here["plan"], block)


def _joined(blocks: Sequence[Arrays], key: str) -> NDArray[Any]:
    return np.concatenate([block[key] for block in blocks])


def _claim(cache: Path, detector: Detector, plan: AlarmPlan) -> None:
    """Make sure that a cache is of this plan and detector; a new one is marked as such."""
    settings = {
        "plan": {**asdict(plan), "calibrate": None, "test": None, "targets": None},  # more scenes may be added
        "vocabulary": identity(plan.vocabulary),
        "detector": detector.scorer.conditions().model_dump(),
        "first": [
            hashlib.sha256(plan.scene(part, 0).frame.tobytes()).hexdigest() for part in get_args(Part)
        ],  # how it is drawn
    }
    wanted = json.loads(json.dumps(settings))
    path = cache / _SETTINGS
    if path.exists():
        try:
            known = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise FileError(f"cache {cache}: {_SETTINGS} cannot be read: {error}") from error
        if known != wanted:
            raise ConfigError(f"cache {cache} is of other scenes or another detector: give another folder")
        return
    write_file(path, json.dumps(settings, indent=1).encode())


def _read(path: Path) -> Arrays | None:
    """What `write_arrays` wrote; None where there is no such file, or half of one."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return dict(archive)
    except (OSError, ValueError, EOFError, zipfile.BadZipFile):
        return None
