"""How things that do not move by themselves are drawn. Each function fills a box `brush.wide` by 1; see painter."""

import numpy as np

from regionclip.scenes.painter import DARK_GLASS, GLASS, METAL, STEEL, TYRE, WOOD, Brush, Colour

_WHITE: Colour = (235, 238, 240)


def suitcase(brush: Brush) -> None:
    """A hard case with ribs on wheels, its handle pulled out; wide 0.6."""
    ink = brush.ink
    handle = brush.between(0.02, 0.14)
    for x in (0.2, 0.4):
        brush.line([(x, 0.3), (x, handle)], 0.022, METAL)
    brush.line([(0.19, handle), (0.41, handle)], 0.05, TYRE)
    brush.rect(0.03, 0.26, 0.57, 0.93, ink.main, 0.07)
    for x in (0.12, 0.22, 0.32, 0.42):
        brush.rect(x, 0.3, x + 0.035, 0.89, ink.dark)
    brush.rect(0.22, 0.235, 0.38, 0.265, TYRE)
    for x in (0.12, 0.48):
        brush.disc(x, 0.95, 0.045, TYRE)


def backpack(brush: Brush) -> None:
    """A rounded bag with straps and a front pocket; wide 0.78."""
    ink = brush.ink
    brush.ring(0.39, 0.09, 0.085, 0.035, TYRE)
    for side in (-1, 1):
        brush.line([(0.39 + side * 0.24, 0.3), (0.39 + side * 0.34, 0.6), (0.39 + side * 0.28, 0.86)], 0.06, TYRE)
    brush.rect(0.09, 0.08, 0.69, 0.97, ink.main, 0.26)
    brush.rect(0.09, 0.5, 0.69, 0.97, ink.main, 0.1)
    brush.rect(0.17, 0.54, 0.61, 0.9, ink.dark, 0.07)
    brush.rect(0.2, 0.6, 0.58, 0.63, METAL)
    brush.line([(0.18, 0.38), (0.39, 0.3), (0.6, 0.38)], 0.025, TYRE)
    brush.rect(0.33, 0.14, 0.45, 0.2, ink.light)


def pallet(brush: Brush) -> None:
    """Slats on three blocks, seen a little from above; wide 2.6."""
    ink, w = brush.ink, brush.wide
    slats = int(brush.rng.integers(4, 6))
    for i in range(slats):
        y = 0.06 + i * 0.4 / slats
        inset = 0.32 * (1 - i / slats)
        brush.rect(inset, y, w - inset, y + 0.3 / slats, ink.light if i % 2 else ink.main)
    brush.rect(0.02, 0.44, w - 0.02, 0.56, ink.main)
    for x in (0.04, w / 2 - 0.18, w - 0.4):
        brush.rect(x, 0.56, x + 0.36, 0.82, ink.dark)
    brush.rect(0.02, 0.82, w - 0.02, 0.94, ink.main)


def box(brush: Brush) -> None:
    """A closed carton with tape, seen from a corner; wide 1.1."""
    ink, w = brush.ink, brush.wide
    edge = brush.between(0.5, 0.8)
    depth = brush.between(0.16, 0.26)
    brush.poly([(0.02, depth), (edge * 0.6, 0.02), (w - 0.02, depth * 0.7), (edge, depth * 1.5)], ink.light)
    brush.poly([(0.02, depth), (edge, depth * 1.5), (edge, 0.98), (0.02, 0.86)], ink.main)
    brush.poly([(edge, depth * 1.5), (w - 0.02, depth * 0.7), (w - 0.02, 0.8), (edge, 0.98)], ink.dark)
    middle = edge / 2
    brush.poly(
        [(middle - 0.05, depth * 1.22), (middle + 0.05, depth * 1.28), (middle + 0.05, 0.5), (middle - 0.05, 0.49)],
        (150, 195, 215),
    )
    if brush.chance(0.6):
        brush.poly([(0.08, 0.62), (0.24, 0.64), (0.24, 0.8), (0.08, 0.77)], _WHITE)


