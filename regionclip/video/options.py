"""FollowOptions: how a source is followed."""

from dataclasses import dataclass

from regionclip.errors import ConfigError
from regionclip.video.rules.file import RuleSet
from regionclip.video.tracking.settings import TrackSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """How a source is followed.

    Attributes:
        track: whether what is found is followed from frame to frame; needs the extra `video`.
        every: the tower looks at each so many frames; between them tracks carry their boxes with the picture, and
            without tracks the boxes stay where they are.
        tracks: settings of the tracks.
        rules: what makes an event; None for none.
        timezone: of the place, as `Asia/Shanghai`, for schedules and the local time of events; None for UTC.

    Raises:
        ConfigError: for `every` below 1.
    """

    track: bool = True
    every: int = 1
    tracks: TrackSettings | None = None
    rules: RuleSet | None = None
    timezone: str | None = None

    def __post_init__(self) -> None:
        if type(self.every) is not int or self.every < 1:
            raise ConfigError(f"every: expected a number of frames of at least 1, got {self.every!r}")
