"""When a rule is in force: `"mon-fri 18:00-06:00"`, by the clock on the wall of the site."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, InstanceOf

from regionclip.errors import ConfigError
from regionclip.formats.settings import Expected

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CHINESE = {f"{word}{day}": place for word in ("周", "星期") for place, day in enumerate("一二三四五六日")}
_CHINESE |= {"周天": 6, "星期天": 6}
_HOURS = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
_WRITTEN = 'days, hours or both, as "mon-fri 18:00-06:00", "sat,sun" or "周一-周五 18:00-06:00"'


@dataclass(frozen=True, slots=True)
class Hours:
    """Hours of some days of the week.

    Attributes:
        days: 0 (Monday) to 6 of the days on which the hours begin.
        start: when they begin.
        end: when they end, on the next day where that is not after `start`; the end itself is outside.
    """

    days: frozenset[int]
    start: time
    end: time

    @classmethod
    def read(cls, text: str) -> "Hours":
        """Read `"mon-fri 18:00-06:00"`; without days every day, without hours whole days.

        Raises:
            ConfigError: for anything else.
        """
        days, hours = frozenset(range(7)), (time(0), time(0))
        parts = text.lower().replace("：", ":").replace("，", ",").split()
        if not 1 <= len(parts) <= 2:
            raise ConfigError(f"expected {_WRITTEN}, got {text!r}")
        if ":" in parts[-1]:
            hours = _hours(parts.pop(), text)
        if parts:
            days = frozenset().union(*(_days(part, text) for part in parts.pop().split(",")))
        if parts:
            raise ConfigError(f"expected {_WRITTEN}, got {text!r}")
        return cls(days, *hours)

    def cover(self, local: datetime) -> bool:
        """Whether a local time is inside. Hours past midnight belong to the day on which they began."""
        clock, day = local.time(), local.weekday()
        if self.start < self.end:
            return day in self.days and self.start <= clock < self.end
        return (day in self.days and clock >= self.start) or ((day - 1) % 7 in self.days and clock < self.end)


def _schedule(given: object) -> object:
    """The hours of one text or several; anything else comes back."""
    texts = (given,) if isinstance(given, str) else given
    if isinstance(texts, tuple) and texts and all(isinstance(text, str) for text in texts):
        return tuple(map(Hours.read, texts))
    return texts or None


Schedule = Annotated[tuple[InstanceOf[Hours], ...], BeforeValidator(_schedule), Expected(_WRITTEN)]
"""When something is in force; without any hours always."""


def is_in_force(when: tuple[Hours, ...], local: datetime | None) -> bool:
    """Whether a local time is in one of the hours; without any hours always."""
    return not when or (local is not None and any(hours.cover(local) for hours in when))


def timezone_of(name: str | None) -> tzinfo:
    """The time zone of a place; UTC where none is named.

    Raises:
        ConfigError: where it is not known.
    """
    if name is None:
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError, TypeError) as error:  # ZoneInfoNotFoundError is a KeyError
        raise ConfigError(
            f'timezone {name!r} is not known here: expected a name of the IANA list, as "Asia/Shanghai" or '
            '"Europe/Berlin"; where none at all is known, `pip install tzdata`'
        ) from error


def _timezone(name: str) -> str:
    timezone_of(name)
    return name


Timezone = Annotated[str, AfterValidator(_timezone)]
"""The name of a time zone that is known here."""


def local_time(utc_seconds: float, zone: tzinfo) -> datetime:
    """Wall-clock time at a place, of seconds since 1970 UTC."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=utc_seconds)).astimezone(zone)


def _hours(text: str, whole: str) -> tuple[time, time]:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise ConfigError(f"expected {_WRITTEN}, got {whole!r}")
    first, minute, last, past = map(int, found.groups())
    if first > 23 or minute > 59 or past > 59 or (last, past) > (24, 0):
        raise ConfigError(f"expected hours from 00:00 to 24:00, got {whole!r}")
    if (first, minute) == (last, past):
        raise ConfigError(
            f"expected hours that begin and end at different times, got {whole!r}; all day is 00:00-24:00"
        )
    return time(first, minute), time(last % 24, past)


def _days(text: str, whole: str) -> frozenset[int]:
    first, dash, last = text.partition("-")
    start, end = _day(first, whole), _day(last if dash else first, whole)
    return frozenset((start + step) % 7 for step in range((end - start) % 7 + 1))


def _day(text: str, whole: str) -> int:
    if text in _CHINESE:
        return _CHINESE[text]
    known = [place for place, day in enumerate(_DAYS) if len(text) >= 3 and day.startswith(text)]
    if not known:
        raise ConfigError(f"expected {_WRITTEN}, got {whole!r}")
    return known[0]
