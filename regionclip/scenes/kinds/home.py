"""How things of a home or an office are drawn. Each function fills a box `brush.wide` by 1; see painter."""

import numpy as np

from regionclip.scenes.painting.painter import STEEL, TYRE, WOOD, Brush, Colour

_WHITE: Colour = (235, 238, 240)


def chair(brush: Brush) -> None:
    """A chair on four legs, an office chair on castors, or an armchair; wide 0.66."""
    if brush.other:
        _armchair(brush)
    elif brush.chance(0.45):
        _office_chair(brush)
    else:
        _plain_chair(brush)


def monitor(brush: Brush) -> None:
    """A screen on a stand with windows, text or a picture on it; wide 1.3."""
    ink, w = brush.ink, brush.wide
    if brush.other:  # a deep tube on a swivel
        brush.oval(w / 2, 0.92, 0.34, 0.06, ink.dark)
        brush.rect(0.14, 0.04, w - 0.14, 0.86, ink.main, 0.09)
        brush.rect(0.24, 0.13, w - 0.24, 0.64, (70, 78, 60), 0.08)
        brush.line([(0.34, 0.28), (0.62, 0.28)], 0.035, (150, 220, 150))
        for x in (0.9, 1.0):
            brush.disc(x, 0.75, 0.03, ink.dark)
        return
    brush.rect(w / 2 - 0.07, 0.7, w / 2 + 0.07, 0.92, ink.dark)
    brush.rect(w / 2 - brush.between(0.2, 0.36), 0.9, w / 2 + 0.28, 0.97, ink.main, 0.02)
    top, edge = brush.between(0.02, 0.12), brush.between(0.055, 0.085)
    brush.rect(0.02, top, w - 0.02, 0.78, ink.main, 0.03)
    style = brush.between(0, 1)
    bright = style < 0.5
    brush.rect(0.02 + edge, top + edge, w - 0.02 - edge, 0.67, (205, 190, 170) if bright else (60, 46, 38))
    if style > 0.75:
        brush.poly([(0.12, 0.66), (0.45, 0.36), (0.66, 0.54), (0.86, 0.3), (w - 0.12, 0.66)], (110, 160, 90))
        brush.disc(0.36, 0.28, 0.07, (120, 220, 250))
        return
    for i in range(int(brush.rng.integers(2, 5))):
        y = 0.2 + i * 0.11
        brush.rect(0.16, y, 0.16 + brush.between(0.2, 0.85), y + 0.05, (120, 100, 80) if bright else (170, 190, 150))


def cup(brush: Brush) -> None:
    """A mug with a handle, or a paper cup with a lid; wide 1.0."""
    ink = brush.ink
    if brush.other:  # a tea cup on its saucer
        brush.oval(0.48, 0.88, 0.47, 0.09, ink.dark)
        brush.oval(0.48, 0.86, 0.47, 0.08, ink.light)
        brush.ring(0.78, 0.46, 0.17, 0.06, ink.main)
        bowl = [(0.44 + 0.36 * np.cos(t), 0.3 + 0.55 * np.sin(t)) for t in np.linspace(0, np.pi, 13)]
        brush.poly(bowl, ink.main)
        brush.oval(0.44, 0.3, 0.36, 0.08, ink.light)
        brush.oval(0.44, 0.31, 0.29, 0.05, (50, 100, 150))
        return
    top = brush.between(0.06, 0.28)
    if brush.chance(0.65):
        brush.ring(0.74, 0.52 + top * 0.3, 0.23, 0.09, ink.dark)
        waist = brush.between(0.02, 0.12)
        brush.poly([(0.06, top), (0.74, top), (0.74 - waist, 0.92), (0.06 + waist, 0.92)], ink.main)
        brush.oval(0.4, 0.92, 0.34 - waist, 0.06, ink.main)
        brush.oval(0.4, top, 0.34, 0.075, ink.light)
        brush.oval(0.4, top + 0.01, 0.28, 0.05, (40, 60, 90))
        if brush.chance(0.35):
            brush.rect(0.1, 0.5, 0.7, 0.6, ink.light)
        return
    brush.poly([(0.16, top + 0.04), (0.84, top + 0.04), (0.72, 0.98), (0.28, 0.98)], ink.main)
    if brush.chance(0.6):
        brush.poly([(0.2, 0.42), (0.8, 0.42), (0.76, 0.68), (0.24, 0.68)], ink.dark)
    brush.rect(0.12, top, 0.88, top + 0.09, _WHITE, 0.03)
    brush.rect(0.2, top - 0.05, 0.8, top + 0.01, _WHITE, 0.02)


