"""Regions: boxes of one frame with their embeddings. Plain data: keep it, ask it again with other words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regionclip.boxes import Boxes, own_boxes, warn_of_format
from regionclip.errors import BoxError, FileError
from regionclip.formats.arrays import Layout, check_layout, read_arrays, write_arrays

if TYPE_CHECKING:
    from regionclip.towers.base import ImageFeatures

_FORMAT = 1
DATA = "data."
"""How the names of the caller's columns begin in a file."""

_FILE_LAYOUT: Layout = {
    "format": ("int", ()),
    "fingerprint": ("str", ()),
    "frame_size": ("int", (2,)),
    "has_objectness": ("bool", ()),
    "given": ("bool", ()),
}
_REGION_LAYOUT: Layout = {
    "xyxy": ("float", ("N", 4)),
    "objectness": ("float", ("N",)),
    "embeddings": ("float", ("N", "D")),
    "valid": ("bool", ("N",)),
}
REGION_COLUMNS = tuple(_REGION_LAYOUT)
"""Fields of `Regions` that hold something for each region, always, under the same names in files."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """Boxes and embeddings of one frame.

    Attributes:
        xyxy: `(N, 4)` float32 as they were given, in frame pixels; not clipped.
        objectness: `(N,)` float32 in 0..1; 1 where it is not known.
        embeddings: `(N, D)` float32 of unit length; zeros where not valid.
        valid: `(N,)` bool; False for boxes that are not finite or have no area inside the frame. They keep their
            place and never get a label.
        frame_size: `(H, W)` in pixels.
        fingerprint: revision of the tower that made the embeddings.
        has_objectness: whether objectness means anything and may weigh in the confidence.
        given: whether the boxes came from the caller rather than from a proposer; then none suppresses another
            unless asked to.
        out_of_domain: whether the tower does not know this kind of frame, so that no label means anything
            (docs/embedded_tower.md); None where it cannot tell, or did not run. Not kept in files.
        tracker_id: `(N,)` int of the caller's boxes, or None.
        data: the caller's own columns, N entries each.
    """

    xyxy: NDArray[np.float32]
    objectness: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    valid: NDArray[np.bool_]
    frame_size: tuple[int, int]
    fingerprint: str
    has_objectness: bool = False
    given: bool = True
    out_of_domain: bool | None = None
    tracker_id: NDArray[np.int_] | None = None
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        columns = {**{name: getattr(self, name) for name in REGION_COLUMNS}, **self.data}
        if self.tracker_id is not None:
            columns["tracker_id"] = self.tracker_id
        for name, column in columns.items():
            if len(column) != n:
                raise BoxError(f"regions: expected {n} entries in {name!r}, one a box, got {len(column)}")

    def __len__(self) -> int:
        return len(self.xyxy)

    def __repr__(self) -> str:
        height, width = self.frame_size
        invalid = len(self) - int(np.count_nonzero(self.valid))
        parts = [f"{len(self)} regions of {width}x{height}", f"tower {self.fingerprint}"]
        parts += [f"{invalid} invalid"] if invalid else []
        parts += [] if self.tracker_id is None else ["with tracks"]
        parts += [f"with {', '.join(self.data)}"] if self.data else []
        return f"<{', '.join(parts)}>"

    @classmethod
    def pool(
        cls, features: "ImageFeatures", boxes: Boxes, *, has_objectness: bool = False, given: bool = True
    ) -> "Regions":
        """Pool one embedding a box from a frame's features; without boxes the tower does not run.

        Args:
            features: of the frame.
            boxes: where to pool.
            has_objectness: whether the objectness of these boxes may weigh in the confidence.
            given: whether they came from the caller.

        Raises:
            BoxError: where `boxes` is not `(N, 4)`.

        Warns with a `BoxWarning` where given boxes are probably no x1 y1 x2 y2 in pixels.
        """
        own = own_boxes(boxes)
        if given:
            warn_of_format(own.xyxy, features.frame_size)
        embeddings, valid = features.pool(own.xyxy)  # (N, D), (N,)
        return cls(
            xyxy=own.xyxy,
            objectness=own.objectness,
            embeddings=embeddings.numpy(),
            valid=valid.numpy(),
            frame_size=features.frame_size,
            fingerprint=features.card.revision,
            has_objectness=has_objectness,
            given=given,
            out_of_domain=features.out_of_domain,
            tracker_id=own.tracker_id,
            data=own.data,
        )

    @classmethod
    def joined(cls, parts: Sequence["Regions"]) -> "Regions":
        """Regions of several frames in one, for `Detector.scores`, which depend on each region alone.

        Frame size and flags are those of the first; the caller's columns are left out.

        Raises:
            BoxError: without any.
        """
        if not parts:
            raise BoxError("regions: expected at least one set of regions to join, got none")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(part, name) for part in parts]) for name in REGION_COLUMNS
        }
        return replace(parts[0], tracker_id=None, data={}, **columns)

    def save(self, path: str | Path) -> None:
        """Write an .npz archive of plain arrays (docs/formats.md).

        Raises:
            BoxError: where a column of `data` holds Python objects other than strings.
            FileError: where the file cannot be written.
        """
        own = (*REGION_COLUMNS, "frame_size", "fingerprint", "has_objectness", "given")
        arrays = {"format": np.array(_FORMAT), **{name: np.asarray(getattr(self, name)) for name in own}}
        if self.tracker_id is not None:
            arrays["tracker_id"] = self.tracker_id
        for name, column in self.data.items():
            arrays[f"{DATA}{name}"] = plain_column(name, column)
        write_arrays(path, arrays)

    @classmethod
    def load(cls, path: str | Path) -> "Regions":
        """Read what `save` wrote; pickled content is refused.

        Raises:
            FileError: where the file is missing, damaged, or no regions file.
        """
        what = f"regions file {path}"
        arrays = read_arrays(path, what)
        check_layout(arrays, _FILE_LAYOUT, what)
        if arrays["format"] != _FORMAT:
            raise FileError(f"{what}: expected format {_FORMAT}, got {arrays['format']}")
        check_regions(arrays, what)
        return cls.of_arrays(arrays, str(arrays["fingerprint"]))

    @classmethod
    def of_arrays(cls, arrays: Mapping[str, NDArray[Any]], fingerprint: str) -> "Regions":
        """Regions of one frame's arrays under the names of a file, which `check_regions` has seen."""
        height, width = arrays["frame_size"].tolist()
        tracker = arrays.get("tracker_id")
        return cls(
            **{name: arrays[name].astype(np.float32, copy=False) for name in ("xyxy", "objectness", "embeddings")},
            valid=arrays["valid"],
            frame_size=(height, width),
            fingerprint=fingerprint,
            has_objectness=bool(arrays["has_objectness"]),
            given=bool(arrays["given"]),
            out_of_domain=None,
            tracker_id=None if tracker is None else tracker.astype(int, copy=False),
            data={name.removeprefix(DATA): column for name, column in arrays.items() if name.startswith(DATA)},
        )


def check_regions(arrays: Mapping[str, NDArray[Any]], what: str) -> int:
    """Make sure that what is written of N regions, of one frame or several, is all there; the number N.

    Raises:
        FileError: where it is not; `what` names the file.
    """
    layout = dict(_REGION_LAYOUT) | ({"tracker_id": ("int", ("N",))} if "tracker_id" in arrays else {})
    n = check_layout(arrays, layout, what)["N"]
    for name, column in arrays.items():
        if name.startswith(DATA) and (column.dtype.kind == "V" or column.shape[:1] != (n,)):
            raise FileError(f"{what}: {name}: expected {n} values, got {column.dtype} of {column.shape}")
    if (arrays["frame_size"] < 1).any():
        raise FileError(f"{what}: frame_size: expected heights and widths of at least 1")
    return n


def plain_column(name: str, column: NDArray[Any]) -> NDArray[Any]:
    """A column that can be written without pickle.

    Raises:
        BoxError: where it holds Python objects other than strings.
    """
    if column.dtype != object:
        return column
    if all(isinstance(value, str) for value in column):
        return column.astype(np.str_)
    raise BoxError(f"regions: column {name!r} holds Python objects; expected numbers, booleans or strings")