def traffic_cone(brush: Brush) -> None:
    """A cone with reflecting bands on a square foot; wide 0.8."""
    ink, middle = brush.ink, brush.wide / 2
    brush.poly([(0.02, 0.97), (0.1, 0.86), (0.7, 0.86), (0.78, 0.97)], ink.dark)

    def across(y: float) -> float:
        return 0.04 + 0.22 * (y - 0.02) / 0.86

    def band(top: float, bottom: float, colour: Colour) -> None:
        brush.poly(
            [(middle - across(top), top), (middle + across(top), top),
             (middle + across(bottom), bottom), (middle - across(bottom), bottom)],
            colour,
        )  # fmt: skip

    band(0.02, 0.88, ink.main)
    stripe = _WHITE if min(brush.ink.main) < 170 else (60, 60, 60)
    band(0.28, 0.42, stripe)
    if brush.chance(0.7):
        band(0.58, 0.72, stripe)


def barrier(brush: Brush) -> None:
    """A striped board or two on A-shaped legs; wide 1.9."""
    ink, w = brush.ink, brush.wide
    for x in (0.24, w - 0.24):
        brush.line([(x - 0.14, 0.97), (x, 0.1), (x + 0.14, 0.97)], 0.06, STEEL)
    other = _WHITE if min(ink.main) < 170 else (60, 60, 60)
    for top in (0.08, 0.46) if brush.chance(0.6) else (0.14,):
        high = 0.24
        brush.rect(0.03, top, w - 0.03, top + high, other)
        for i in range(5):
            x = 0.05 + i * 0.38
            brush.poly(
                [(x, top + high), (x + 0.14, top), (min(x + 0.36, w - 0.03), top), (x + 0.22, top + high)], ink.main
            )


def fire_extinguisher(brush: Brush) -> None:
    """A cylinder with lever, gauge, label and hose; wide 0.5."""
    ink = brush.ink
    side = brush.between(0.4, 0.47)
    brush.line([(0.24, 0.13), (side, 0.2), (side + 0.01, 0.55)], 0.04, TYRE)
    brush.poly([(side - 0.02, 0.52), (side + 0.04, 0.52), (0.49, 0.66), (side - 0.06, 0.66)], TYRE)
    brush.rect(0.06, 0.22, 0.38, 0.97, ink.main, 0.12)
    brush.rect(0.06, 0.6, 0.38, 0.97, ink.main, 0.03)
    brush.rect(0.16, 0.12, 0.28, 0.25, STEEL)
    brush.poly([(0.08, 0.09), (0.36, 0.02), (0.38, 0.06), (0.1, 0.13)], TYRE)
    brush.poly([(0.1, 0.14), (0.36, 0.11), (0.36, 0.15), (0.1, 0.17)], TYRE)
    brush.disc(0.22, 0.185, 0.038, _WHITE)
    brush.rect(0.09, 0.44, 0.35, 0.68, _WHITE)
    brush.rect(0.13, 0.49, 0.31, 0.52, STEEL)
    brush.rect(0.13, 0.57, 0.26, 0.6, STEEL)
    brush.rect(0.05, 0.93, 0.39, 0.98, TYRE)


def ladder(brush: Brush) -> None:
    """A step ladder or a leaning ladder one can see through; wide 0.6."""
    ink = brush.ink
    if brush.chance(0.5):
        for x in (0.12, 0.48):
            brush.line([(0.3 + (x - 0.3) * 0.5, 0.04), (x + (x - 0.3) * 0.3, 0.97)], 0.022, STEEL)
    for x in (0.1, 0.5):
        brush.line([(0.3 + (x - 0.3) * 0.62, 0.03), (x, 0.97)], 0.055, ink.main)
    for i in range(int(brush.rng.integers(5, 8))):
        y = 0.1 + i * 0.13
        half = 0.12 + 0.08 * y
        brush.line([(0.3 - half, y), (0.3 + half, y)], 0.042, ink.dark)


