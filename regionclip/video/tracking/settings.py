"""TrackSettings: how things are followed, with defaults that were chosen on rendered clips (docs/tracks.md)."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, get_args

from pydantic import Field

from regionclip.errors import ConfigError
from regionclip.formats.settings import Settings, read_toml

TrackerName = Literal["bytetrack", "ocsort", "sort", "botsort"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
Follow = Literal["labels", "objectness"]
Share = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, le=3600)]


class TrackSettings(Settings):
    """Settings of the tracks of one source. In a TOML file the table `[tracks]`.

    Attributes:
        tracker: which algorithm of the package `trackers` associates boxes: `bytetrack`, `ocsort`, `sort`, or
            `botsort`, which also estimates the camera's motion from the picture.
        follow: what makes a region worth following: that a label fits (`labels`), or that it is an object, whatever
            fits (`objectness`; where the proposer's objectness means nothing, labels decide all the same).
        objectness: with `follow = "objectness"`, the least objectness that begins a track, 0..1.
        low: share of that, and of each label's threshold, 0..1, from which a region may still continue a track.
        minimum_iou: least IoU of a track's expected box with a region, 0..1.
        minimum_resemblance: least resemblance of a region to a track, -1..1: 0 is that of any two things of the source,
            1 that of a thing with itself (`regionclip.video.tracking.relations`); -1 takes anything that overlaps.
        confirm_frames: key frames that must see a thing one after another before it is a track, 1 or more.
        lost_track_seconds: for how long a track that is not seen keeps its number and embedding; two key frames at
            least.
        hold_seconds: for how long a track that key frames miss is still shown where the picture carries it.
        memory_seconds: after how long an embedding weighs 1/e of a new one; 0 uses the newest embedding alone.
        margin: by how much another label must lead, and a confidence fall below its threshold, to change a track's
            label, 0..1.
        switch_seconds: for how long another label must lead before the track changes to it.
        change: how much the look of a track must differ from that at its latest embedding to ask for a new one, 0..1:
            1 minus the correlation of small pictures. 1 never asks.

    Raises:
        ConfigError: for a value outside its range.
    """

    title: ClassVar[str] = "tracks"

    tracker: TrackerName = "bytetrack"
    follow: Follow = "labels"
    objectness: Share = 0.5
    low: Share = 0.8
    minimum_iou: Share = 0.2
    minimum_resemblance: Annotated[float, Field(ge=-1, le=1)] = 0.4
    confirm_frames: Annotated[int, Field(ge=1, le=1000)] = 2
    lost_track_seconds: Seconds = 2.0
    hold_seconds: Seconds = 0.1
    memory_seconds: Seconds = 1.5
    margin: Share = 0.1
    switch_seconds: Seconds = 0.5
    change: Share = 0.7

    @classmethod
    def load(cls, path: str | Path) -> "TrackSettings":
        """Read the table `[tracks]` of a TOML file, which may hold other tables too.

        Raises:
            ConfigError: for a file that cannot be read or has no such table, unknown keys, wrong types and values.
        """
        table = read_toml(path, "settings of tracks")
        if "tracks" not in table:
            raise ConfigError(f"{path}: expected a table [tracks]")
        return cls.of(table["tracks"], f"{path}, [tracks]")
