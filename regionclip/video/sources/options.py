"""Settings of sources: name and start, and for live ones timeouts, transport and reconnecting."""

import math
from dataclasses import dataclass
from typing import Literal, get_args

from regionclip.errors import ConfigError

Transport = Literal["tcp", "udp"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveOptions:
    """Settings of a live source.

    Attributes:
        transport: of RTSP; "udp" loses packets on a busy network, and some cameras know nothing else.
        open_timeout: seconds to wait for a connection.
        read_timeout: seconds without data after which the source counts as lost. Closing a source that has gone silent
            can take as long.
        first_wait: seconds before the first new try; each further wait is twice as long, give or take a fifth.
        longest_wait: seconds that no wait exceeds, but for that fifth.
        patience: seconds for which a source that was lost is looked for until `read` raises a SourceError; 0 for the
            first failure, None for ever.
        key_frames_only: decode key frames only. Costs a small part of the time; the camera's key frames, often one in
            one to four seconds, are then all frames there are.

    Raises:
        ConfigError: for values out of range.
    """

    transport: Transport = "tcp"
    open_timeout: float = 5.0
    read_timeout: float = 5.0
    first_wait: float = 0.5
    longest_wait: float = 8.0
    patience: float | None = None
    key_frames_only: bool = False

    def __post_init__(self) -> None:
        if self.transport not in get_args(Transport):
            raise ConfigError(f"transport: expected tcp or udp, got {self.transport!r}")
        for name in ("open_timeout", "read_timeout", "first_wait", "longest_wait"):
            check_positive(getattr(self, name), name)
        if self.patience is not None and not (_is_number(self.patience) and self.patience >= 0):
            raise ConfigError(f"patience: expected seconds from 0, or none, got {self.patience!r}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Naming:
    """What a source knows about itself.

    Attributes:
        id: its name.
        start_utc: when its first frame was taken, seconds since 1970 UTC; None where nobody knows.
        max_fps: more frames a second than this are passed over; None for all.
    """

    id: str
    start_utc: float | None = None
    max_fps: float | None = None


def check_positive(value: object, name: str) -> None:
    """Refuse what is no finite number above 0.

    Raises:
        ConfigError: naming `name`.
    """
    if not (_is_number(value) and value > 0):  # type: ignore[operator]
        raise ConfigError(f"{name}: expected a number above 0, got {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
