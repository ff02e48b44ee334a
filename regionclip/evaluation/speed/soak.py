"""A site under way for long: does memory grow, does a thread stay behind?

Cameras are lost and come back, words change, and a camera leaves and returns, again and again.
"""

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from regionclip.detector import Detector
from regionclip.errors import ConfigError
from regionclip.evaluation.speed.cameras import settings_of
from regionclip.evaluation.speed.fleet import Fleet
from regionclip.site.settings import SiteSettings
from regionclip.site.status import CameraStatus
from regionclip.site.turns import Site
from regionclip.words.vocabulary import Vocabulary

_STATUS = Path("/proc/self/status")
_WARM_UP = 0.25
"""Share of the time that does not count: pools and caches fill."""

_ROUND, _AWAY = 30.0, 5.0
"""Most seconds from one change to the next, and of one outage; there are 6 rounds or more."""

_WORDS = (("person", "car"), ("person", "bag", "叉车"))


@dataclass(frozen=True, slots=True)
class Soak:
    """What was seen.

    Attributes:
        seconds: of each sample, after the warm-up.
        mib: resident memory at those, MiB.
        handled: frames that were followed.
        outages: of all cameras.
        changes: how often the settings were changed.
        errors: of all cameras.
        threads: names of those that are there and were not before.
    """

    seconds: tuple[float, ...]
    mib: tuple[float, ...]
    handled: int
    outages: int
    changes: int
    errors: int
    threads: tuple[str, ...]

    @property
    def slope(self) -> float:
        """MiB an hour that memory grows, by least squares."""
        if len(self.seconds) < 2:
            return 0.0
        return float(np.polyfit(np.array(self.seconds) / 3600, self.mib, 1)[0])


def measure_soak(
    detector: Detector,
    *,
    minutes: float,
    cameras: int,
    fps: float = 5.0,
    size: tuple[int, int] = (240, 320),
    watch: Callable[[float], None] = lambda share: None,
) -> Soak:
    """Run a site for so many minutes.

    Args:
        detector: followed with.
        minutes: how long.
        cameras: 2 or more.
        fps: of each.
        size: `(H, W)` in pixels.
        watch: called each second with the share of the time that is over.

    Raises:
        ConfigError: with fewer cameras, and where this system does not tell resident memory.
    """
    if cameras < 2:
        raise ConfigError(f"soak: expected 2 cameras or more, one of which comes and goes, got {cameras}")
    resident_mib()  # refuses before any work is done
    before = set(threading.enumerate())
    with Fleet(cameras, fps=fps, size=size) as fleet:
        settings = settings_of(fleet.urls, _WORDS[0], every=2)
        with Site(settings, detector) as site:
            course = _Course(site, settings, fleet, 60 * minutes)
            site.run(lambda: watch(course.step()))
        course.count(site.status())
    left = tuple(thread.name for thread in threading.enumerate() if thread not in before)
    times, sizes = zip(*course.samples, strict=True) if course.samples else ((), ())
    return Soak(times, sizes, course.handled, course.outages, course.rounds, course.errors, left)


class _Course:
    """What befalls the site.

    Args:
        site: under way.
        settings: its own.
        fleet: its cameras.
        seconds: how long.
    """

    def __init__(self, site: Site, settings: SiteSettings, fleet: Fleet, seconds: float) -> None:
        self.samples: list[tuple[float, float]] = []
        self.rounds = self.handled = self.outages = self.errors = 0
        self._site, self._settings, self._fleet, self._seconds = site, settings, fleet, seconds
        self._round = min(_ROUND, seconds / 6)
        self._start, self._is_off = time.monotonic(), False

    def step(self) -> float:
        """Do what is due; the share of the time that is over."""
        now = time.monotonic() - self._start
        if now >= _WARM_UP * self._seconds:
            self.samples.append((now, resident_mib()))
        if now >= self._seconds:
            self._site.stop()
        elif int(now / self._round) > self.rounds:
            self.rounds += 1
            self._change()
            self._switch(on=False)
        elif self._is_off and now % self._round > min(_AWAY, self._round / 2):
            self._switch(on=True)
        return min(1.0, now / self._seconds)

    def count(self, statuses: Iterable[CameraStatus]) -> None:
        """Add up what cameras did that are closed."""
        for status in statuses:
            self.handled += status.handled
            self.outages += status.outages
            self.errors += status.errors

    def _change(self) -> None:
        """Other words for all; the last camera goes, or comes back."""
        words = Vocabulary(list(_WORDS[self.rounds % 2]))
        cameras = tuple(replace(camera, words=words) for camera in self._settings.cameras)
        if self.rounds % 2:
            self.count(self._site.status()[-1:])
            cameras = cameras[:-1]
        self._site.apply(replace(self._settings, cameras=cameras))

    def _switch(self, *, on: bool) -> None:
        """Switch the first camera."""
        self._fleet.switch(0, on=on)
        self._is_off = not on


def resident_mib() -> float:
    """Resident memory of this process in MiB.

    Raises:
        ConfigError: where the system does not tell.
    """
    try:
        lines = _STATUS.read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise ConfigError(f"soak: needs {_STATUS}, which Linux has") from error
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def table(soak: Soak, *, minutes: float, cameras: int) -> str:
    """The figures as lines of text."""
    memory = "no samples"
    if soak.mib:
        memory = (
            f"{soak.mib[0]:.1f} MiB after the first quarter, {soak.mib[-1]:.1f} at the end, {max(soak.mib):.1f} at most"
        )
    return "\n".join(
        [
            f"a site of {cameras} cameras for {minutes:g} minutes: {soak.handled} frames followed, {soak.outages} "
            f"outages, {soak.changes} changes of settings, {soak.errors} errors",
            f"  resident memory: {memory}",
            f"  slope by least squares: {soak.slope:+.2f} MiB an hour",
            f"  threads left: {len(soak.threads)}{' ' if soak.threads else ''}{', '.join(soak.threads)}",
        ]
    )
