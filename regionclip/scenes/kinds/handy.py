"""How things that a hand opens or holds are drawn. Each function fills a box `brush.wide` by 1; see painter."""

import numpy as np

from regionclip.scenes.painting.painter import DARK_GLASS, GLASS, METAL, STEEL, TYRE, WOOD, Brush, Point

_BLADE = (205, 202, 198)


def umbrella(brush: Brush) -> None:
    """An umbrella: open under a scalloped canopy, or furled round its stick; wide 1.15."""
    ink, middle = brush.ink, brush.wide / 2
    if "open" not in brush.traits:
        _furled(brush, middle)
        return
    brush.line([(middle, 0.03), (middle, 0.9)], 0.028, STEEL)
    brush.line([(middle, 0.88), (middle + 0.03, 0.955), (middle + 0.09, 0.955), (middle + 0.11, 0.9)], 0.045, WOOD)
    flat = brush.between(0.42, 0.48)
    edge = 0.5
    dome = [(middle - 0.56 * np.cos(t), edge - flat * np.sin(t)) for t in np.linspace(0, np.pi, 15)]
    gores = 6 if brush.other else 4
    step = 1.12 / gores
    scallops: list[Point] = []
    for i in range(gores):
        right = middle + 0.56 - i * step
        scallops += [(right - step / 2, edge - 0.06), (right - step, edge)]
    brush.poly(dome + scallops, ink.main)
    if brush.other:  # every second gore is paler
        for i in range(1, gores, 2):
            x1, x2 = -0.56 + i * step, -0.56 + (i + 1) * step
            brush.poly([(middle, edge - flat), *_rib(middle, x1, edge, flat), *_rib(middle, x2, edge, flat)[::-1]],
                       ink.light)  # fmt: skip
    else:
        for x in (-0.28, 0.0, 0.28):
            brush.line(_rib(middle, x, edge, flat), 0.014, ink.dark)
        brush.poly([*dome[:6], (middle - 0.3, edge), (middle - 0.42, edge - 0.04)], ink.light)


def _rib(middle: float, foot: float, edge: float, flat: float) -> list[Point]:
    return [(middle + foot * np.sin(t), edge - flat * np.cos(t)) for t in np.linspace(0.05, np.pi / 2, 6)]


def _furled(brush: Brush, middle: float) -> None:
    ink = brush.ink
    lean = 0.3 if brush.other else brush.between(-0.12, 0.12)
    half = brush.between(0.12, 0.16)

    def at(across: float, down: float) -> Point:
        return middle + across + lean * (down - 0.5), down

    brush.line([at(0, 0.05), at(0, 0.2)], 0.04, STEEL)
    brush.line([at(0, 0.76), at(0, 0.88), at(0.05, 0.965), at(0.13, 0.95), at(0.15, 0.88)], 0.055, WOOD)
    brush.poly([at(-0.02, 0.12), at(0.02, 0.12), at(half, 0.66), at(half * 0.6, 0.76), at(-half * 0.6, 0.76),
                at(-half, 0.66)], ink.main)  # fmt: skip
    for x in (-0.35, 0.3):
        brush.line([at(0, 0.16), at(half * x, 0.74)], 0.018, ink.dark)
    brush.poly([at(-half * 0.9, 0.56), at(half * 0.9, 0.6), at(half * 0.95, 0.65), at(-half * 0.95, 0.61)], ink.light)


def laptop(brush: Brush) -> None:
    """A laptop: its screen up over the keyboard, or shut, seen a little from above; wide 1.45."""
    if "open" not in brush.traits:
        _shut_laptop(brush)
        return
    ink, w = brush.ink, brush.wide
    if brush.other:  # from behind: the lid with its mark, the base hardly to be seen
        brush.poly([(0.2, 0.92), (w - 0.2, 0.92), (w - 0.02, 0.97), (0.02, 0.97)], ink.dark)
        brush.poly([(0.12, 0.12), (w - 0.12, 0.12), (w - 0.06, 0.9), (0.06, 0.9)], ink.main)
        brush.oval(w / 2, 0.48, 0.09, 0.1, ink.light)
        brush.rect(0.3, 0.88, w - 0.3, 0.93, TYRE)
        return
    inset = brush.between(0.14, 0.24)
    brush.poly([(inset, 0.03), (w - inset, 0.03), (w - 0.22, 0.62), (0.22, 0.62)], ink.main)
    glow = GLASS if brush.chance(0.3) else DARK_GLASS
    brush.poly([(inset + 0.05, 0.08), (w - inset - 0.05, 0.08), (w - 0.28, 0.56), (0.28, 0.56)], glow)
    brush.rect(0.34, 0.14, brush.between(0.6, 0.9), 0.3, (210, 190, 160))
    for i in range(int(brush.rng.integers(0, 3))):
        brush.rect(0.34, 0.36 + i * 0.08, brush.between(0.7, 1.1), 0.4 + i * 0.08, (150, 190, 150))
    brush.poly([(0.22, 0.62), (w - 0.22, 0.62), (w - 0.02, 0.92), (0.02, 0.92)], ink.main)
    brush.rect(0.02, 0.91, w - 0.02, 0.97, ink.dark)
    brush.line([(0.22, 0.62), (w - 0.22, 0.62)], 0.02, ink.dark)
    for i in range(3):
        y, side = 0.67 + i * 0.055, 0.06 * (2 - i)
        brush.rect(0.14 + side, y, w - 0.14 - side, y + 0.035, TYRE)
    brush.poly([(0.58, 0.84), (w - 0.58, 0.84), (w - 0.55, 0.895), (0.55, 0.895)], ink.dark)


