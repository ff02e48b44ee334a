"""How doors, tables, lamps, cameras, fire and smoke are drawn. Each function fills a box `brush.wide` by 1."""

import numpy as np

from regionclip.scenes.painting.painter import DARK_GLASS, GLASS, METAL, STEEL, TYRE, Brush, Colour, Ink, Point, mix

_FRAMES: tuple[Colour, ...] = ((225, 228, 230), (110, 115, 118), (60, 66, 72), (90, 130, 170))
_LAMPS: tuple[Colour, ...] = ((40, 40, 90), (35, 80, 95), (40, 75, 40))
_HOUSINGS: tuple[Colour, ...] = ((38, 36, 34), (58, 62, 60), (44, 52, 40))
_BRASS: Colour = (90, 190, 225)


def door(brush: Brush) -> None:
    """A door in its frame, shut or with the leaf swung out before a dark opening; wide 0.52."""
    w = brush.wide
    frame = brush.pick_unlike(_FRAMES)
    if "open" in brush.traits:
        _open_door(brush, frame)
        return
    if brush.other:  # a round head, the frame with it
        brush.disc(w / 2, w / 2, w / 2 - 0.01, frame)
        brush.rect(0.01, w / 2, w - 0.01, 0.99, frame)
        brush.disc(w / 2, w / 2, w / 2 - 0.045, brush.ink.main)
        brush.rect(0.045, w / 2, w - 0.045, 0.99, brush.ink.main)
        brush.disc(w / 2, 0.27, 0.11, brush.ink.dark)
        brush.disc(w / 2, 0.27, 0.085, GLASS)
        for x in (0.16, 0.26, 0.36):
            brush.line([(x, 0.44), (x, 0.95)], 0.012, brush.ink.dark)
    else:
        brush.rect(0.0, 0.0, w, 0.99, frame)
        brush.rect(0.04, 0.035, w - 0.04, 0.99, brush.ink.main)
        _leaf(brush, 0.04, w - 0.04)
    brush.rect(w - 0.12, 0.5, w - 0.075, 0.6, METAL)
    brush.line([(w - 0.095, 0.53), (w - 0.185, 0.53)], 0.03, _BRASS if brush.chance(0.5) else STEEL)


def _leaf(brush: Brush, left: float, right: float) -> None:
    """Panels, a window or a kick plate on the leaf between the columns `left` and `right`."""
    style, ink = brush.between(0, 1), brush.ink
    x1, x2 = left + 0.07, right - 0.07
    if style < 0.4:
        middle = (x1 + x2) / 2
        for top, bottom in ((0.1, 0.44), (0.64, 0.92)):
            for a, b in ((x1, middle - 0.02), (middle + 0.02, x2)):
                brush.rect(a, top, b, bottom, ink.dark)
                brush.rect(a + 0.018, top + 0.018, b, bottom, ink.light)
                brush.rect(a + 0.018, top + 0.018, b - 0.012, bottom - 0.012, ink.main)
    elif style < 0.7:
        brush.rect(x1 - 0.012, 0.1, x2 + 0.012, 0.412, ink.dark)
        brush.rect(x1, 0.112, x2, 0.4, GLASS)
        brush.poly([(x1 + 0.03, 0.4), (x1 + 0.14, 0.112), (x1 + 0.2, 0.112), (x1 + 0.09, 0.4)], (215, 205, 195))
        brush.rect(x1, 0.68, x2, 0.9, ink.dark)
        brush.rect(x1 + 0.015, 0.695, x2, 0.9, ink.main)
    else:
        brush.rect(left, 0.86, right, 0.97, METAL)
        brush.rect(x1 + 0.02, 0.14, x1 + 0.1, 0.4, DARK_GLASS)


