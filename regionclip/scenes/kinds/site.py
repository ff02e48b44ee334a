"""How things of a work site are drawn. Each function fills a box `brush.wide` by 1; see painter."""

import numpy as np

from regionclip.scenes.painting.painter import STEEL, TYRE, Brush, Colour

_WHITE: Colour = (235, 238, 240)


def pallet(brush: Brush) -> None:
    """Slats on three blocks, seen a little from above; wide 2.6."""
    ink, w = brush.ink, brush.wide
    if brush.other:  # moulded, with a lip and round feet
        brush.rect(0.02, 0.16, w - 0.02, 0.5, ink.main, 0.08)
        brush.rect(0.1, 0.08, w - 0.1, 0.2, ink.light, 0.04)
        for x in np.linspace(0.3, w - 0.3, 5):
            brush.rect(float(x) - 0.16, 0.48, float(x) + 0.16, 0.94, ink.dark, 0.06)
        return
    slats, depth = int(brush.rng.integers(4, 7)), brush.between(0.2, 0.4)
    for i in range(slats):
        y = 0.06 + i * 0.4 / slats
        inset = depth * (1 - i / slats)
        brush.rect(inset, y, w - inset, y + 0.3 / slats, ink.light if i % 2 else ink.main)
    brush.rect(0.02, 0.44, w - 0.02, 0.56, ink.main)
    block = brush.between(0.26, 0.42)
    for x in (0.04, (w - block) / 2, w - block - 0.04):
        brush.rect(x, 0.56, x + block, 0.82, ink.dark)
    brush.rect(0.02, 0.82, w - 0.02, 0.94, ink.main)


def box(brush: Brush) -> None:
    """A carton seen from a corner, taped shut or its flaps up; wide 1.1."""
    ink, w = brush.ink, brush.wide
    edge = brush.between(0.5, 0.8)
    depth = brush.between(0.16, 0.26)
    if brush.other:  # a crate of boards with a lid, from the front
        brush.rect(0.04, 0.1, w - 0.04, 0.98, ink.main)
        for y in (0.3, 0.52, 0.74):
            brush.rect(0.04, y, w - 0.04, y + 0.025, ink.dark)
        for x in (0.04, w - 0.16):
            brush.rect(x, 0.1, x + 0.12, 0.98, ink.light)
        brush.line([(0.18, 0.92), (w - 0.18, 0.24)], 0.1, ink.light)
        brush.rect(0.0, 0.04, w, 0.16, ink.dark)
        return
    flaps = brush.chance(0.25)
    top = ink.dark if flaps else ink.light
    brush.poly([(0.02, depth), (edge * 0.6, 0.02), (w - 0.02, depth * 0.7), (edge, depth * 1.5)], top)
    brush.poly([(0.02, depth), (edge, depth * 1.5), (edge, 0.98), (0.02, 0.86)], ink.main)
    brush.poly([(edge, depth * 1.5), (w - 0.02, depth * 0.7), (w - 0.02, 0.8), (edge, 0.98)], ink.dark)
    middle = edge / 2
    if flaps:
        brush.poly(
            [(0.02, depth), (edge, depth * 1.5), (edge - 0.08, depth * 1.5 + 0.2), (-0.05, depth + 0.2)], ink.light
        )
        brush.poly([(edge, depth * 1.5), (w - 0.02, depth * 0.7), (w + 0.03, depth * 0.7 + 0.16),
                    (edge + 0.08, depth * 1.5 + 0.18)], ink.light)  # fmt: skip
    else:
        brush.poly([(middle - 0.05, depth * 1.22), (middle + 0.05, depth * 1.28), (middle + 0.05, 0.5),
                    (middle - 0.05, 0.49)], (150, 195, 215))  # fmt: skip
    if brush.chance(0.6):
        brush.poly([(0.08, 0.62), (0.24, 0.64), (0.24, 0.8), (0.08, 0.77)], _WHITE)


def traffic_cone(brush: Brush) -> None:
    """A cone with reflecting bands on a square foot; wide 0.8."""
    ink, middle = brush.ink, brush.wide / 2
    broad = brush.between(0.26, 0.3) if brush.other else brush.between(0.18, 0.24)
    tip = 0.1 if brush.other else 0.04
    brush.poly([(0.02, 0.97), (0.1, 0.86), (0.7, 0.86), (0.78, 0.97)], TYRE if brush.chance(0.3) else ink.dark)

    def across(y: float) -> float:
        return tip + (broad - tip + 0.04) * (y - 0.02) / 0.86

    def band(top: float, bottom: float, colour: Colour) -> None:
        brush.poly(
            [(middle - across(top), top), (middle + across(top), top),
             (middle + across(bottom), bottom), (middle - across(bottom), bottom)],
            colour,
        )  # fmt: skip

    band(0.02, 0.88, ink.main)
    stripe = _WHITE if min(brush.ink.main) < 170 else (60, 60, 60)
    if brush.other:
        for top in (0.16, 0.38, 0.6):
            band(top, top + 0.1, stripe)
        return
    high = brush.between(0.1, 0.16)
    band(0.28, 0.28 + high, stripe)
    if brush.chance(0.6):
        band(0.58, 0.58 + high, stripe)