def chair(brush: Brush) -> None:
    """A four-legged chair, or an office chair on castors; wide 0.66."""
    ink = brush.ink
    if brush.chance(0.5):
        brush.rect(0.12, 0.03, 0.54, 0.42, ink.main, 0.06)
        brush.rect(0.3, 0.4, 0.36, 0.8, STEEL)
        brush.rect(0.06, 0.5, 0.6, 0.6, ink.dark, 0.04)
        for x in (0.06, 0.33, 0.6):
            brush.line([(0.33, 0.78), (x, 0.91)], 0.05, STEEL)
            brush.disc(x, 0.94, 0.04, TYRE)
        return
    for x, y in ((0.16, 0.88), (0.52, 0.88), (0.08, 0.97), (0.6, 0.97)):
        brush.line([(0.33 + (x - 0.33) * 0.85, 0.54), (x, y)], 0.045, WOOD)
    for x in (0.1, 0.5):
        brush.line([(x + 0.03, 0.03), (x + 0.03, 0.56)], 0.05, ink.main)
    for y in (0.06, 0.2, 0.34):
        brush.rect(0.11, y, 0.55, y + 0.08, ink.main)
    brush.poly([(0.06, 0.6), (0.14, 0.5), (0.54, 0.5), (0.62, 0.6)], ink.light)
    brush.rect(0.06, 0.59, 0.62, 0.65, ink.dark)


def monitor(brush: Brush) -> None:
    """A screen on a stand with windows or text on it; wide 1.3."""
    ink, w = brush.ink, brush.wide
    brush.rect(w / 2 - 0.07, 0.7, w / 2 + 0.07, 0.92, ink.dark)
    brush.rect(w / 2 - 0.28, 0.9, w / 2 + 0.28, 0.97, ink.main, 0.02)
    brush.rect(0.02, 0.02, w - 0.02, 0.76, ink.main, 0.03)
    bright = brush.chance(0.6)
    brush.rect(0.09, 0.09, w - 0.09, 0.65, (205, 190, 170) if bright else (60, 46, 38))
    for i in range(int(brush.rng.integers(2, 5))):
        y = 0.15 + i * 0.11
        brush.rect(0.16, y, 0.16 + brush.between(0.2, 0.85), y + 0.05, (120, 100, 80) if bright else (170, 190, 150))


def cup(brush: Brush) -> None:
    """A mug with a handle, or a paper cup with a lid; wide 1.0."""
    ink = brush.ink
    if brush.chance(0.7):
        brush.ring(0.74, 0.52, 0.24, 0.09, ink.dark)
        brush.poly([(0.06, 0.08), (0.74, 0.08), (0.7, 0.92), (0.1, 0.92)], ink.main)
        brush.oval(0.4, 0.92, 0.3, 0.06, ink.main)
        brush.oval(0.4, 0.09, 0.34, 0.075, ink.light)
        brush.oval(0.4, 0.1, 0.28, 0.05, (40, 60, 90))
        return
    brush.poly([(0.16, 0.12), (0.84, 0.12), (0.72, 0.98), (0.28, 0.98)], ink.main)
    brush.poly([(0.2, 0.36), (0.8, 0.36), (0.76, 0.66), (0.24, 0.66)], ink.dark)
    brush.rect(0.12, 0.06, 0.88, 0.15, _WHITE, 0.03)
    brush.rect(0.2, 0.01, 0.8, 0.07, _WHITE, 0.02)


def bottle(brush: Brush) -> None:
    """A slim neck on a round-shouldered body; wide 0.34."""
    ink = brush.ink
    neck = brush.between(0.05, 0.07)
    brush.rect(0.17 - neck - 0.01, 0.01, 0.17 + neck + 0.01, 0.08, STEEL)
    brush.poly(
        [(0.17 - neck, 0.08), (0.17 + neck, 0.08), (0.17 + neck, 0.24), (0.32, 0.38), (0.32, 0.95), (0.3, 0.99),
         (0.04, 0.99), (0.02, 0.95), (0.02, 0.38), (0.17 - neck, 0.24)],
        ink.main,
    )  # fmt: skip
    brush.rect(0.02, 0.5, 0.32, 0.76, _WHITE if min(ink.main) < 170 else (110, 110, 110))
    brush.rect(0.06, 0.56, 0.28, 0.64, ink.dark)
    brush.rect(0.06, 0.36, 0.09, 0.48, ink.light)


