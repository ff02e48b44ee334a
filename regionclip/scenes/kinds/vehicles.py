"""How road vehicles are drawn. Each function fills a box `brush.wide` by 1; see painter."""

import numpy as np

from regionclip.scenes.painting.painter import DARK_GLASS, GLASS, LAMP, METAL, STEEL, TYRE, Brush


def car(brush: Brush) -> None:
    """A saloon, hatchback, estate or van from the side; wide 2.2."""
    ink, w = brush.ink, brush.wide
    if brush.other:
        _beetle(brush)
        return
    if brush.chance(0.25):
        _van(brush)
        return
    roof_end = brush.between(1.45, 2.0)
    nose = brush.between(0.42, 0.6)
    brush.poly([(nose, 0.46), (nose + 0.32, 0.06), (roof_end - 0.16, 0.04), (roof_end + 0.12, 0.46)], ink.main)
    brush.poly([(nose + 0.11, 0.43), (nose + 0.37, 0.13), (1.16, 0.12), (1.16, 0.43)], GLASS)
    brush.poly([(1.24, 0.43), (1.24, 0.12), (roof_end - 0.2, 0.12), (roof_end + 0.02, 0.43)], GLASS)
    brush.poly([(0.03, 0.56), (0.3, 0.46), (w - 0.14, 0.42), (w - 0.02, 0.5), (w - 0.02, 0.8), (0.03, 0.82)], ink.main)
    brush.rect(0.05, 0.72, w - 0.03, 0.82, ink.dark)
    brush.rect(1.18, 0.46, 1.2, 0.76, ink.dark)
    brush.rect(1.28, 0.53, 1.42, 0.56, ink.dark)
    if brush.chance(0.2):
        brush.line([(nose + 0.4, 0.02), (roof_end - 0.2, 0.02)], 0.03, STEEL)
    _lights_and_wheels(brush, 0.6)


def _lights_and_wheels(brush: Brush, y: float) -> None:
    w, radius = brush.wide, brush.between(0.18, 0.2)
    brush.oval(0.12, y, 0.08, 0.05, LAMP)
    brush.rect(w - 0.09, y - 0.06, w - 0.02, y + 0.04, (60, 60, 190))
    for x in (0.5, w - 0.5):
        brush.disc(x, 0.79, radius + 0.025, brush.ink.dark)
        brush.wheel(x, 0.8, radius)


def _van(brush: Brush) -> None:
    ink, w = brush.ink, brush.wide
    brush.poly(
        [(0.03, 0.82), (0.03, 0.56), (0.3, 0.44), (0.58, 0.08), (0.66, 0.03), (w - 0.1, 0.03), (w - 0.02, 0.1),
         (w - 0.02, 0.8)],
        ink.main,
    )  # fmt: skip
    brush.poly([(0.4, 0.43), (0.62, 0.12), (0.92, 0.12), (0.92, 0.43)], GLASS)
    if brush.chance(0.5):
        brush.rect(1.0, 0.12, w - 0.12, 0.4, GLASS)
        brush.rect(1.48, 0.12, 1.54, 0.4, ink.main)
    brush.rect(0.96, 0.1, 0.98, 0.76, ink.dark)
    brush.rect(0.05, 0.73, w - 0.03, 0.82, ink.dark)
    _lights_and_wheels(brush, 0.6)


def _beetle(brush: Brush) -> None:
    ink, w = brush.ink, brush.wide
    roof = [(w / 2 - 0.62 * np.cos(t), 0.56 - 0.52 * np.sin(t)) for t in np.linspace(0, np.pi, 15)]
    brush.poly(roof, ink.main)
    glass = [(w / 2 - 0.5 * np.cos(t), 0.44 - 0.32 * np.sin(t)) for t in np.linspace(0, np.pi, 13)]
    brush.poly(glass, GLASS)
    brush.rect(w / 2 - 0.03, 0.06, w / 2 + 0.03, 0.5, ink.main)
    brush.rect(0.05, 0.46, w - 0.05, 0.84, ink.main, 0.17)
    brush.rect(0.2, 0.76, w - 0.2, 0.84, ink.dark)
    brush.line([(w / 2 + 0.12, 0.55), (w / 2 + 0.26, 0.55)], 0.03, METAL)
    _lights_and_wheels(brush, 0.58)


