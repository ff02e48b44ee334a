"""What a site is: its cameras, the detector they share, and where events go."""

from dataclasses import dataclass, field
from pathlib import Path

from regionclip.config import Config
from regionclip.site.secrets import SecretText
from regionclip.video.options import FollowOptions
from regionclip.video.rules.schedule import Hours
from regionclip.video.sources.options import LiveOptions
from regionclip.words.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraSettings:
    """One camera.

    Attributes:
        name: its name, also the `source` of its events.
        url: what `open_source` takes; a recording is played at its own speed, like a camera.
        words: labels to look for.
        follow: how it is followed, its rules and the time zone.
        live: timeouts and transport.
        max_fps: frames a second at most; None for all.
        schedule: when it is watched, in local time of the site; empty for always.
        enabled: False leaves it closed.
    """

    name: str
    url: SecretText
    words: Vocabulary
    follow: FollowOptions = field(default_factory=FollowOptions)
    live: LiveOptions = field(default_factory=LiveOptions)
    max_fps: float | None = None
    schedule: tuple[Hours, ...] = ()
    enabled: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSettings:
    """Where events are posted to.

    Attributes:
        url: http or https.
        headers: names and values, sent along.
        timeout: seconds without an answer that end a try.
    """

    url: SecretText
    headers: tuple[tuple[str, SecretText], ...] = ()
    timeout: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class MqttSettings:
    """Which broker events are published to.

    Attributes:
        url: mqtt or mqtts.
        discovery: topic below which Home Assistant looks for devices; empty for none.
        embeddings: whether what the tower sees is published too.
    """

    url: SecretText
    discovery: str = "homeassistant"
    embeddings: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputSettings:
    """Where events go.

    Attributes:
        events: file, one event a line.
        snapshots: folder of pictures.
        blur: labels that are made unrecognisable in those pictures.
        webhook: where they are posted to.
        mqtt: the broker they are published to.
    """

    events: Path | None = None
    snapshots: Path | None = None
    blur: tuple[str, ...] = ()
    webhook: WebhookSettings | None = None
    mqtt: MqttSettings | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteSettings:
    """All that a site file says.

    Attributes:
        cameras: with different names.
        detector: shared by all cameras.
        batch: most frames, of different cameras, that are encoded together; None for 8 on a GPU and 1 on a CPU.
        timezone: of the place, as `Asia/Shanghai`; None for UTC.
        outputs: where events go.
        status: JSON file that says how each camera is doing; None for none.
    """

    cameras: tuple[CameraSettings, ...]
    detector: Config = field(default_factory=Config)
    batch: int | None = None
    timezone: str | None = None
    outputs: OutputSettings = field(default_factory=OutputSettings)
    status: Path | None = None