def _open_door(brush: Brush, frame: Colour) -> None:
    ink, w = brush.ink, brush.wide
    free = brush.between(0.3, 0.36)
    lit = brush.chance(0.3)
    brush.rect(0.0, 0.02, w, 0.95, frame)
    brush.rect(0.04, 0.055, w - 0.04, 0.95, (120, 175, 205) if lit else (38, 34, 32))
    brush.poly([(0.04, 0.95), (0.24, 0.8), (w - 0.04, 0.8), (w - 0.04, 0.95)], (105, 125, 135) if lit else (70, 66, 62))
    brush.poly([(0.03, 0.05), (free, 0.0), (free, 1.0), (0.03, 0.95)], ink.main)
    brush.poly([(free, 0.0), (free + 0.025, 0.01), (free + 0.025, 0.99), (free, 1.0)], ink.dark)
    panels = ((0.12, 0.42), (0.58, 0.88)) if not brush.other else ((0.1, 0.28), (0.36, 0.54), (0.62, 0.88))
    for top, bottom in panels:
        brush.poly([(0.09, top), (free - 0.06, top - 0.02), (free - 0.06, bottom + 0.02), (0.09, bottom)], ink.dark)
        brush.poly([(0.105, top + 0.02), (free - 0.06, top), (free - 0.06, bottom), (0.105, bottom - 0.01)], ink.main)
    brush.line([(free - 0.03, 0.51), (free - 0.09, 0.51)], 0.03, _BRASS)


def table(brush: Brush) -> None:
    """A table on four legs, a round one on a foot, or a desk with drawers; wide 1.5."""
    ink, w = brush.ink, brush.wide
    if brush.other:  # trestles
        for x in (0.32, w - 0.32):
            brush.line([(x - 0.16, 0.97), (x + 0.12, 0.3)], 0.06, ink.dark)
            brush.line([(x + 0.16, 0.97), (x - 0.12, 0.3)], 0.06, ink.main)
        brush.line([(0.32, 0.64), (w - 0.32, 0.64)], 0.05, ink.dark)
        brush.poly([(0.14, 0.1), (w - 0.14, 0.1), (w - 0.02, 0.3), (0.02, 0.3)], ink.main)
        brush.rect(0.02, 0.29, w - 0.02, 0.37, ink.light)
        return
    style = brush.between(0, 1)
    if style < 0.3:
        brush.line([(w / 2, 0.3), (w / 2, 0.9)], 0.13, ink.dark)
        brush.oval(w / 2, 0.91, 0.38, 0.07, ink.dark)
        brush.oval(w / 2, 0.25, w / 2 - 0.02, 0.19, ink.dark)
        brush.oval(w / 2, 0.21, w / 2 - 0.02, 0.19, ink.main)
        brush.oval(w / 2 - 0.1, 0.18, w / 2 - 0.25, 0.12, mix(ink.main, ink.light, 0.5))
        return
    slant = brush.between(0.1, 0.24)
    metal = STEEL if brush.chance(0.35) else ink.dark
    for x in (slant + 0.14, w - slant - 0.14):
        brush.line([(x, 0.3), (x, 0.82)], 0.07, mix(metal, (0, 0, 0), 0.25))
    if style > 0.72:
        brush.rect(w - 0.55, 0.34, w - 0.06, 0.95, ink.dark)
        for y in (0.4, 0.58, 0.76):
            brush.rect(w - 0.52, y, w - 0.09, y + 0.15, ink.main)
            brush.rect(w - 0.37, y + 0.05, w - 0.24, y + 0.08, METAL)
    for x in (0.1, w - 0.1):
        brush.line([(x, 0.34), (x + (0.04 if x < 1 else -0.04), 0.95)], 0.085, metal)
    brush.poly([(slant, 0.1), (w - slant, 0.1), (w - 0.01, 0.32), (0.01, 0.32)], ink.main)
    brush.rect(0.01, 0.31, w - 0.01, 0.42, ink.dark)
    brush.rect(0.01, 0.31, w - 0.01, 0.35, ink.light)