def truck(brush: Brush) -> None:
    """A lorry with a cargo box, a bed of load or a tank, its cab flat or with a long nose; wide 2.1."""
    ink, w = brush.ink, brush.wide
    if brush.other:
        brush.rect(0.74, 0.14, w - 0.02, 0.7, ink.main, 0.26)
        brush.rect(0.9, 0.2, w - 0.2, 0.27, ink.light)
        for x in (1.1, 1.5):
            brush.rect(x, 0.14, x + 0.04, 0.7, ink.dark)
            brush.rect(x - 0.06, 0.08, x + 0.1, 0.15, STEEL)
    elif brush.chance(0.65):
        top = brush.between(0.02, 0.1)
        brush.rect(0.72, top, w - 0.01, 0.74, ink.main)
        brush.rect(0.72, top, w - 0.01, top + 0.06, ink.light)
        for x in np.linspace(0.72, w, int(brush.rng.integers(3, 7)))[1:-1]:
            brush.rect(float(x), top + 0.08, float(x) + 0.03, 0.7, ink.dark)
    else:
        brush.rect(0.74, 0.42, w - 0.01, 0.74, ink.main)
        for x in (0.9, 1.2, 1.5, 1.8):
            brush.rect(x, 0.44, x + 0.05, 0.72, ink.dark)
        brush.poly([(0.8, 0.42), (1.1, 0.2), (1.5, 0.14), (1.95, 0.3), (2.0, 0.42)], STEEL)
    brush.rect(0.3, 0.7, w - 0.04, 0.8, TYRE)
    _cab(brush, long_nose=brush.chance(0.3))
    brush.rect(0.0, 0.76, 0.66, 0.82, STEEL)
    for x in (0.36, 1.36, 1.76) if brush.chance(0.6) else (0.36, 1.6):
        brush.wheel(x, 0.84, 0.155)


def _cab(brush: Brush, long_nose: bool) -> None:
    ink = brush.ink
    if long_nose:
        brush.rect(0.6, 0.06, 0.64, 0.4, METAL)
        brush.poly([(0.02, 0.8), (0.02, 0.52), (0.08, 0.46), (0.28, 0.45), (0.34, 0.2), (0.66, 0.18), (0.66, 0.8)],
                   ink.main)  # fmt: skip
        brush.poly([(0.34, 0.45), (0.39, 0.25), (0.58, 0.25), (0.58, 0.45)], GLASS)
        brush.rect(0.02, 0.54, 0.07, 0.72, METAL)
    else:
        brush.poly([(0.04, 0.8), (0.02, 0.5), (0.16, 0.2), (0.64, 0.18), (0.66, 0.8)], ink.main)
        brush.poly([(0.1, 0.47), (0.2, 0.26), (0.5, 0.26), (0.5, 0.47)], GLASS)
        brush.rect(0.1, 0.56, 0.6, 0.59, ink.dark)
    brush.rect(0.02, 0.64, 0.12, 0.72, LAMP)


def bus(brush: Brush) -> None:
    """A long box with a row of windows, or two rows one above the other; wide 2.5."""
    ink, w = brush.ink, brush.wide
    top = brush.between(0.03, 0.16)
    storeys = ((top + 0.08, 0.3), (0.42, 0.64)) if brush.other else ((top + 0.13, 0.53),)
    brush.rect(0.02, top, w - 0.02, 0.86, ink.main, 0.08)
    brush.rect(0.04, 0.66 if len(storeys) == 2 else 0.6, w - 0.04, 0.7, ink.light)
    brush.rect(0.02, 0.8, w - 0.02, 0.87, ink.dark)
    windows = int(brush.rng.integers(4, 8))
    step = (w - 0.66) / windows
    for high, low in storeys:
        brush.poly([(0.02, high), (0.16, high), (0.16, low + 0.04), (0.02, low + 0.04)], GLASS)
        for i in range(windows):
            x = 0.6 + i * step
            brush.rect(x, high, x + step * 0.82, low, DARK_GLASS if brush.chance(0.2) else GLASS)
    brush.rect(0.24, 0.42 if len(storeys) == 2 else top + 0.15, 0.52, 0.82, DARK_GLASS)
    brush.rect(0.37, 0.42 if len(storeys) == 2 else top + 0.15, 0.39, 0.82, ink.light)
    brush.rect(0.03, 0.7, 0.1, 0.77, LAMP)
    if len(storeys) == 1 and brush.chance(0.6):
        brush.rect(0.2, top + 0.03, 0.9, top + 0.1, TYRE)
    for x in (0.76, w - 0.52):
        brush.wheel(x, 0.85, 0.145)


