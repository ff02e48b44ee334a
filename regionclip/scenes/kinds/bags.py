"""How bags are drawn. Each function fills a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painting.painter import METAL, TYRE, Brush, Colour

_BRASS: Colour = (80, 190, 225)


def suitcase(brush: Brush) -> None:
    """A case on wheels, its handle pulled out: hard with ribs, or soft with pockets; wide 0.6."""
    ink = brush.ink
    if brush.other:  # an old case that lies on its side, without wheels
        brush.ring(0.3, 0.36, 0.12, 0.04, TYRE)
        brush.rect(0.0, 0.34, 0.6, 0.97, ink.main, 0.05)
        for x in (0.11, 0.43):
            brush.rect(x, 0.34, x + 0.06, 0.97, ink.dark)
            brush.rect(x - 0.005, 0.46, x + 0.065, 0.53, METAL)
        return
    handle = brush.between(0.02, 0.14)
    top = brush.between(0.24, 0.32)
    for x in (0.2, 0.4):
        brush.line([(x, 0.3), (x, handle)], 0.022, METAL)
    brush.line([(0.19, handle), (0.41, handle)], 0.05, TYRE)
    brush.rect(0.03, top, 0.57, 0.93, ink.main, 0.07)
    style = brush.between(0, 1)
    if style < 0.45:
        for x in (0.12, 0.22, 0.32, 0.42):
            brush.rect(x, top + 0.04, x + 0.035, 0.89, ink.dark)
    elif style < 0.7:
        for y in (0.42, 0.54, 0.66, 0.78):
            brush.rect(0.06, y, 0.54, y + 0.025, ink.dark)
    else:
        for y1, y2 in ((top + 0.06, 0.54), (0.6, 0.88)):
            brush.rect(0.1, y1, 0.5, y2, ink.dark, 0.04)
            brush.rect(0.115, y1 + 0.025, 0.485, y2 - 0.012, ink.main, 0.03)
    brush.rect(0.22, top - 0.025, 0.38, top + 0.005, TYRE)
    for x in (0.12, 0.48):
        brush.disc(x, 0.95, 0.045, TYRE)


def backpack(brush: Brush) -> None:
    """A rounded bag with straps and pockets, or one rolled shut at the top; wide 0.78."""
    ink = brush.ink
    for side in (-1, 1):
        brush.line([(0.39 + side * 0.24, 0.3), (0.39 + side * 0.34, 0.6), (0.39 + side * 0.28, 0.86)], 0.06, TYRE)
    if brush.other:
        brush.rect(0.1, 0.2, 0.68, 0.97, ink.main, 0.08)
        brush.rect(0.14, 0.06, 0.64, 0.22, ink.dark, 0.07)
        for x in (0.24, 0.48):
            brush.rect(x, 0.06, x + 0.05, 0.97, TYRE)
            brush.rect(x - 0.01, 0.4, x + 0.06, 0.46, METAL)
        return
    brush.ring(0.39, 0.09, 0.085, 0.035, TYRE)
    brush.rect(0.09, 0.08, 0.69, 0.97, ink.main, brush.between(0.18, 0.27))
    brush.rect(0.09, 0.5, 0.69, 0.97, ink.main, 0.1)
    top = brush.between(0.5, 0.6)
    if brush.chance(0.35):
        for x in (0.14, 0.41):
            brush.rect(x, top, x + 0.23, 0.9, ink.dark, 0.05)
            brush.rect(x + 0.03, top + 0.07, x + 0.2, top + 0.1, METAL)
    else:
        brush.rect(0.17, top, 0.61, 0.9, ink.dark, 0.07)
        brush.rect(0.2, top + 0.06, 0.58, top + 0.09, METAL)
    if brush.chance(0.6):
        brush.line([(0.18, 0.38), (0.39, 0.3), (0.6, 0.38)], 0.025, TYRE)
    brush.rect(0.33, 0.14, 0.45, 0.2, ink.light)


def handbag(brush: Brush) -> None:
    """A bag with one handle or two, a flap or a clasp; wide 1.0."""
    ink, w = brush.ink, brush.wide
    if brush.other:  # a bucket bag with a drawstring
        brush.ring(w / 2, 0.34, 0.3, 0.05, ink.dark)
        brush.poly([(0.2, 0.3), (0.8, 0.3), (0.9, 0.94), (0.84, 0.98), (0.16, 0.98), (0.1, 0.94)], ink.main)
        brush.rect(0.2, 0.28, 0.8, 0.34, ink.light)
        for x in (0.3, 0.5, 0.7):
            brush.line([(x, 0.34), (x, 0.5)], 0.02, ink.dark)
        brush.line([(0.5, 0.42), (0.42, 0.66)], 0.03, _BRASS)
        brush.line([(0.5, 0.42), (0.58, 0.66)], 0.03, _BRASS)
        return
    style = brush.between(0, 1)
    brush.ring(w / 2, 0.4, brush.between(0.27, 0.37), 0.06, ink.dark)
    if style < 0.4:  # a satchel
        brush.rect(0.05, 0.38, w - 0.05, 0.97, ink.main, 0.08)
        brush.poly(
            [(0.05, 0.42), (0.1, 0.38), (w - 0.1, 0.38), (w - 0.05, 0.42), (w - 0.12, 0.66), (0.12, 0.66)], ink.dark
        )
        brush.poly([(0.07, 0.41), (w - 0.07, 0.41), (w - 0.13, 0.63), (0.13, 0.63)], ink.main)
        brush.rect(w / 2 - 0.06, 0.6, w / 2 + 0.06, 0.72, _BRASS, 0.02)
    elif style < 0.7:  # a trapeze with a zip
        brush.poly(
            [(0.2, 0.37), (w - 0.2, 0.37), (w - 0.02, 0.92), (w - 0.06, 0.98), (0.06, 0.98), (0.02, 0.92)], ink.main
        )
        brush.rect(0.19, 0.37, w - 0.19, 0.43, ink.dark)
        brush.poly([(0.08, 0.8), (w - 0.08, 0.8), (w - 0.05, 0.86), (0.05, 0.86)], ink.light)
        brush.disc(w / 2, 0.43, 0.045, _BRASS)
    else:  # round, with a band
        brush.rect(0.03, 0.38, w - 0.03, 0.97, ink.main, 0.24)
        brush.line([(0.06, 0.56), (w / 2, 0.64), (w - 0.06, 0.56)], 0.035, ink.dark)
        brush.disc(w / 2, 0.62, 0.055, _BRASS)
    for side in (-1, 1):
        brush.disc(w / 2 + side * 0.26, 0.44, 0.03, _BRASS)
