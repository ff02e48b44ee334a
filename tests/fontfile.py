"""Small TrueType fonts, made for a test: a block of another height for each character."""

from pathlib import Path

from fontTools.fontBuilder import FontBuilder  # type: ignore[import-untyped]
from fontTools.pens.ttGlyphPen import TTGlyphPen  # type: ignore[import-untyped]


def write_font(path: Path, family: str, characters: str, style: str = "Regular") -> Path:
    """A font of 1000 units to the em; every other character is an empty box."""
    names = [".notdef", *(f"glyph{place}" for place in range(len(characters)))]
    blocks = [block(100 * (place + 1)) for place in range(len(characters))]
    builder = FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder(names)
    builder.setupCharacterMap({ord(each): name for each, name in zip(characters, names[1:], strict=True)})
    builder.setupGlyf({name: outline(*drawn) for name, drawn in zip(names, [BOX, *blocks], strict=True)})
    builder.setupHorizontalMetrics(dict.fromkeys(names, (1000, 50)))
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    builder.setupNameTable({"familyName": family, "styleName": style})
    builder.setupOS2()
    builder.setupPost()
    builder.save(path)
    return path


Contour = list[tuple[int, int]]

BOX: list[Contour] = [
    [(50, 0), (50, 850), (950, 850), (950, 0)],
    [(150, 100), (850, 100), (850, 750), (150, 750)],  # the other way round: a hole
]


def block(height: int) -> list[Contour]:
    return [[(50, 0), (50, height), (950, height), (950, 0)]]


def outline(*contours: Contour) -> object:
    pen = TTGlyphPen(None)
    for contour in contours:
        pen.moveTo(contour[0])
        for corner in contour[1:]:
            pen.lineTo(corner)
        pen.closePath()
    return pen.glyph()