def umbrella(brush: Brush) -> None:
    """An open canopy with ribs over a stick with a hook; wide 1.15."""
    ink, w = brush.ink, brush.wide
    middle = w / 2
    brush.line([(middle, 0.02), (middle, 0.86)], 0.03, STEEL)
    brush.line([(middle, 0.84), (middle + 0.02, 0.93), (middle + 0.08, 0.95), (middle + 0.11, 0.88)], 0.04, WOOD)
    angle = np.linspace(np.pi, 2 * np.pi, 18)
    dome = [(middle + 0.56 * np.cos(a), 0.5 + 0.45 * np.sin(a)) for a in angle]
    scallops = []
    for i in range(4):
        right = middle + 0.56 - i * 0.28
        scallops += [(right - 0.14, 0.44), (right - 0.28, 0.5)]
    brush.poly(dome + scallops, ink.main)
    for x in (-0.28, 0.0, 0.28):
        curve = [(middle + x * np.sin(t), 0.5 - 0.45 * np.cos(t)) for t in np.linspace(0.05, np.pi / 2, 6)]
        brush.line(curve, 0.014, ink.dark)
    brush.poly([*dome[:6], (middle - 0.3, 0.5), (middle - 0.42, 0.46)], ink.light)


def robot_arm(brush: Brush) -> None:
    """A jointed arm on a pedestal with a gripper; wide 1.0."""
    ink = brush.ink
    brush.rect(0.1, 0.88, 0.56, 0.98, STEEL)
    brush.poly([(0.16, 0.89), (0.24, 0.7), (0.42, 0.7), (0.5, 0.89)], ink.dark)
    elbow = (brush.between(0.2, 0.4), brush.between(0.14, 0.24))
    wrist = (brush.between(0.68, 0.8), brush.between(0.28, 0.44))
    brush.line([(0.33, 0.7), elbow], 0.17, ink.main)
    brush.line([elbow, wrist], 0.125, ink.main)
    for x, y, radius in ((0.33, 0.7, 0.11), (*elbow, 0.095), (*wrist, 0.075)):
        brush.disc(x, y, radius, ink.dark)
        brush.disc(x, y, radius * 0.5, METAL)
    x, y = wrist
    brush.line([wrist, (x + 0.04, y + 0.13)], 0.07, STEEL)
    for side in (-1, 1):
        brush.line(
            [(x + 0.04, y + 0.13), (x + 0.04 + side * 0.09, y + 0.19), (x + 0.04 + side * 0.06, y + 0.29)], 0.035, TYRE
        )


def ball(brush: Brush) -> None:
    """A ball with seams or panels; wide 1.0."""
    ink = brush.ink
    brush.disc(0.5, 0.5, 0.48, ink.main)
    if brush.chance(0.5):
        for a in np.linspace(0, 2 * np.pi, 6)[:-1] + brush.between(0, 1):
            brush.disc(0.5 + 0.3 * np.cos(a), 0.5 + 0.3 * np.sin(a), 0.085, ink.dark)
        brush.disc(0.5, 0.5, 0.1, ink.dark)
    else:
        for offset in (-0.2, 0.2):
            curve = [(0.5 + offset * np.cos(t), 0.5 + 0.47 * np.sin(t)) for t in np.linspace(-1.5, 1.5, 9)]
            brush.line(curve, 0.025, ink.dark)
        brush.line([(0.04, 0.5), (0.96, 0.5)], 0.025, ink.dark)
    brush.oval(0.34, 0.28, 0.1, 0.07, ink.light)


def laptop(brush: Brush) -> None:
    """An open laptop: slanted screen above a keyboard; wide 1.45."""
    ink, w = brush.ink, brush.wide
    brush.poly([(0.2, 0.03), (w - 0.2, 0.03), (w - 0.22, 0.62), (0.22, 0.62)], ink.main)
    brush.poly([(0.26, 0.09), (w - 0.26, 0.09), (w - 0.28, 0.55), (0.28, 0.55)], DARK_GLASS)
    brush.poly([(0.3, 0.13), (0.8, 0.13), (0.8, 0.3), (0.3, 0.3)], GLASS)
    brush.poly([(0.22, 0.62), (w - 0.22, 0.62), (w - 0.02, 0.92), (0.02, 0.92)], ink.light)
    brush.rect(0.02, 0.91, w - 0.02, 0.97, ink.dark)
    for i in range(3):
        y, inset = 0.67 + i * 0.06, 0.06 * (2 - i)
        brush.rect(0.14 + inset, y, w - 0.14 - inset, y + 0.035, TYRE)
    brush.poly([(0.58, 0.85), (w - 0.58, 0.85), (w - 0.56, 0.9), (0.56, 0.9)], ink.main)
