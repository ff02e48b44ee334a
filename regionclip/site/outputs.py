"""Where the events of a site go."""

from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from functools import partial

import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.frames import Frame
from regionclip.sinks.problems import Problems
from regionclip.sinks.sink import AnyEvent, CameraSink, Sink, hand_on, show
from regionclip.site.secrets import SecretText
from regionclip.site.settings import CameraSettings, MqttSettings, OutputSettings, WebhookSettings
from regionclip.video.sources.base import VideoFrame


class SiteOutputs:
    """The sinks of a site. What cannot be written is a problem, and stops nobody.

    Args:
        settings: what to open.
        problems: gets what cannot be written.
        say: gets a line for each event that a webhook gives up.

    Raises:
        RegionclipError: where something cannot be opened.
    """

    def __init__(self, settings: OutputSettings, problems: Problems, say: Callable[[str], None]) -> None:
        self._problems, self._say = problems, say
        self._open: dict[object, Sink] = {}  # by the settings of each
        self._watched: set[str] = set()
        self.change(settings)

    def change(self, settings: OutputSettings) -> None:
        """Take other settings; a sink whose own stay the same stays open.

        Raises:
            RegionclipError: where something cannot be opened; then nothing changes.
        """
        before, now = self._open, dict[object, Sink]()
        with ExitStack() as new:
            for own, opened in self._wanted(settings):
                now[own] = before[own] if own in before else new.enter_context(opened())
            new.pop_all()  # all are open: they stay so
        self._open = now
        self._close(sink for own, sink in before.items() if own not in now)

    def send(self, event: AnyEvent, image: Frame | None, rows: sv.Detections | None) -> None:
        """Hand an event to all of them; one that fails does not keep it from the others."""
        hand_on(self._open.values(), event, image, rows, problems=self._problems)

    def watching(self, cameras: Sequence[CameraSettings]) -> None:
        """Tell those that take it which cameras are watched, and for which rules."""
        names = {camera.name for camera in cameras}
        for sink in self._cameras():
            for gone in self._watched - names:
                sink.watching(gone, None)
            for camera in cameras:
                sink.watching(camera.name, camera.follow.rules.rules if camera.follow.rules else ())
        self._watched = names

    def see(self, frame: VideoFrame, regions: Regions | None) -> None:
        """Show what the tower saw to those that take it."""
        with self._problems.noted("regions"):
            show(self._open.values(), frame, regions)

    def keep_status(self, content: bytes) -> None:
        """Give the latest status to those that take it."""
        for sink in self._cameras():
            sink.keep_status(content)

    def close(self) -> None:
        """Close all of them."""
        self._close(self._open.values())

    def _cameras(self) -> list[CameraSink]:
        return [sink for sink in self._open.values() if isinstance(sink, CameraSink)]

    def _close(self, sinks: Iterable[Sink]) -> None:
        for sink in sinks:
            with self._problems.noted(id(sink)):
                sink.close()
            self._problems.forget(id(sink))

    def _wanted(self, settings: OutputSettings) -> list[tuple[object, Callable[[], Sink]]]:
        """The settings of each sink, and what opens it."""
        from regionclip.sinks.log_and_snapshots import EventLog, Snapshots

        wanted: list[tuple[object, Callable[[], Sink]]] = []
        if (folder := settings.snapshots) is not None:  # first: those that follow tell the names of its files
            wanted.append((("snapshots", folder, settings.blur), partial(Snapshots, folder, blur=settings.blur)))
        if (path := settings.events) is not None:
            wanted.append((("events", path), partial(EventLog, path)))
        if (hook := settings.webhook) is not None:
            wanted.append((hook, partial(self._webhook, hook)))
        if (broker := settings.mqtt) is not None:
            wanted.append((broker, partial(self._mqtt, broker)))
        return wanted

    def _webhook(self, settings: WebhookSettings) -> Sink:
        from regionclip.sinks.webhook import Webhook

        say = self._discreet(settings.url, *(text for _, text in settings.headers))
        headers = {name: text.value for name, text in settings.headers}
        return Webhook(settings.url.value, headers=headers, timeout=settings.timeout, on_problem=say)

    def _mqtt(self, settings: MqttSettings) -> Sink:
        from regionclip.sinks.mqtt import Mqtt

        return Mqtt(
            settings.url.value,
            discovery=settings.discovery,
            embeddings=settings.embeddings,
            on_problem=self._discreet(settings.url),
        )

    def _discreet(self, *secrets: SecretText) -> Callable[[str], None]:
        """`say`, without these."""

        def say(line: str) -> None:
            for secret in secrets:
                line = secret.hide(line)
            self._say(line)

        return say
