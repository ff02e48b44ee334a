"""Where the events of a site go. What cannot be written is told once and tried again with the next event."""

import time
from collections.abc import Callable

import supervision as sv

from regionclip.errors import RegionclipError
from regionclip.frames import Frame
from regionclip.sinks.sink import Sink, Told
from regionclip.site.settings import OutputSettings

_AGAIN = 60.0
"""Seconds after which the same trouble is told again."""


class Troubles:
    """What goes wrong with the site as a whole: told when it begins, and each minute while it lasts.

    Args:
        say: gets one line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._going_on: dict[str, tuple[str, float]] = {}

    @property
    def texts(self) -> list[str]:
        """What is wrong now."""
        return [text for text, _ in self._going_on.values()]

    def begin(self, what: str, error: Exception) -> None:
        """Something is wrong with `what`."""
        text, told = self._going_on.get(what, ("", float("-inf")))
        now, new = time.monotonic(), " ".join(str(error).split())
        if new != text or now - told > _AGAIN:
            self._say(new)
            told = now
        self._going_on[what] = new, told

    def end(self, what: str) -> None:
        """Nothing is wrong with it any more."""
        self._going_on.pop(what, None)


class SiteOutputs:
    """The sinks of a site.

    Args:
        settings: what to open.
        troubles: gets what cannot be written.

    Raises:
        RegionclipError: where something cannot be opened.
    """

    def __init__(self, settings: OutputSettings, troubles: Troubles, say: Callable[[str], None]) -> None:
        self.settings = settings
        self._troubles = troubles
        self._sinks: list[Sink] = []
        try:
            self._open(say)
        except BaseException:
            self.close()
            raise

    def send(self, told: Told, image: Frame | None = None, rows: sv.Detections | None = None) -> None:
        """Tell all of them; one that fails does not keep it from the others."""
        for sink in self._sinks:
            what = type(sink).__name__
            try:
                told = sink.send(told, image, rows)
            except Exception as error:  # nothing that is told may stop the cameras
                self._troubles.begin(what, error)
            else:
                self._troubles.end(what)

    def close(self) -> None:
        """Close all of them."""
        for sink in self._sinks:
            try:
                sink.close()
            except RegionclipError as error:
                self._troubles.begin(type(sink).__name__, error)

    def _open(self, say: Callable[[str], None]) -> None:
        from regionclip.sinks.log_and_snapshots import EventLog, Snapshots, Webhook

        wanted = self.settings
        if wanted.snapshots is not None:  # first: those that follow tell the names of its files
            self._sinks.append(Snapshots(wanted.snapshots, blur=wanted.blur))
        if wanted.events is not None:
            self._sinks.append(EventLog(wanted.events))
        if wanted.webhook is not None:
            headers = {name: text.value for name, text in wanted.webhook.headers}
            hook = Webhook(
                wanted.webhook.url.value,
                headers=headers,
                timeout=wanted.webhook.timeout,
                on_problem=lambda line: say(_hidden(wanted, line)),
            )
            self._sinks.append(hook)


def _hidden(settings: OutputSettings, line: str) -> str:
    """`line` without what the webhook keeps secret."""
    assert settings.webhook is not None  # it is the one who says it
    for secret in (settings.webhook.url, *(text for _, text in settings.webhook.headers)):
        line = secret.hide(line)
    return line