def bicycle(brush: Brush) -> None:
    """Two thin wheels and a diamond frame, or one with a low step and a basket; wide 1.6."""
    ink, w = brush.ink, brush.wide
    rear, front = (0.36, 0.65), (w - 0.36, 0.65)
    radius = brush.between(0.3, 0.345)
    for x, y in (rear, front):
        brush.ring(x, y, radius, 0.055, TYRE)
        for end in ((0.0, 0.27), (0.24, 0.13), (0.24, -0.13)):
            brush.line([(x - end[0], y - end[1]), (x + end[0], y + end[1])], 0.012, METAL)
        brush.disc(x, y, 0.05, STEEL)
    low_step = brush.other or brush.chance(0.3)
    seat, head, crank = (0.58, 0.24), (1.12, 0.22), (0.76, 0.66)
    width = brush.between(0.07, 0.095)
    brush.line([rear, seat, crank, rear], width, ink.main)
    brush.line([(0.66, 0.5), (0.86, 0.48), head, crank] if low_step else [seat, head, crank], width, ink.main)
    brush.line([(1.08, 0.1), head, front], width, ink.main)
    brush.line([seat, (0.54, 0.1)], 0.04, STEEL)
    brush.oval(0.53, 0.08, 0.15, 0.045, TYRE)
    brush.line([(1.2, 0.03), (1.08, 0.08), (0.99, 0.1)], 0.05, TYRE)
    if brush.other:
        brush.poly([(1.16, 0.12), (1.52, 0.12), (1.46, 0.34), (1.2, 0.34)], ink.dark)
        brush.line([(0.1, 0.3), (0.52, 0.3)], 0.05, ink.dark)
    brush.ring(crank[0], crank[1], 0.1, 0.04, STEEL)
    brush.line([(0.68, 0.76), (0.84, 0.56)], 0.035, STEEL)


def motorcycle(brush: Brush) -> None:
    """Thick wheels, tank, engine and a saddle, or a scooter with a leg shield; wide 1.75."""
    if brush.other:
        _scooter(brush)
        return
    ink, w = brush.ink, brush.wide
    for x in (0.33, w - 0.33):
        brush.ring(x, 0.68, 0.31, 0.12, TYRE)
        brush.ring(x, 0.68, 0.19, 0.04, METAL)
        brush.disc(x, 0.68, 0.08, STEEL)
        brush.line([(x, 0.5), (x, 0.86)], 0.03, METAL)
    brush.line([(0.2, 0.86), (0.62, 0.8), (0.95, 0.78)], 0.09, METAL)
    brush.rect(0.62, 0.52, 1.1, 0.84, STEEL, 0.06)
    brush.disc(0.86, 0.68, 0.12, METAL)
    tail = brush.between(0.2, 0.36)
    brush.poly([(0.14, 0.4), (0.06, tail), (0.4, 0.34), (0.8, 0.38), (0.72, 0.54), (0.34, 0.5)], ink.main)
    brush.poly([(0.7, 0.5), (0.72, 0.3), (0.9, 0.2), (1.22, 0.22), (1.32, 0.34), (1.14, 0.54)], ink.main)
    brush.poly([(0.24, 0.32), (0.36, 0.26), (0.74, 0.3), (0.78, 0.4), (0.4, 0.4)], TYRE)
    brush.line([(1.22, 0.14), (w - 0.33, 0.68)], 0.08, METAL)
    brush.line([(1.02, 0.1), (1.22, 0.06)], 0.06, TYRE)
    if brush.chance(0.6):
        brush.poly([(1.12, 0.3), (1.26, 0.06), (1.4, 0.2), (1.42, 0.38)], ink.dark)
    if brush.chance(0.35):
        brush.poly([(0.84, 0.56), (1.24, 0.5), (1.2, 0.78), (0.8, 0.84)], ink.main)
    brush.disc(1.4, 0.27, 0.08, LAMP)
    brush.poly([(w - 0.62, 0.48), (w - 0.4, 0.34), (w - 0.1, 0.42), (w - 0.02, 0.54), (w - 0.36, 0.44)], ink.main)


def _scooter(brush: Brush) -> None:
    ink, w = brush.ink, brush.wide
    for x in (0.38, w - 0.36):
        brush.wheel(x, 0.78, 0.2)
    brush.line([(1.22, 0.12), (w - 0.36, 0.78)], 0.08, METAL)
    brush.poly([(0.08, 0.5), (0.2, 0.38), (0.82, 0.38), (0.88, 0.7), (0.8, 0.84), (0.56, 0.84), (0.5, 0.66),
                (0.3, 0.62), (0.14, 0.68)], ink.main)  # fmt: skip
    brush.rect(0.74, 0.74, 1.24, 0.84, ink.dark, 0.03)
    brush.poly([(1.14, 0.2), (1.3, 0.2), (1.42, 0.56), (1.3, 0.8), (1.18, 0.84)], ink.main)
    brush.poly([(1.16, 0.68), (1.4, 0.54), (1.62, 0.64), (1.7, 0.76), (1.4, 0.7)], ink.main)
    brush.rect(0.18, 0.3, 0.84, 0.4, TYRE, 0.04)
    brush.line([(1.02, 0.1), (1.26, 0.13)], 0.06, TYRE)
    brush.disc(1.31, 0.2, 0.07, LAMP)
