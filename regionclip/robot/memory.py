"""Memory: the things that a robot has seen, by place and look, to be asked for in words at any later time.

Every region that the tower sees is taken, whatever the words of the time. Sightings near each other that look alike are
one thing, whose place, extent and embedding are means over its sightings, clear ones counting more. Of what the border
of a frame cuts off neither place nor look are known: it only tells that something is there, until it is seen whole.

Letters: n sightings, T things, D channels, S side of a thumbnail.
"""

from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.answers.regions import Regions
from regionclip.errors import ConfigError, FileError
from regionclip.formats.arrays import check_layout, read_arrays, write_arrays
from regionclip.frames import Frame
from regionclip.robot.core import Result
from regionclip.robot.depth import View
from regionclip.robot.poses import IDENTITY, Pose
from regionclip.scorer import Scorer
from regionclip.video.tracking.fusion import qualities
from regionclip.video.tracking.relations import Resemblance
from regionclip.words.vocabulary import Label, Vocabulary

_FORMAT = 1
_OBJECTNESS = 0.5  # least of a region that is remembered, where it means something
_ALIKE = 0.4  # least resemblance of sightings of one thing, as of tracks
_MARGIN = 0.1  # metres by which the middle of a sighting may be off, beside half of its extent
_BORDER = 0.01  # share of the frame's sides: what reaches there is cut off
_HEAVIEST = 20.0  # weight that a thing can gain, so that it follows a map that drifts
_LONGEST = 128  # characters of a frame_id
_SIDE = 64

_Things = NDArray[np.void]
"""`(T,)` with the fields of `Thing`."""


@dataclass(frozen=True, slots=True, eq=False)
class Thing:
    """Something that was seen.

    Attributes:
        number: from 1, never used twice.
        center, size: `(3,)` metres along the axes of the coordinate frame `frame_id`.
        embedding: `(D,)` float32 of unit length, fused.
        first_ns, last_ns: stamps of its first and its latest sight.
        sights: frames that showed it.
        whole: whether one of them showed all of it.
        weight, clearest: of its sights together (`tracking.fusion.qualities`), and of the clearest.
        thumbnail: `(S, S, 3)` uint8 BGR, of the clearest.
    """

    number: int
    frame_id: str
    center: NDArray[np.float64]
    size: NDArray[np.float64]
    embedding: NDArray[np.float32]
    first_ns: int
    last_ns: int
    sights: int
    whole: bool
    weight: float
    clearest: float
    thumbnail: Frame


class Answer(NamedTuple):
    """A thing and how well the words fit it: `score` in 0..1, as `Detector.scores` gives it."""

    thing: Thing
    score: float


