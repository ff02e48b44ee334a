"""The tables of a site file, as they are written (docs/sites.md)."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Self

from annotated_types import Predicate
from pydantic import Field, model_validator

from regionclip.config import Budget
from regionclip.formats.settings import Expected, Settings, Text, Texts
from regionclip.video.rules.file import check_different
from regionclip.video.rules.schedule import Schedule, Timezone
from regionclip.video.sources.options import Transport
from regionclip.video.sources.urls import mask

NO_RULES = "none"
LIVE = ("transport", "open_timeout", "read_timeout", "key_frames_only")
"""Keys that are fields of `LiveOptions`."""
Positive = Annotated[float, Field(gt=0)]
AtLeastOne = Annotated[int, Field(ge=1)]
WORDS = "a list of words, a file, or a name of `regionclip vocab list`"


class Watched(Settings):
    """Keys that stand above the cameras for all of them, or in one camera for it alone.

    Attributes:
        vocabulary: words; a text alone is a file, or the name of a shipped vocabulary.
        threshold: in place of the vocabulary's.
        rules: a file, or the name of shipped rules.
        schedule: when the camera is open.
        track: follow things from frame to frame.
        every: the tower looks at each so many frames.
        max_fps: most frames a second.
        password_file: its one line is put behind the user's name of the URL.
        transport: this and the rest are fields of `LiveOptions`.
    """

    vocabulary: Annotated[Text | tuple[Text, ...] | None, Expected(WORDS)] = None
    threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    rules: Text = NO_RULES
    schedule: Schedule = ()
    track: bool = True
    every: AtLeastOne = 1
    max_fps: Positive | None = None
    password_file: Text | None = None
    transport: Transport = "tcp"
    open_timeout: Positive = 5.0
    read_timeout: Positive = 5.0
    key_frames_only: bool = False


class CameraTable(Watched):
    """`[[camera]]`: its name, the address with what stands for its secrets, and whether it is on."""

    name: Annotated[
        Text,
        Predicate(lambda name: name.isprintable() and mask(name) == name),
        Expected("a short name without a password", secret=True),
    ]
    url: Annotated[Text | int, Expected("the address of a camera, as rtsp://viewer@192.0.2.10/live", secret=True)]
    enabled: bool = True


class WebhookTable(Settings):
    """`[webhook]`; see `WebhookSettings`."""

    url: Annotated[Text, Expected("an address, as https://192.0.2.1/hook", secret=True)]
    headers: Annotated[
        Mapping[str, Annotated[Text, Expected("text", secret=True)]], Expected("a table of texts", secret=True)
    ] = {}
    timeout: Positive = 5.0


class MqttTable(Settings):
    """`[mqtt]`; see `MqttSettings`. The one line of `password_file` is put behind the user's name of `url`."""

    url: Annotated[Text, Expected("an address, as mqtt://regionclip@192.0.2.1/site", secret=True)]
    password_file: Text | None = None
    discovery: Annotated[
        str, Predicate(lambda topic: not set(topic) & set("+#")), Expected("a topic without + and #")
    ] = "homeassistant"
    embeddings: bool = False


class DetectorTable(Settings):
    """`[detector]`: a config or a tower, and what changes in it.

    Attributes:
        batch: most frames, of different cameras, that are encoded together.
    """

    config: Text | None = None
    tower: Text | None = None
    weights: Text | None = None
    preset: Text | None = None
    device: Text | None = None
    dtype: Text | None = None
    budget: Budget | None = None
    batch: AtLeastOne | None = None

    @model_validator(mode="after")
    def _config_or_tower(self) -> Self:
        if self.config is not None and self.tower is not None:
            raise ValueError("expected config or tower, got both")
        return self


class SiteTable(Watched):
    """A whole site file; for its meaning see `SiteSettings`."""

    title: ClassVar[str] = "site"

    timezone: Timezone | None = None
    events: Text | None = None
    snapshots: Text | None = None
    blur: Texts = ()
    status: Text | None = None
    webhook: WebhookTable | None = None
    mqtt: MqttTable | None = None
    detector: DetectorTable = DetectorTable()
    tracks: Annotated[Mapping[str, Any] | None, Expected("a table")] = None
    cameras: Annotated[tuple[CameraTable, ...], Field(validation_alias="camera")] = ()

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not self.cameras:
            raise ValueError("expected at least one [[camera]] table")
        check_different([camera.name for camera in self.cameras], "[[camera]]")
        if self.blur and self.snapshots is None:
            raise ValueError("blur: only together with snapshots, whose pictures it is for")
        return self
