"""Text as coverage masks, by OpenCV 5 or by Pillow, and what neither can draw."""

import os
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Protocol, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from regionclip.drawing.fonts import FontFile, draws, font_for, named_font, open_font, own_font
from regionclip.errors import DrawingError

Mask: TypeAlias = NDArray[np.uint8]
"""`(h, w)`: how much of each pixel is covered, 0..255."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs"})
"""Unicode categories without a picture of their own: control characters, joiners, surrogates."""

_SELECTORS = frozenset(map(chr, range(0xFE00, 0xFE10)))
"""Variation selectors, which only say how the character before them looks."""

FONT_VARIABLE = "REGIONCLIP_FONT"

_WEIGHT = 450
"""Stroke weight of OpenCV's Rubik, 400 being regular and 600 half bold; Han characters have one weight only."""


class TextPainter(Protocol):
    """Draws one line of text. Results are kept by the callers, so this may take its time."""

    def mask(self, text: str, size: int) -> Mask:
        """Coverage `(h, w)` of `text` at `size` pixels to the em; `h` is `line_height(size)` whatever the text.

        Raises:
            DrawingError: where no font for it is at hand.
        """
        ...

    def draws(self, character: str) -> bool:
        """Whether there is a glyph for it. True where that is only known once all of a text's characters are."""
        ...

    def __hash__(self) -> int: ...