def barrier(brush: Brush) -> None:
    """A striped board or two on A-shaped legs, or a heavy block; wide 1.9."""
    ink, w = brush.ink, brush.wide
    stripe = _WHITE if min(ink.main) < 170 else (60, 60, 60)
    if brush.other:  # a plastic wall filled with water
        brush.poly(
            [(0.1, 0.08), (w - 0.1, 0.08), (w - 0.12, 0.5), (w - 0.01, 0.95), (0.01, 0.95), (0.12, 0.5)], ink.main
        )
        for x in (0.5, w - 0.5):
            brush.rect(x - 0.14, 0.8, x + 0.14, 0.95, ink.dark)
        brush.rect(0.12, 0.3, w - 0.12, 0.42, stripe)
        return
    for x in (0.24, w - 0.24):
        brush.line([(x - 0.14, 0.97), (x, 0.1), (x + 0.14, 0.97)], 0.06, STEEL)
    slant = 0.14 if brush.chance(0.6) else 0.0
    for top in (0.08, 0.46) if brush.chance(0.6) else (0.14,):
        high = 0.24
        brush.rect(0.03, top, w - 0.03, top + high, stripe)
        for i in range(5):
            x = 0.05 + i * 0.38
            right = min(x + 0.22 + slant, w - 0.03)
            brush.poly([(x, top + high), (x + slant, top), (right, top), (x + 0.22, top + high)], ink.main)


def fire_extinguisher(brush: Brush) -> None:
    """A cylinder with lever, gauge, label and hose, or with a horn; wide 0.5."""
    ink = brush.ink
    side = brush.between(0.4, 0.47)
    if brush.other or brush.chance(0.3):
        brush.line([(0.24, 0.15), (side, 0.2)], 0.04, TYRE)
        brush.poly([(side - 0.03, 0.2), (side + 0.01, 0.2), (0.49, 0.5), (side - 0.07, 0.5)], TYRE)
    else:
        brush.line([(0.24, 0.13), (side, 0.2), (side + 0.01, 0.55)], 0.04, TYRE)
        brush.poly([(side - 0.02, 0.52), (side + 0.04, 0.52), (0.49, 0.66), (side - 0.06, 0.66)], TYRE)
    slim = 0.05 if brush.other else brush.between(-0.02, 0.02)
    brush.rect(0.06 + slim, 0.22, 0.38 - slim, 0.97, ink.main, 0.1)
    brush.rect(0.06 + slim, 0.6, 0.38 - slim, 0.97, ink.main, 0.03)
    brush.rect(0.16, 0.12, 0.28, 0.25, STEEL)
    brush.poly([(0.08, 0.09), (0.36, 0.02), (0.38, 0.06), (0.1, 0.13)], TYRE)
    brush.poly([(0.1, 0.14), (0.36, 0.11), (0.36, 0.15), (0.1, 0.17)], TYRE)
    brush.disc(0.22, 0.185, 0.038, _WHITE)
    if brush.other:  # two bands in place of the label
        for y in (0.36, 0.8):
            brush.rect(0.06 + slim, y, 0.38 - slim, y + 0.06, _WHITE)
        return
    top = brush.between(0.36, 0.56)
    brush.rect(0.09, top, 0.35, top + 0.24, _WHITE)
    brush.rect(0.13, top + 0.05, 0.31, top + 0.08, STEEL)
    brush.rect(0.13, top + 0.13, 0.26, top + 0.16, STEEL)
    brush.rect(0.05, 0.93, 0.39, 0.98, TYRE)


def ladder(brush: Brush) -> None:
    """A step ladder with a platform, or a leaning ladder one can see through; wide 0.6."""
    ink = brush.ink
    if brush.other:  # straight, with hooks
        for x in (0.12, 0.48):
            brush.line([(x, 0.1), (x, 0.97)], 0.06, ink.main)
            brush.line([(x, 0.12), (x, 0.03), (x + 0.08, 0.03), (x + 0.08, 0.09)], 0.035, STEEL)
        for y in np.linspace(0.18, 0.88, 6):
            brush.line([(0.12, float(y)), (0.48, float(y))], 0.05, ink.main)
        return
    if brush.chance(0.5):
        for x in (0.12, 0.48):
            brush.line([(0.3 + (x - 0.3) * 0.5, 0.04), (x + (x - 0.3) * 0.3, 0.97)], 0.022, STEEL)
    taper = brush.between(0.5, 0.9)
    for x in (0.1, 0.5):
        brush.line([(0.3 + (x - 0.3) * taper, 0.03), (x, 0.97)], 0.055, ink.main)
    count = int(brush.rng.integers(5, 8))
    for y in np.linspace(0.1, 0.86, count):
        half = 0.2 * (taper + (1 - taper) * float(y))
        brush.line([(0.3 - half, float(y)), (0.3 + half, float(y))], 0.045, ink.dark)
    if brush.chance(0.3):
        brush.rect(0.14, 0.03, 0.46, 0.09, ink.dark, 0.02)
