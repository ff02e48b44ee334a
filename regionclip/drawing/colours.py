"""One colour for each label name, the same in every run and vocabulary."""

import zlib
from collections.abc import Iterable
from functools import lru_cache
from typing import TypeAlias

from regionclip.errors import ConfigError

Colour: TypeAlias = tuple[int, int, int]
"""Blue, green, red, each 0..255."""

UNKNOWN = "unknown"
"""The name of regions that no label fits; they are grey."""

GREY: Colour = (0x61, 0x61, 0x61)

_PALETTE = (
    "00aadd", "4466bb", "0055ee", "aa66dd", "eeaaee", "dd22cc", "bb3388", "ff0077", "ff99aa", "dd0033", "aa4433",
    "ff5500", "cc7700", "ffcc88", "ffcc00", "776600", "99aa11", "bbee00", "337711", "aaee99", "118866", "00ee66",
    "00eecc",
)  # fmt: skip
"""At least 31 apart in CIELAB (lightness weighed 0.8), none near grey, none so dark that a night picture hides it.

A prime number of them: any stride meets all."""

_STRIDE = 11

_SEED = 116084
"""Of the hash; chosen so that a dozen common names (person, car, dog, 人, 汽车, 狗, ...) differ in each language."""


def colour(text: str) -> Colour:
    """Read `"#ee2244"` or `"ee2244"`, red first.

    Raises:
        ConfigError: for anything else.
    """
    digits = text.removeprefix("#") if isinstance(text, str) else ""
    try:
        if len(digits) != 6:
            raise ValueError
        red, green, blue = bytes.fromhex(digits)
    except ValueError as error:
        raise ConfigError(f"colour: expected six hexadecimal digits such as 'ee2244', got {text!r}") from error
    return blue, green, red


def label_colours(names: Iterable[str]) -> dict[str, Colour]:
    """A colour for each name, by the name's hash, whatever the order of the names.

    Of names that hash to one colour the first in alphabetical order keeps it and the others take free ones, as long as
    there are any (23 colours). So a name's colour depends on the others only where it would look like one of them.
    """
    return _label_colours(tuple(sorted(set(names))))


@lru_cache(maxsize=256)
def _label_colours(names: tuple[str, ...]) -> dict[str, Colour]:
    chosen: dict[str, int] = {}
    late: list[str] = []
    for name in names:
        if name == UNKNOWN:
            continue
        if _place(name) in chosen.values():
            late.append(name)
        else:
            chosen[name] = _place(name)
    for name in late:
        tried = [(_place(name) + step * _STRIDE) % len(_PALETTE) for step in range(len(_PALETTE))]
        chosen[name] = next((place for place in tried if place not in chosen.values()), tried[0])
    return {name: colour(_PALETTE[chosen[name]]) if name in chosen else GREY for name in names}


def _place(name: str) -> int:
    return zlib.crc32(name.encode("utf-8", "surrogatepass"), _SEED) % len(_PALETTE)


def ink(background: Colour) -> Colour:
    """Black or white, whichever stands out more: a contrast of at least 4.5 (WCAG 2.1, relative luminance)."""
    blue, green, red = (
        value / 255 / 12.92 if value <= 10 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in background
    )
    luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)
