"""Font files for Pillow: which there are, and whether they have the glyphs that are needed."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from PIL import ImageFont

from regionclip.errors import DrawingError

FAMILIES = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Microsoft YaHei",
    "SimHei",
)
"""Chinese families, the best first; any other font that has the glyphs comes after them."""

_UPRIGHT = frozenset({"Regular", "Normal", "Book", "Medium"})
_MISSING = "\U0010ffff"  # no character, and never will be: every font shows its picture for missing ones


@dataclass(frozen=True, slots=True, order=True)
class FontFile:
    """A font file and the place of the face in it; an empty path is the font inside Pillow (ASCII only)."""

    path: str
    index: int = 0


@lru_cache(maxsize=64)
def open_font(file: FontFile, size: int) -> ImageFont.FreeTypeFont:
    """The font at `size` pixels to the em."""
    if file.path:
        return ImageFont.truetype(file.path, size, index=file.index)
    font = ImageFont.load_default(size)
    if not isinstance(font, ImageFont.FreeTypeFont):
        raise DrawingError("this Pillow has no FreeType, so it draws no text: expected the one of: pip install pillow")
    return font


@lru_cache(maxsize=4096)
def draws(file: FontFile, character: str) -> bool:
    """Whether the font has a picture for `character` that is not the one for missing characters."""
    if character == " " or (not file.path and character.isascii()):
        return True
    font = open_font(file, 24)
    drawn, missing = (font.getmask(text) for text in (character, _MISSING))
    return drawn.getbbox() is not None and (drawn.size, bytes(drawn)) != (missing.size, bytes(missing))


@lru_cache(maxsize=2)
def own_font(name: Literal["Pillow", "DejaVu"]) -> FontFile:
    """A font that is always there: Pillow's for ASCII; matplotlib's DejaVu Sans for accents, Greek, Cyrillic."""
    if name == "Pillow":
        return FontFile("")
    import matplotlib

    return FontFile(str(Path(matplotlib.get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")))


def named_font(path: str | Path) -> FontFile:
    """The font that a caller names.

    Raises:
        DrawingError: where it cannot be read as a font.
    """
    file = FontFile(str(path))
    try:
        open_font(file, 24)
    except OSError as error:
        raise DrawingError(f"font {path} cannot be read ({error}): expected a .ttf, .otf or .ttc file") from error
    return file


def font_for(
    characters: frozenset[str], named: FontFile | None = None, folders: tuple[str | Path, ...] | None = None
) -> FontFile:
    """A font that has all of `characters`: the named one, else the best of those installed.

    Args:
        characters: what it must draw.
        named: the only one that may be taken.
        folders: where to look; None looks where the system keeps fonts.

    Raises:
        DrawingError: where there is none.
    """
    files = [named] if named else (file for file, _, _ in sorted(_installed(folders), key=_rank))
    for file in files:
        if all(draws(file, character) for character in characters):
            return file
    wanted = "".join(sorted(characters))
    if named:
        lacking = "".join(sorted(character for character in characters if not draws(named, character)))
        raise DrawingError(f"font {named.path} has no glyphs for {lacking!r}: expected a font that has {wanted!r}")
    import cv2

    raise DrawingError(
        f"labels hold {wanted!r}, which OpenCV {cv2.__version__} cannot draw, and no installed font has: expected a "
        "font of Chinese, Japanese and Korean. Run: apt-get install fonts-wqy-microhei, or name a font file in the "
        'environment variable REGIONCLIP_FONT, or: pip install "opencv-python>=5", which has one inside'
    )


def _installed(folders: tuple[str | Path, ...] | None) -> Iterator[tuple[FontFile, str, str]]:
    """Every face of every font file, with the names of family and style.

    The files are looked for anew: matplotlib's own list is kept on disk and misses fonts installed since.
    """
    from matplotlib.font_manager import findSystemFonts

    for path in sorted(findSystemFonts(folders and [str(folder) for folder in folders])):
        for index in range(64):
            try:
                family, style = ImageFont.truetype(path, 24, index=index).getname()
            except OSError:  # past the last face, or a font without outlines
                break
            yield FontFile(path, index), family or "", style or ""


def _rank(face: tuple[FontFile, str, str]) -> tuple[int, bool, FontFile]:
    file, family, style = face
    return FAMILIES.index(family) if family in FAMILIES else len(FAMILIES), style not in _UPRIGHT, file