def traffic_light(brush: Brush) -> None:
    """A dark housing with three lamps; the named colour is the lit one's: red above, yellow, green below; wide 0.42."""
    w, housing = brush.wide, brush.pick(_HOUSINGS)
    pole = brush.chance(0.45)
    bottom = 0.8 if pole else 0.97
    if pole:
        brush.rect(w / 2 - 0.035, 0.7, w / 2 + 0.035, 0.98, STEEL)
    if brush.other:  # a board with a white edge behind three round units
        brush.rect(0.0, 0.01, w, bottom, (225, 228, 228), 0.12)
        brush.rect(0.025, 0.035, w - 0.025, bottom - 0.025, housing, 0.1)
    else:
        brush.rect(0.05, 0.02, w - 0.05, bottom, housing, 0.06 if brush.chance(0.6) else 0.0)
    radius = 0.122 * bottom
    lit = _lamp_place(brush.ink.main)
    for i in range(3):
        y = 0.04 + (bottom - 0.06) * (i + 0.5) / 3
        if not brush.other:
            brush.oval(w / 2, y - 0.03, radius * 1.25, radius * 1.15, mix(housing, (0, 0, 0), 0.4))
        brush.disc(w / 2, y, radius, brush.ink.main if i == lit else _LAMPS[i])
        if i == lit:
            brush.disc(w / 2 - 0.02, y - 0.02, radius * 0.5, mix(brush.ink.main, (255, 255, 255), 0.55))


def _lamp_place(colour: Colour) -> int:
    """0 for a red lamp, 1 for a yellow one, 2 for a green one."""
    _, green, red = colour
    if green < 0.5 * red:
        return 0
    return 1 if red > 0.7 * green else 2


def camera(brush: Brush) -> None:
    """A surveillance camera: a housing with a lens on a bracket, or a dome under a plate; wide 1.3."""
    ink, w = brush.ink, brush.wide
    if brush.other:  # a ball on a post
        brush.rect(w / 2 - 0.07, 0.6, w / 2 + 0.07, 0.98, ink.dark)
        brush.disc(w / 2, 0.38, 0.36, ink.main)
        brush.oval(w / 2 + 0.14, 0.4, 0.2, 0.24, TYRE)
        brush.disc(w / 2 + 0.17, 0.4, 0.11, DARK_GLASS)
        brush.disc(w / 2 + 0.14, 0.36, 0.035, (240, 230, 220))
    elif brush.chance(0.35):
        brush.rect(w / 2 - 0.12, 0.02, w / 2 + 0.12, 0.2, ink.dark)
        brush.poly([(0.2, 0.3), (0.34, 0.14), (w - 0.34, 0.14), (w - 0.2, 0.3), (w - 0.2, 0.56), (0.2, 0.56)], ink.main)
        bowl: list[Point] = [(w / 2 + 0.4 * np.cos(t), 0.56 + 0.38 * np.sin(t)) for t in np.linspace(0, np.pi, 14)]
        brush.poly(bowl, TYRE)
        brush.disc(w / 2 + 0.06, 0.7, 0.13, DARK_GLASS)
        brush.disc(w / 2 + 0.06, 0.7, 0.06, (20, 20, 20))
        brush.oval(w / 2 - 0.2, 0.66, 0.05, 0.07, (200, 195, 190))
        brush.rect(0.16, 0.5, w - 0.16, 0.58, ink.dark)
    else:
        _bullet(brush, brush.between(0.0, 0.14))


def _bullet(brush: Brush, droop: float) -> None:
    ink, w = brush.ink, brush.wide
    brush.rect(0.02, 0.5, 0.12, 0.98, ink.dark)
    brush.line([(0.1, 0.78), (0.42, 0.76), (0.5, 0.5)], 0.1, STEEL)
    brush.poly(
        [(0.2, 0.16), (w - 0.14, 0.16 + droop), (w - 0.14, 0.56 + droop), (0.2, 0.56)],
        ink.main,
    )
    brush.poly([(0.14, 0.08), (w - 0.02, 0.08 + droop), (w - 0.02, 0.2 + droop), (0.14, 0.2)], ink.light)
    brush.poly([(0.2, 0.47), (w - 0.3, 0.47 + droop * 0.8), (w - 0.3, 0.56 + droop), (0.2, 0.56)], ink.dark)
    x, y = w - 0.14, 0.37 + droop
    brush.oval(x, y, 0.11, 0.2, TYRE)
    brush.oval(x + 0.02, y, 0.07, 0.13, DARK_GLASS)
    brush.disc(x, y - 0.05, 0.028, (245, 240, 235))
    if brush.chance(0.5):
        brush.disc(x - 0.22, 0.38 + droop, 0.03, (60, 60, 230))


