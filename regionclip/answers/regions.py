"""Regions: boxes of one frame with their embeddings. Plain data: keep it, ask it again with other words."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from regionclip.boxes import Boxes, own_boxes
from regionclip.errors import BoxError, FileError
from regionclip.formats.files import write_file

if TYPE_CHECKING:
    from regionclip.towers.base import ImageFeatures

_FORMAT = 1


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
    tracker_id: NDArray[np.int_] | None = None
    data: Mapping[str, NDArray[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        n = len(self.xyxy)
        columns = {
            "objectness": self.objectness,
            "embeddings": self.embeddings,
            "valid": self.valid,
            **({} if self.tracker_id is None else {"tracker_id": self.tracker_id}),
            **self.data,
        }
        for name, column in columns.items():
            if len(column) != n:
                raise BoxError(f"regions: expected {n} entries in {name!r}, one a box, got {len(column)}")

    def __len__(self) -> int:
        return len(self.xyxy)

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
        """
        own = own_boxes(boxes)
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
        return cls(
            xyxy=np.concatenate([part.xyxy for part in parts]),
            objectness=np.concatenate([part.objectness for part in parts]),
            embeddings=np.concatenate([part.embeddings for part in parts]),
            valid=np.concatenate([part.valid for part in parts]),
            frame_size=parts[0].frame_size,
            fingerprint=parts[0].fingerprint,
            has_objectness=parts[0].has_objectness,
            given=parts[0].given,
        )

    def save(self, path: str | Path) -> None:
        """Write an .npz archive of plain arrays (docs/formats.md).

        Raises:
            BoxError: where a column of `data` holds Python objects other than strings.
            FileError: where the file cannot be written.
        """
        arrays: dict[str, NDArray[Any]] = {
            "format": np.array(_FORMAT),
            "xyxy": self.xyxy,
            "objectness": self.objectness,
            "embeddings": self.embeddings,
            "valid": self.valid,
            "frame_size": np.array(self.frame_size),
            "fingerprint": np.array(self.fingerprint),
            "has_objectness": np.array(self.has_objectness),
            "given": np.array(self.given),
        }
        if self.tracker_id is not None:
            arrays["tracker_id"] = self.tracker_id
        for name, column in self.data.items():
            arrays[f"data.{name}"] = plain_column(name, column)
        buffer = io.BytesIO()
        np.savez(buffer, allow_pickle=False, **arrays)
        write_file(path, buffer.getvalue())

    @classmethod
    def load(cls, path: str | Path) -> "Regions":
        """Read what `save` wrote; pickled content is refused.

        Raises:
            FileError: where the file is missing, damaged, or no regions file.
        """
        try:
            archive = np.lib.npyio.NpzFile(io.BytesIO(Path(path).read_bytes()), allow_pickle=False)
            arrays = dict(archive)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
            raise FileError(f"regions file {path} cannot be read: {error}") from error
        try:
            if int(arrays["format"]) != _FORMAT:
                raise FileError(f"regions file {path}: expected format {_FORMAT}, got {int(arrays['format'])}")
            height, width = arrays["frame_size"].tolist()
            return cls(
                xyxy=arrays["xyxy"],
                objectness=arrays["objectness"],
                embeddings=arrays["embeddings"],
                valid=arrays["valid"],
                frame_size=(height, width),
                fingerprint=str(arrays["fingerprint"]),
                has_objectness=bool(arrays["has_objectness"]),
                given=bool(arrays["given"]),
                tracker_id=arrays.get("tracker_id"),
                data={key.removeprefix("data."): value for key, value in arrays.items() if key.startswith("data.")},
            )
        except KeyError as error:
            raise FileError(f"regions file {path} has no entry {error}: it was not written by Regions.save") from error


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
