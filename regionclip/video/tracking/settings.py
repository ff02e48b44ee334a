"""TrackSettings: how things are followed, with defaults that were chosen on rendered clips (docs/tracks.md)."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal, get_args, get_type_hints

from regionclip.errors import ConfigError
from regionclip.formats.typed import value_of

TrackerName = Literal["bytetrack", "ocsort", "sort", "botsort"]
TRACKERS: tuple[TrackerName, ...] = get_args(TrackerName)
Follow = Literal["labels", "objectness"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackSettings:
    """Settings of the tracks of one source. In a TOML file the table `[tracks]`, read by `TrackSettings.of`.

    Attributes:
        tracker: which algorithm of the package `trackers` associates boxes: `bytetrack`, `ocsort`, `sort`, or
            `botsort`, which also estimates the camera's motion from the picture.
        follow: what makes a region worth following: that a label fits (`labels`), or that it is an object, whatever
            fits (`objectness`; where the proposer's objectness means nothing, labels decide all the same).
        objectness: with `follow = "objectness"`, the least objectness that begins a track, 0..1.
        low: share of that, and of each label's threshold, 0..1, from which a region may still continue a track.
        overlap: least IoU of a track's expected box with a region, 0..1.
        alike: least resemblance of a region to a track, -1..1: 0 is that of any two things of the source, 1 that of a
            thing with itself (`regionclip.video.tracking.relations`); -1 takes anything that overlaps.
        confirm: key frames that must see a thing one after another before it is a track, 1 or more.
        patience: seconds for which a track that is not seen keeps its number and embedding; two key frames at least.
        hold: seconds for which a track that key frames miss is still shown where the picture carries it.
        memory: seconds after which an embedding weighs 1/e of a new one; 0 uses the newest embedding alone.
        margin: by how much another label must lead, and a confidence fall below its threshold, to change a track's
            label, 0..1.
        switch: seconds for which another label must lead before the track changes to it.
        change: how much the look of a track must differ from that at its latest embedding to ask for a new one, 0..1:
            1 minus the correlation of small pictures. 1 never asks.

    Raises:
        ConfigError: for a value outside its range.
    """

    tracker: TrackerName = "bytetrack"
    follow: Follow = "labels"
    objectness: float = 0.5
    low: float = 0.8
    overlap: float = 0.2
    alike: float = 0.4
    confirm: int = 2
    patience: float = 2.0
    hold: float = 0.1
    memory: float = 1.5
    margin: float = 0.1
    switch: float = 0.5
    change: float = 0.7

    def __post_init__(self) -> None:
        hints = get_type_hints(type(self))
        for field in fields(self):
            value_of(hints[field.name], getattr(self, field.name), f"tracks: {field.name}")
        ranges: dict[str, tuple[float, float]] = dict.fromkeys(
            ("objectness", "low", "overlap", "margin", "change"), (0.0, 1.0)
        ) | {"alike": (-1.0, 1.0)}
        ranges |= dict.fromkeys(("patience", "hold", "memory", "switch"), (0.0, 3600.0)) | {"confirm": (1, 1000)}
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise ConfigError(
                    f"tracks: {name}: expected a number in {least:g}..{most:g}, got {getattr(self, name)!r}"
                )

    @classmethod
    def load(cls, path: str | Path) -> "TrackSettings":
        """Read the table `[tracks]` of a TOML file, which may hold other tables too.

        Raises:
            ConfigError: for a file that cannot be read or has no such table, and as `of`.
        """
        try:
            table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}") from error
        return cls.of(table.get("tracks"), str(path))

    @classmethod
    def of(cls, table: object, what: str) -> "TrackSettings":
        """Read a table of a TOML file; `what` is named in errors.

        Raises:
            ConfigError: for unknown keys, wrong types and values.
        """
        if not isinstance(table, Mapping):
            raise ConfigError(f"{what}: expected a table [tracks], got {table!r}")
        known = [field.name for field in fields(cls)]
        if unknown := sorted(set(table) - set(known)):
            raise ConfigError(f"{what}: unknown key {', '.join(unknown)}; known are {', '.join(known)}")
        try:
            return cls(**table)
        except ConfigError as error:
            raise ConfigError(f"{what}: {error}") from error