def baseline(size: int) -> int:
    """Pixels from the top of a line to the baseline; Han characters and capitals with accents fit in."""
    return -(-11 * size // 10)


def line_height(size: int) -> int:
    """Pixels of a line of text, room for descenders included."""
    return baseline(size) + -(-27 * size // 100)


@lru_cache(maxsize=8)
def _painter(font: str | None, has_fonts: bool) -> TextPainter:
    if font is None and has_fonts:
        return OpenCVText()
    return PillowText(font)


def text_painter(font: str | Path | None = None) -> TextPainter:
    """OpenCV's own fonts where it has them and none is named, else Pillow.

    Args:
        font: a font file; None takes the environment's `REGIONCLIP_FONT`, if any.

    Raises:
        DrawingError: where the named font cannot be read.
    """
    named = font or os.environ.get(FONT_VARIABLE) or None
    return _painter(None if named is None else str(named), hasattr(cv2, "FontFace"))


def check_drawable(texts: Iterable[str], font: str | Path | None = None) -> None:
    """Make sure that texts can be drawn, before long work whose end would be a picture without them.

    Raises:
        DrawingError: where a font is missing.
    """
    painter = text_painter(font)
    for text in texts:
        painter.mask(drawable(text, painter), 16)


def drawable_lines(lines: tuple[str, ...]) -> tuple[str, ...]:
    """Lines that all say the same, English first: that one alone where no font for the others is at hand."""
    try:
        check_drawable(lines)
    except DrawingError:
        return lines[:1]
    return lines


class OpenCVText:
    """The fonts inside OpenCV 5: Rubik, and WenQuanYi Micro Hei for what that lacks."""

    def mask(self, text: str, size: int) -> Mask:
        """See `TextPainter`."""
        if is_from_the_right(text):  # OpenCV sets letter after letter, unjoined, from the left
            return PillowText().mask(text, size)
        # The engine behind a face belongs to one thread, so each call makes its own.
        face = cv2.FontFace("sans")
        _, _, width, _ = cv2.getTextSize((0, 0), text, (0, 0), face, size, _WEIGHT)
        canvas = np.zeros((line_height(size), width + 2), np.uint8)  # (h, w)
        cv2.putText(canvas, text, (1, baseline(size)), (255,), face, size, _WEIGHT)
        return canvas

    def draws(self, character: str) -> bool:
        """See `TextPainter`: whether it looks different from the question mark that stands for a missing glyph."""
        return character.isascii() or not np.array_equal(self.mask(character, 32), self.mask("?", 32))


class PillowText:
    """Fonts of files: the named one, or Pillow's own for ASCII and one found on the system for Chinese.

    Args:
        font: a font file that is used for all text.
        folders: where fonts are looked for; None looks where the system keeps them.

    Raises:
        DrawingError: where `font` cannot be read.
    """

    def __init__(self, font: str | Path | None = None, folders: tuple[str | Path, ...] | None = None) -> None:
        self._named = None if font is None else named_font(font)
        self._folders = folders
        self._found: list[FontFile] = []

    def mask(self, text: str, size: int) -> Mask:
        """See `TextPainter`."""
        from PIL import Image, ImageDraw

        runs = self._runs(text)
        fonts = [open_font(file, size) for _, file in runs]
        starts = np.cumsum([1, *(font.getlength(run) for (run, _), font in zip(runs, fonts, strict=True))])
        canvas = Image.new("L", (int(starts[-1]) + 2, line_height(size)))
        pen = ImageDraw.Draw(canvas)
        for (run, _), font, start in zip(runs, fonts, starts, strict=False):
            pen.text((float(start), baseline(size)), run, fill=255, font=font, anchor="ls")
        return np.array(canvas, np.uint8)

    def draws(self, character: str) -> bool:
        """See `TextPainter`."""
        return is_wide(character) or any(draws(file, character) for file in self._files(character))

    def _runs(self, text: str) -> list[tuple[str, FontFile]]:
        """Stretches of `text`, each with the first font that has its characters; in one where it is set as a whole."""
        files = self._files(text)
        if is_from_the_right(text):
            _check_shaping(text)
            own = [character for character in text if is_from_the_right(character)]
            return [(text, next((file for file in files if all(draws(file, each) for each in own)), files[-1]))]
        runs: list[tuple[str, FontFile]] = []
        for character in text:
            file = next((file for file in files if draws(file, character)), files[0])
            if runs and runs[-1][1] == file:
                runs[-1] = (runs[-1][0] + character, file)
            else:
                runs.append((character, file))
        return runs

    def _files(self, text: str) -> tuple[FontFile, ...]:
        """Fonts for `text`, the best first; the last has accents, Greek and Cyrillic."""
        wide = frozenset(filter(is_wide, text))
        first = self._wide_font(wide) if wide else self._named or own_font("Pillow")
        return first, own_font("DejaVu")

    def _wide_font(self, characters: frozenset[str]) -> FontFile:
        known = [self._named] if self._named else self._found
        for file in known:
            if all(draws(file, character) for character in characters):
                return file
        file = font_for(characters, self._named, self._folders)
        self._found.append(file)
        return file


def is_wide(character: str) -> bool:
    """Whether it is a letter or mark of Chinese, Japanese or Korean, which fonts of other scripts lack."""
    return unicodedata.east_asian_width(character) in "WF" and unicodedata.category(character)[0] in "LNP"


def is_from_the_right(text: str) -> bool:
    """Whether it has letters that run from the right: Arabic, whose letters join as well, and Hebrew."""
    return any(unicodedata.bidirectional(character) in ("R", "AL") for character in text)


def _check_shaping(text: str) -> None:
    from PIL import features

    if missing := [name for name in ("raqm", "fribidi") if not features.check(name)]:
        raise DrawingError(
            f"{text!r}: letters that join and run from the right need {' and '.join(missing)} with Pillow "
            "(apt-get install libraqm0 libfribidi0); or give the label a name in other letters"
        )


@lru_cache(maxsize=2048)
def drawable(text: str, painter: TextPainter) -> str:
    """One line of `text` with the characters that fonts lack, emoji above all, written as their Unicode names."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    seen = [c for c in line if unicodedata.category(c) not in _UNSEEN and c not in _SELECTORS]
    return "".join(c if painter.draws(c) else f"[{unicodedata.name(c, f'U+{ord(c):X}').lower()}]" for c in seen)
