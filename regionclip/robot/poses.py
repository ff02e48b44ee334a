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
    """A rigid transform: `points @ rotation.T + translation` takes points to the frame that it is told in.

    Attributes:
        rotation: `(3, 3)`.
        translation: `(3,)` metres.
    """

    rotation: NDArray[np.float64]
    translation: NDArray[np.float64]

    @classmethod
    def of(cls, message: Any) -> Self:  # noqa: ANN401 - whoever's message class
        """That of a `TransformStamped` or a `PoseStamped` of geometry_msgs, or of a `nav_msgs/Odometry`.

        Raises:
            MessageError: for numbers that are not finite, or a quaternion of no length.
        """
        inner = message.transform if hasattr(message, "transform") else message.pose
        inner = getattr(inner, "pose", inner)  # that of an Odometry has a covariance beside it
        place, turn = (
            (inner.translation, inner.rotation) if hasattr(inner, "rotation") else (inner.position, inner.orientation)
        )
        quaternion, translation = (turn.x, turn.y, turn.z, turn.w), np.array([place.x, place.y, place.z])
        length = np.linalg.norm(quaternion)
        if not (np.isfinite(length) and np.isfinite(translation).all() and length > 1e-6):
            raise MessageError(
                f"pose: expected finite numbers and a quaternion of length 1, got {quaternion} and {translation}"
            )
        return cls(Rotation.from_quat(quaternion).as_matrix(), translation)

    def __matmul__(self, other: "Pose") -> "Pose":
        """First `other`, then this."""
        return Pose(self.rotation @ other.rotation, self.rotation @ other.translation + self.translation)

    def inverse(self) -> "Pose":
        """Back from the frame that it is told in."""
        return Pose(self.rotation.T, -self.rotation.T @ self.translation)


IDENTITY = Pose(np.eye(3), np.zeros(3))


class Transforms:
    """What is known of the tree of coordinate frames; any thread may tell, any may ask.

    Args:
        within_seconds: how far a moving transform may be from the time that is asked for.
    """

    def __init__(self, within_seconds: float = 0.1) -> None:
        self._within_ns = within_seconds * 1e9
        self._guard = Lock()
        self._parents: dict[str, deque[tuple[int | None, str, Pose]]] = {}  # by child: stamp (None: static), parent

    def add(self, message: Any, *, static: bool = False) -> None:  # noqa: ANN401 - whoever's message class
        """Take a `tf2_msgs/TFMessage`, of `/tf` or `static` of `/tf_static`, or a `nav_msgs/Odometry`.

        The latest 2000 of each moving frame are kept, of 1000 frames.

        Raises:
            MessageError: as `Pose.of`; what came before in the message is taken.
        """
        for each in getattr(message, "transforms", [message]):
            header, child = Header.of(each.header), each.child_frame_id.lstrip("/")
            known = None if static else header.stamp_ns, header.frame_id.lstrip("/"), Pose.of(each)
            with self._guard:
                if child in self._parents or len(self._parents) < _MOST_FRAMES:
                    self._parents.setdefault(child, deque(maxlen=1 if static else _HISTORY)).append(known)

    def lookup(self, fixed_frame: str, frame_id: str, stamp_ns: int) -> Pose | None:
        """The pose of a frame in another at a time; None where the tree does not tell."""
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
            near = min(self._parents.get(frame_id, ()), key=lambda known: _apart(known[0], stamp_ns), default=None)
            if near is None or _apart(near[0], stamp_ns) > self._within_ns:
                return
            frame_id, pose = near[1], near[2] @ pose


def _apart(stamp_ns: int | None, asked_ns: int) -> int:
    return 0 if stamp_ns is None else abs(stamp_ns - asked_ns)