def bottle(brush: Brush) -> None:
    """A slim neck on a round-shouldered body, or a drinking bottle with a wide cap; wide 0.34."""
    ink = brush.ink
    if brush.other:  # a round belly and a cork
        brush.rect(0.13, 0.02, 0.21, 0.12, WOOD)
        brush.rect(0.12, 0.1, 0.22, 0.56, ink.main, 0.02)
        brush.rect(0.1, 0.14, 0.24, 0.19, ink.dark)
        brush.rect(0.0, 0.5, 0.34, 0.98, ink.main, 0.15)
        brush.oval(0.17, 0.76, 0.11, 0.12, _WHITE if min(ink.main) < 170 else (110, 110, 110))
        return
    label = _WHITE if min(ink.main) < 170 else (110, 110, 110)
    if brush.chance(0.35):
        brush.rect(0.08, 0.02, 0.26, 0.17, STEEL, 0.03)
        brush.rect(0.02, 0.17, 0.32, 0.99, ink.main, 0.06)
        brush.rect(0.02, 0.34, 0.32, 0.38, ink.dark)
        brush.rect(0.02, 0.84, 0.32, 0.88, ink.dark)
        if brush.chance(0.5):
            brush.rect(0.1, 0.48, 0.24, 0.72, label)
        return
    neck, shoulder = brush.between(0.045, 0.075), brush.between(0.32, 0.46)
    brush.rect(0.17 - neck - 0.01, 0.01, 0.17 + neck + 0.01, 0.08, STEEL)
    brush.poly(
        [(0.17 - neck, 0.08), (0.17 + neck, 0.08), (0.17 + neck, shoulder - 0.14), (0.32, shoulder), (0.32, 0.95),
         (0.3, 0.99), (0.04, 0.99), (0.02, 0.95), (0.02, shoulder), (0.17 - neck, shoulder - 0.14)],
        ink.main,
    )  # fmt: skip
    top = brush.between(0.5, 0.6)
    brush.rect(0.02, top, 0.32, top + 0.24, label)
    brush.rect(0.06, top + 0.06, 0.28, top + 0.14, ink.dark)
    brush.rect(0.06, shoulder, 0.09, shoulder + 0.1, ink.light)


def ball(brush: Brush) -> None:
    """A ball with seams, spots or a band; wide 1.0."""
    ink = brush.ink
    brush.disc(0.5, 0.5, 0.48, ink.main)
    if brush.other:  # gores from one pole
        for start in np.arange(0, 6.2, 2 * np.pi / 3):
            arc = [(0.5 + 0.48 * np.cos(t), 0.5 + 0.48 * np.sin(t)) for t in np.linspace(start, start + 1.0, 8)]
            brush.poly([(0.5, 0.5), *arc], ink.light)
        brush.disc(0.5, 0.5, 0.1, ink.dark)
        return
    style = brush.between(0, 1)
    if style < 0.4:
        for a in np.linspace(0, 2 * np.pi, 6)[:-1] + brush.between(0, 1):
            brush.disc(0.5 + 0.3 * np.cos(a), 0.5 + 0.3 * np.sin(a), 0.085, ink.dark)
        brush.disc(0.5, 0.5, 0.1, ink.dark)
    elif style < 0.8:
        for offset in (-0.2, 0.2):
            curve = [(0.5 + offset * np.cos(t), 0.5 + 0.47 * np.sin(t)) for t in np.linspace(-1.5, 1.5, 9)]
            brush.line(curve, 0.025, ink.dark)
        brush.line([(0.04, 0.5), (0.96, 0.5)], 0.025, ink.dark)
    else:
        brush.rect(0.05, 0.4, 0.95, 0.6, ink.dark)
        brush.rect(0.03, 0.46, 0.97, 0.54, ink.light)
    brush.oval(0.34, 0.28, 0.1, 0.07, ink.light)


def _armchair(brush: Brush) -> None:
    ink = brush.ink
    for x in (0.12, 0.54):
        brush.rect(x - 0.03, 0.86, x + 0.03, 0.98, WOOD)
    brush.rect(0.1, 0.06, 0.56, 0.8, ink.main, 0.12)
    brush.rect(0.14, 0.5, 0.52, 0.9, ink.dark)
    brush.rect(0.12, 0.54, 0.54, 0.68, ink.light, 0.05)
    for x in (0.02, 0.5):
        brush.rect(x, 0.42, x + 0.14, 0.9, ink.main, 0.06)


def _office_chair(brush: Brush) -> None:
    ink = brush.ink
    back = brush.between(0.08, 0.15)
    brush.rect(back, 0.03, 0.66 - back, 0.42, ink.main, 0.06)
    brush.rect(0.3, 0.4, 0.36, 0.8, STEEL)
    brush.rect(0.06, 0.5, 0.6, 0.6, ink.dark, 0.04)
    if brush.chance(0.5):
        for x in (0.06, 0.6):
            brush.line([(x, 0.52), (x, 0.4)], 0.045, TYRE)
    for x in (0.06, 0.33, 0.6):
        brush.line([(0.33, 0.78), (x, 0.91)], 0.05, STEEL)
        brush.disc(x, 0.94, 0.04, TYRE)


def _plain_chair(brush: Brush) -> None:
    ink = brush.ink
    legs = WOOD if brush.chance(0.5) else ink.dark
    for x, y in ((0.16, 0.88), (0.52, 0.88), (0.08, 0.97), (0.6, 0.97)):
        brush.line([(0.33 + (x - 0.33) * 0.85, 0.54), (x, y)], 0.045, legs)
    if brush.chance(0.5):
        for x in (0.1, 0.5):
            brush.line([(x + 0.03, 0.03), (x + 0.03, 0.56)], 0.05, ink.main)
        for y in (0.06, 0.2, 0.34):
            brush.rect(0.11, y, 0.55, y + 0.08, ink.main)
    else:  # a moulded shell
        brush.rect(0.1, 0.03, 0.56, 0.54, ink.main, 0.1)
        brush.rect(0.26, 0.14, 0.4, 0.19, ink.dark)
    brush.poly([(0.06, 0.6), (0.14, 0.5), (0.54, 0.5), (0.62, 0.6)], ink.light)
    brush.rect(0.06, 0.59, 0.62, 0.65, ink.dark)