def fire(brush: Brush) -> None:
    """Flames with a paler heart, on logs now and then; the named colour is the outer flame's; wide 0.85."""
    ink, middle = brush.ink, brush.wide / 2
    inner = mix(ink.main, (70, 225, 255), 0.6)
    heart = mix(inner, (235, 255, 255), 0.6)
    base = 0.9
    if brush.other:  # a burning barrel
        base = 0.66
        brush.rect(middle - 0.24, 0.55, middle + 0.24, 0.98, STEEL, 0.03)
        for y in (0.68, 0.84):
            brush.rect(middle - 0.25, y, middle + 0.25, y + 0.03, mix(STEEL, (0, 0, 0), 0.4))
    elif brush.chance(0.4):
        for end in (0.12, 0.73):
            brush.line([(end, 0.88), (brush.wide - end, 0.95)], 0.085, (50, 75, 105))
    count = 2 * int(brush.rng.integers(1, 3)) + 1
    tongues = []
    for i in range(count):
        off = (i / (count - 1) - 0.5) if count > 1 else 0.0
        high = base - (0.02 if i == count // 2 else brush.between(0.14, 0.4))
        tongues.append((middle + off * 0.46, high, brush.between(0.17, 0.21), brush.between(-0.07, 0.07)))
    for colour, scale in ((ink.main, 1.0), (inner, 0.62), (heart, 0.32)):
        for x, high, half, sway in tongues:
            _flame(
                brush, (middle + (x - middle) * (0.5 + 0.5 * scale), base), (high * scale, half * scale, sway), colour
            )
    if not brush.other and brush.chance(0.5):
        for _ in range(3):
            brush.disc(middle + brush.between(-0.3, 0.3), brush.between(0.1, 0.35), 0.018, ink.main)


def _flame(brush: Brush, foot: Point, shape: tuple[float, float, float], colour: Colour) -> None:
    """One tongue above `foot`: `shape` is its height, half its width and how far its tip leans."""
    high, half, sway = shape
    up = np.linspace(0, 1, 9)
    across = half * 1.9 * np.sqrt(up + 0.08) * (1 - up) ** 0.85
    lean = sway * np.sin(up * 4.2) + sway * up
    x, y = foot[0] + lean, foot[1] - high * up + 0.05 * (1 - up)
    brush.poly([*zip(x - across, y, strict=True), *zip((x + across)[::-1], y[::-1], strict=True)], colour)


def smoke(brush: Brush) -> None:
    """A soft plume that widens as it rises; wide 0.95."""
    puffs = _cloud(brush) if brush.other else _plume(brush)
    ink: Ink = brush.ink
    for x, y, radius in puffs:
        brush.disc(x, y, radius, mix(ink.main, ink.dark, 0.35))
    for x, y, radius in puffs:
        brush.disc(x - 0.02, y - 0.03, radius * 0.8, ink.main)
        brush.disc(x - 0.2 * radius, y - 0.35 * radius, radius * 0.35, mix(ink.main, ink.light, 0.6))
    brush.soften(0.07)


def _plume(brush: Brush) -> list[tuple[float, float, float]]:
    drift, wave = brush.between(-0.22, 0.22), brush.between(0.02, 0.07)
    count = int(brush.rng.integers(9, 13))
    puffs = []
    for up in np.linspace(0, 1, count):
        spread = 0.03 + 0.13 * up
        x = brush.wide / 2 + drift * (up - 0.4) + wave * np.sin(7 * up) + brush.between(-spread, spread)
        puffs.append((x, 0.9 - 0.72 * up, 0.07 + 0.12 * up * brush.between(0.7, 1.1)))
    return puffs


def _cloud(brush: Brush) -> list[tuple[float, float, float]]:
    """A bank of smoke that spreads along the ground and billows in the middle."""
    return [
        (x, 0.75 - 0.4 * np.exp(-(((x - 0.48) / 0.25) ** 2)) + brush.between(-0.05, 0.1), brush.between(0.13, 0.19))
        for x in np.linspace(0.18, brush.wide - 0.18, 11)
    ]