class Memory:
    """Things of one robot; any thread may tell, any may ask.

        memory = Memory(core.detector.scorer)
        memory.see(core.process(frame, header, depth=depth, camera_info=info), pose)
        memory.ask("红色的行李箱", top=5)

    Args:
        scorer: of the detector whose results are seen.
        frame_id: name of the fixed frame that poses are in.
        most: things that are kept; of those that were seen least the one that was not seen for longest goes first.
        confirm_sights: frames that must have shown a thing before it is told of.
    """

    def __init__(self, scorer: Scorer, frame_id: str = "map", *, most: int = 1000, confirm_sights: int = 2) -> None:
        self.frame_id = frame_id
        self._scorer, self._most, self._confirm = scorer, most, confirm_sights
        self._resemblance = Resemblance()
        self._seeing = Lock()
        self._next = 1
        self._dtype = _fields(scorer.card.width)
        self._things: _Things = np.zeros(0, self._dtype)  # replaced, never changed: who asks need not wait

    def __len__(self) -> int:
        return len(self._confirmed())

    @property
    def things(self) -> list[Thing]:
        """All confirmed things, the oldest first."""
        return [_thing(record) for record in self._confirmed()]

    def see(self, result: Result, pose: Pose | None = None) -> int:
        """Take what a frame shows. Without depth, and between key frames, nothing is remembered.

        Args:
            result: of the core.
            pose: of the camera's optical frame in the fixed frame. Without it things are placed in the frame of the
                camera, which must then stand still.

        Returns:
            How many things are new or were seen again.

        Raises:
            FingerprintError: for a result of another tower.
        """
        regions, view = result.regions, result.view
        if regions is None or view is None:
            return 0
        self._scorer.check_fingerprint(regions.fingerprint, "result")
        sights, boxes = self._sights(regions, view, pose or IDENTITY)
        sights["frame_id"] = (result.header.frame_id if pose is None else self.frame_id)[:_LONGEST]
        sights["first_ns"] = sights["last_ns"] = result.header.stamp_ns
        for sight, box in zip(sights, boxes, strict=True):
            sight["thumbnail"] = _thumbnail(result.frame, box)
        with self._seeing:
            self._resemblance.learn(boxes, sights["embedding"])
            return self._take(sights)

    def ask(self, words: str | Label, top: int = 5) -> list[Answer]:
        """The things that words fit best, whatever the thresholds.

        Raises:
            PromptError: for words that cannot be asked for.
            ConfigError: for a `top` below 1.
        """
        if top < 1:
            raise ConfigError(f"memory: expected top of at least 1, got {top}")
        asked, known = self._scorer.ask(Vocabulary.of([words])), self._confirmed()
        regions = Regions(
            xyxy=np.zeros((len(known), 4), np.float32),
            objectness=np.ones(len(known), np.float32),
            embeddings=known["embedding"].copy(),
            valid=np.ones(len(known), np.bool_),
            frame_size=(1, 1),
            fingerprint=self._scorer.card.revision,
        )
        scores = self._scorer.scores(regions, asked).values[:, 0].numpy()  # (T,)
        order = np.argsort(-scores, kind="stable")[:top]
        return [Answer(_thing(known[place]), float(scores[place])) for place in order]

    def save(self, path: str | Path) -> None:
        """Write one .npz archive (docs/robotics.md).

        Raises:
            FileError: where it cannot be written.
        """
        head = {"format": np.array(_FORMAT), "fingerprint": np.array(self._scorer.card.revision)}
        write_arrays(path, {**head, "things": self._things})

    def load(self, path: str | Path) -> None:
        """Put what `save` wrote in the place of all that is remembered.

        Raises:
            FileError: where the file is missing, damaged, or no memory.
            FingerprintError: where another tower has seen its things.
        """
        what = f"memory {path}"
        arrays = read_arrays(path, what)
        check_layout(arrays, {"format": ("int", ()), "fingerprint": ("str", ())}, what)
        if arrays["format"] != _FORMAT:
            raise FileError(f"{what}: expected format {_FORMAT}, got {arrays['format']}")
        self._scorer.check_fingerprint(str(arrays["fingerprint"]), what)
        things = arrays.get("things", np.zeros(0))
        numbers = (
            things.dtype == self._dtype
            and things.ndim == 1
            and [np.isfinite(things[name]).all() for name in ("center", "size", "embedding", "weight", "clearest")]
        )
        if not numbers or not all(numbers):
            raise FileError(f"{what}: expected things with finite numbers, got {things.dtype} of {things.shape}")
        with self._seeing:
            self._things, self._next = things, int(things["number"].max(initial=0)) + 1

    def _confirmed(self) -> _Things:
        known = self._things
        return known[known["sights"] >= self._confirm]

    def _sights(self, regions: Regions, view: View, pose: Pose) -> tuple[_Things, NDArray[np.float32]]:
        """What is worth remembering, as things of one sight, whole and clear ones first, and its boxes `(n, 4)`."""
        places, card = view.locate(regions.xyxy), self._scorer.card
        keep = places.valid & regions.valid
        if regions.has_objectness:
            keep &= regions.objectness >= _OBJECTNESS
        boxes, limit = regions.xyxy[keep], np.array(regions.frame_size[::-1])  # (n, 4), (2,)
        cells = card.budget if isinstance(card.budget, int) else card.budgets[-1]
        objectness = regions.objectness[keep] if regions.has_objectness else None
        sights = np.zeros(len(boxes), self._dtype)
        sights["center"] = places.centers[keep] @ pose.rotation.T + pose.translation
        sights["size"] = places.sizes[keep] @ np.abs(pose.rotation).T
        sights["embedding"] = regions.embeddings[keep]
        sights["sights"] = 1
        sights["whole"] = ((boxes[:, :2] > _BORDER * limit) & (boxes[:, 2:] < (1 - _BORDER) * limit)).all(1)
        sights["weight"] = sights["clearest"] = qualities(boxes, regions.frame_size, cells, objectness)
        order = np.lexsort((-sights["weight"], ~sights["whole"]))
        return sights[order], boxes[order]

    def _take(self, sights: _Things) -> int:
        """Add sightings of one frame to the things that they are of."""
        both, start = np.concatenate([self._things, sights]), len(self._things)  # (T + n,)
        near, alike = self._compared(sights, both)  # (n, T + n) each
        there = both["number"] > 0  # sightings are no things yet
        seen = np.zeros(len(both), bool)
        for row, place in enumerate(range(start, len(both))):
            close = near[row] & there
            same = np.flatnonzero(close & (alike[row] | (both["whole"][place] > both["whole"])))
            if len(same):
                for other in same[1:]:  # what fits both says that they are one
                    _join(both, same[0], other)
                there[same[1:]] = False
                if not seen[same].any():  # else this is a part of it
                    _join(both, same[0], place)
                seen[same[0]] = True
            elif both["whole"][place] or not close.any():
                both["number"][place], there[place], seen[place] = self._next, True, True
                self._next += 1
        if (spare := np.count_nonzero(there) - self._most) > 0:
            order = np.lexsort((both["last_ns"], both["sights"], seen, ~there))
            there[order[:spare]] = False
        self._things = both[there]
        return int(np.count_nonzero(seen & there))

    def _compared(self, sights: _Things, things: _Things) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """`(n, T)` each: whether sightings are near things, and whether they look alike."""
        # Across the view a thing shows how large it is, along it hardly: it is taken to be as deep as wide.
        mine, its = (_MARGIN + np.maximum(it["size"], np.sort(it["size"])[:, 1:2]) / 2 for it in (sights, things))
        whole, other = sights["whole"][:, None, None], things["whole"][:, None]
        # What was cut off is a part: its middle is inside the whole. Else each is inside the other.
        reach = np.where(whole > other, mine[:, None], np.where(whole < other, its, np.minimum(mine[:, None], its)))
        near = (np.abs(sights["center"][:, None] - things["center"]) <= reach).all(2)  # (n, T)
        near &= sights["frame_id"][:, None] == things["frame_id"]
        return near, self._resemblance.of(things["embedding"], sights["embedding"]).T >= _ALIKE


