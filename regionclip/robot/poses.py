"""Where cameras are: rigid transforms, from messages and along the tree of tf2."""

from collections import deque
from collections.abc import Iterator
from threading import Lock
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from regionclip.errors import MessageError
from regionclip.robot.messages import Header

_HISTORY = 2000  # of each moving frame
_MOST_FRAMES = 1000


class Pose(NamedTuple):
    """A rigid transform, `(3, 3)` and `(3,)` metres: `points @ rotation.T + translation` are in the frame above."""

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    @classmethod
    def of(cls, message: Any) -> Self:  # noqa: ANN401 - whoever's message class
        """That of a `TransformStamped` or a `PoseStamped` of geometry_msgs, or of a `nav_msgs/Odometry`.

        Raises:
            MessageError: for numbers that are not finite, or a quaternion of no length.
        """
        inner = message.transform if hasattr(message, "transform") else message.pose
        inner = getattr(inner, "pose", inner)  # an Odometry has a covariance beside it
        moved = hasattr(inner, "translation")
        place, turn = (inner.translation, inner.rotation) if moved else (inner.position, inner.orientation)
        translation, quaternion = (place.x, place.y, place.z), (turn.x, turn.y, turn.z, turn.w)
        if not (np.isfinite(translation).all() and 1e-6 < np.linalg.norm(quaternion) < np.inf):
            raise MessageError(
                f"pose: expected finite numbers and a quaternion of length 1, got {translation} and {quaternion}"
            )
        return cls(Rotation.from_quat(quaternion).as_matrix(), np.array(translation))

    def __matmul__(self, other: "Pose") -> "Pose":
        """First `other`, then this."""
        return Pose(self.rotation @ other.rotation, self.rotation @ other.translation + self.translation)

    def inverse(self) -> "Pose":
        """The way back."""
        return Pose(self.rotation.T, -self.rotation.T @ self.translation)


IDENTITY = Pose(np.eye(3), np.zeros(3))


class Transforms:
    """What is known of the tree of coordinate frames; any thread may tell, any may ask.

    Args:
        within_seconds: how far the stamp of a moving transform may be from the time that is asked for.
    """

    def __init__(self, within_seconds: float = 0.1) -> None:
        self._within_ns = within_seconds * 1e9
        self._guard = Lock()
        self._above: dict[str, deque[tuple[int | None, str, Pose]]] = {}  # stamp (None: static), parent, pose in it

    def add(self, message: Any, *, static: bool = False) -> None:  # noqa: ANN401 - whoever's message class
        """Take a `tf2_msgs/TFMessage`, of `/tf` or `static` of `/tf_static`, or a `nav_msgs/Odometry`.

        The latest 2000 of each of 1000 frames are kept.

        Raises:
            MessageError: as `Pose.of`; what came before in the message is taken.
        """
        for each in getattr(message, "transforms", [message]):
            header, child = Header.of(each.header), each.child_frame_id.lstrip("/")
            known = None if static else header.stamp_ns, header.frame_id.lstrip("/"), Pose.of(each)
            with self._guard:
                if child in self._above or len(self._above) < _MOST_FRAMES:
                    self._above.setdefault(child, deque(maxlen=1 if static else _HISTORY)).append(known)

    def lookup(self, fixed_frame: str, frame_id: str, stamp_ns: int) -> Pose | None:
        """The pose of a frame in another at a time, by the nearest stamps; None where the tree does not tell."""
        with self._guard:
            mine, theirs = (dict(self._climb(name.lstrip("/"), stamp_ns)) for name in (frame_id, fixed_frame))
        shared = next((name for name in mine if name in theirs), None)
        return None if shared is None else theirs[shared].inverse() @ mine[shared]

    def _climb(self, frame_id: str, stamp_ns: int) -> Iterator[tuple[str, Pose]]:
        """A frame and those above it, with its pose in each."""
        pose, seen = IDENTITY, set[str]()
        while frame_id not in seen:
            yield frame_id, pose
            seen.add(frame_id)
            near = min(self._above.get(frame_id, ()), key=lambda known: _apart(known[0], stamp_ns), default=None)
            if near is None or _apart(near[0], stamp_ns) > self._within_ns:
                return
            frame_id, pose = near[1], near[2] @ pose


def _apart(stamp_ns: int | None, asked_ns: int) -> int:
    return 0 if stamp_ns is None else abs(stamp_ns - asked_ns)