def _shut_laptop(brush: Brush) -> None:
    ink, w = brush.ink, brush.wide
    far, slant = brush.between(0.22, 0.4), brush.between(0.14, 0.28)
    brush.poly([(slant, far), (w - slant, far), (w - 0.02, 0.84), (0.02, 0.84)], ink.main)
    brush.rect(0.02, 0.83, w - 0.02, 0.88, ink.light)
    brush.rect(0.03, 0.875, w - 0.03, 0.89, TYRE)
    brush.rect(0.02, 0.885, w - 0.02, 0.95, ink.dark)
    y = (far + 0.84) / 2
    if brush.other:
        for x in (0.5, w - 0.5):
            brush.rect(x - 0.1, y - 0.07, x + 0.1, y + 0.07, ink.light)
    else:
        brush.oval(w / 2, y, 0.11, 0.07, ink.light)
    brush.rect(w / 2 - 0.12, 0.86, w / 2 + 0.12, 0.9, TYRE)


def knife(brush: Brush) -> None:
    """A kitchen knife lying at any angle: a handle with rivets and a pointed blade; wide 1.0."""
    ink = brush.ink
    grip = brush.between(0.42, 0.48)
    deep = brush.between(0.08, 0.115)
    blade = ink.main if brush.chance(0.35) else _BLADE
    if brush.other:  # a cleaver
        brush.rect(0.4, 0.4, 0.97, 0.68, _BLADE)
        brush.rect(0.4, 0.64, 0.97, 0.68, (235, 235, 235))
        brush.disc(0.9, 0.46, 0.025, TYRE)
    else:
        brush.poly([(grip - 0.02, 0.45), (0.88, 0.45), (0.99, 0.47), (0.9, 0.5 + deep * 0.5), (0.74, 0.5 + deep),
                    (grip, 0.5 + deep)], blade)  # fmt: skip
        edge = ink.light if blade == ink.main else (238, 238, 238)
        brush.poly([(grip, 0.48 + deep), (0.74, 0.48 + deep), (0.97, 0.48), (0.9, 0.51 + deep * 0.5),
                    (0.74, 0.5 + deep), (grip, 0.5 + deep)], edge)  # fmt: skip
        brush.rect(grip - 0.03, 0.44, grip + 0.02, 0.51 + deep, STEEL)
    handle = ink.dark if blade == ink.main else ink.main
    brush.poly([(0.02, 0.45), (0.06, 0.42), (grip - 0.02, 0.43), (grip - 0.02, 0.57), (0.2, 0.56), (0.08, 0.62),
                (0.02, 0.58)], handle)  # fmt: skip
    for x in (0.12, 0.22, 0.32):
        brush.disc(x, 0.5, 0.018, METAL)


def scissors(brush: Brush) -> None:
    """Two blades crossed at a screw over two finger loops, at any angle; wide 0.9."""
    ink, middle = brush.ink, brush.wide / 2
    spread = brush.between(0.1, 0.22)
    pivot = 0.5 if not brush.other else 0.6
    for side in (-1, 1):
        tip, wide = (middle + side * spread, 0.02), (middle + side * (spread * 0.5 + 0.055), 0.3)
        inner = (middle + side * (spread * 0.5 - 0.03), 0.26)
        brush.poly(
            [tip, wide, (middle + side * 0.07, pivot - 0.02), (middle - side * 0.03, pivot + 0.04), inner], _BLADE
        )
        brush.line([tip, inner, (middle - side * 0.02, pivot)], 0.016, METAL)
    for side in (-1, 1):
        x, y = middle + side * (0.13 + spread * 0.4), 0.8
        brush.line([(middle, pivot + 0.02), (middle + side * 0.11, pivot + 0.13)], 0.1, ink.main)
        if brush.other:  # long grips
            outer = [
                (x + side * 0.05 + 0.11 * np.cos(t), y - 0.02 + 0.19 * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 17)
            ]
            brush.line(outer, 0.07, ink.main)
        else:
            brush.ring(x, y, 0.175, 0.075, ink.main)
    brush.disc(middle, pivot, 0.04, STEEL)