def _fields(width: int) -> np.dtype[np.void]:
    """Those of `Thing`, for a tower of so many channels."""
    whole, real = np.int64, np.float64
    return np.dtype([
        ("number", whole), ("frame_id", np.str_, _LONGEST), ("center", real, 3), ("size", real, 3),
        ("embedding", np.float32, width), ("first_ns", whole), ("last_ns", whole), ("sights", whole),
        ("whole", np.bool_), ("weight", real), ("clearest", real), ("thumbnail", np.uint8, (_SIDE, _SIDE, 3)),
    ])  # fmt: skip


def _thing(record: Any) -> Thing:  # noqa: ANN401 - an entry of `_Things`
    return Thing(*(value.copy() if value.ndim else value.item() for value in record))


def _join(things: _Things, place: int, other: int) -> None:
    """Take another sight of a thing, or another half of it, into it; what was seen whole counts alone."""
    mine, its = things[place], things[other]
    mine["first_ns"], mine["last_ns"] = min(mine["first_ns"], its["first_ns"]), max(mine["last_ns"], its["last_ns"])
    mine["sights"] += its["sights"]
    if mine["whole"] == its["whole"]:
        share = its["weight"] / (mine["weight"] + its["weight"])
        for name in ("center", "size", "embedding"):
            mine[name] = (1 - share) * mine[name] + share * its[name]
        mine["embedding"] /= max(np.linalg.norm(mine["embedding"]), 1e-9)
        mine["weight"] = min(mine["weight"] + its["weight"], _HEAVIEST)
    elif its["whole"]:
        mine["clearest"] = 0.0  # of a part
        for name in ("center", "size", "embedding", "weight", "whole"):
            mine[name] = its[name]
    if mine["whole"] == its["whole"] and its["clearest"] > mine["clearest"]:
        mine["clearest"], mine["thumbnail"] = its["clearest"], its["thumbnail"]


def _thumbnail(frame: Frame, box: NDArray[np.float32]) -> Frame:
    """`(S, S, 3)`: what a box shows, and around it."""
    height, width = frame.shape[:2]
    (x, y), half = (box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()) / 2
    x1, x2 = np.clip((round(float(x - half)), round(float(x + half)) + 1), (0, 1), (width - 1, width)).tolist()
    y1, y2 = np.clip((round(float(y - half)), round(float(y + half)) + 1), (0, 1), (height - 1, height)).tolist()
    return np.asarray(cv2.resize(frame[y1:y2, x1:x2], (_SIDE, _SIDE)), np.uint8)
