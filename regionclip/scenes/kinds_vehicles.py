"""How vehicles and moving machines are drawn. Each function fills a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painter import DARK_GLASS, GLASS, LAMP, METAL, STEEL, TYRE, Brush


def car(brush: Brush) -> None:
    """A saloon, hatchback or estate from the side; wide 2.2."""
    ink, w = brush.ink, brush.wide
    roof_end = brush.between(1.5, 2.0)
    nose = brush.between(0.42, 0.6)
    brush.poly([(nose, 0.46), (nose + 0.32, 0.06), (roof_end - 0.16, 0.04), (roof_end + 0.12, 0.46)], ink.main)
    brush.poly([(nose + 0.11, 0.43), (nose + 0.37, 0.13), (1.16, 0.12), (1.16, 0.43)], GLASS)
    brush.poly([(1.24, 0.43), (1.24, 0.12), (roof_end - 0.2, 0.12), (roof_end + 0.02, 0.43)], GLASS)
    brush.poly([(0.03, 0.56), (0.3, 0.46), (w - 0.14, 0.42), (w - 0.02, 0.5), (w - 0.02, 0.8), (0.03, 0.82)], ink.main)
    brush.rect(0.05, 0.72, w - 0.03, 0.82, ink.dark)
    brush.rect(1.18, 0.46, 1.2, 0.76, ink.dark)
    brush.rect(1.28, 0.53, 1.42, 0.56, ink.dark)
    brush.oval(0.12, 0.6, 0.08, 0.05, LAMP)
    brush.rect(w - 0.09, 0.54, w - 0.02, 0.64, (60, 60, 190))
    for x in (0.5, w - 0.5):
        brush.disc(x, 0.79, 0.22, ink.dark)
        brush.wheel(x, 0.8, 0.195)


def truck(brush: Brush) -> None:
    """A lorry with a cab and a cargo box, or a flat bed with load; wide 2.1."""
    ink, w = brush.ink, brush.wide
    if brush.chance(0.7):
        brush.rect(0.72, 0.02, w - 0.01, 0.74, ink.main)
        brush.rect(0.72, 0.02, w - 0.01, 0.08, ink.light)
        for x in (1.06, 1.4, 1.74):
            brush.rect(x, 0.1, x + 0.03, 0.7, ink.dark)
    else:
        brush.rect(0.74, 0.42, w - 0.01, 0.74, ink.main)
        for x in (0.9, 1.2, 1.5, 1.8):
            brush.rect(x, 0.44, x + 0.05, 0.72, ink.dark)
        brush.poly([(0.8, 0.42), (1.1, 0.2), (1.5, 0.14), (1.95, 0.3), (2.0, 0.42)], STEEL)
    brush.rect(0.3, 0.7, w - 0.04, 0.8, TYRE)
    brush.poly([(0.04, 0.8), (0.02, 0.5), (0.16, 0.2), (0.64, 0.18), (0.66, 0.8)], ink.main)
    brush.poly([(0.1, 0.47), (0.2, 0.26), (0.5, 0.26), (0.5, 0.47)], GLASS)
    brush.rect(0.1, 0.56, 0.6, 0.59, ink.dark)
    brush.rect(0.02, 0.64, 0.12, 0.72, LAMP)
    brush.rect(0.0, 0.76, 0.66, 0.82, STEEL)
    for x in (0.36, 1.36, 1.76):
        brush.wheel(x, 0.84, 0.155)


def bus(brush: Brush) -> None:
    """A long box with a row of windows; wide 2.5."""
    ink, w = brush.ink, brush.wide
    brush.rect(0.02, 0.05, w - 0.02, 0.86, ink.main, 0.08)
    brush.rect(0.04, 0.6, w - 0.04, 0.68, ink.light)
    brush.rect(0.02, 0.8, w - 0.02, 0.87, ink.dark)
    brush.poly([(0.02, 0.2), (0.16, 0.18), (0.16, 0.6), (0.02, 0.6)], GLASS)
    windows = int(brush.rng.integers(5, 8))
    step = (w - 0.66) / windows
    for i in range(windows):
        x = 0.6 + i * step
        brush.rect(x, 0.18, x + step * 0.82, 0.52, DARK_GLASS if brush.chance(0.2) else GLASS)
    brush.rect(0.24, 0.2, 0.52, 0.82, DARK_GLASS)
    brush.rect(0.37, 0.2, 0.39, 0.82, ink.light)
    brush.rect(0.03, 0.7, 0.1, 0.77, LAMP)
    brush.rect(0.2, 0.08, 0.9, 0.15, TYRE)
    for x in (0.76, w - 0.52):
        brush.wheel(x, 0.85, 0.145)


def bicycle(brush: Brush) -> None:
    """Two thin wheels and a diamond frame one can see through; wide 1.6."""
    ink, w = brush.ink, brush.wide
    rear, front = (0.36, 0.65), (w - 0.36, 0.65)
    for x, y in (rear, front):
        brush.ring(x, y, 0.345, 0.055, TYRE)
        for end in ((0.0, 0.3), (0.26, 0.15), (0.26, -0.15)):
            brush.line([(x - end[0], y - end[1]), (x + end[0], y + end[1])], 0.012, METAL)
        brush.disc(x, y, 0.05, STEEL)
    seat, head, crank = (0.58, 0.24), (1.12, 0.22), (0.76, 0.66)
    width = brush.between(0.06, 0.09)
    brush.line([rear, seat, crank, rear], width, ink.main)
    brush.line([seat, head, crank], width, ink.main)
    brush.line([(1.08, 0.1), head, front], width, ink.main)
    brush.line([seat, (0.54, 0.1)], 0.04, STEEL)
    brush.oval(0.53, 0.08, 0.15, 0.045, TYRE)
    brush.line([(1.2, 0.03), (1.08, 0.08), (0.99, 0.1)], 0.05, TYRE)
    brush.ring(crank[0], crank[1], 0.1, 0.04, STEEL)
    brush.line([(0.68, 0.76), (0.84, 0.56)], 0.035, STEEL)


def motorcycle(brush: Brush) -> None:
    """Thick wheels, tank, engine and a saddle; wide 1.75."""
    ink, w = brush.ink, brush.wide
    for x in (0.33, w - 0.33):
        brush.ring(x, 0.68, 0.31, 0.12, TYRE)
        brush.ring(x, 0.68, 0.19, 0.04, METAL)
        brush.disc(x, 0.68, 0.08, STEEL)
        brush.line([(x, 0.5), (x, 0.86)], 0.03, METAL)
    brush.line([(0.2, 0.86), (0.62, 0.8), (0.95, 0.78)], 0.09, METAL)
    brush.rect(0.62, 0.52, 1.1, 0.84, STEEL, 0.06)
    brush.disc(0.86, 0.68, 0.12, METAL)
    brush.poly([(0.14, 0.4), (0.06, 0.3), (0.4, 0.36), (0.8, 0.38), (0.72, 0.54), (0.34, 0.5)], ink.main)
    brush.poly([(0.7, 0.5), (0.72, 0.3), (0.9, 0.2), (1.22, 0.22), (1.32, 0.34), (1.14, 0.54)], ink.main)
    brush.poly([(0.24, 0.32), (0.36, 0.26), (0.74, 0.3), (0.78, 0.4), (0.4, 0.4)], TYRE)
    brush.line([(1.22, 0.14), (w - 0.33, 0.68)], 0.08, METAL)
    brush.line([(1.02, 0.1), (1.22, 0.06)], 0.06, TYRE)
    brush.poly([(1.12, 0.3), (1.26, 0.06), (1.4, 0.2), (1.42, 0.38)], ink.dark)
    brush.disc(1.4, 0.27, 0.08, LAMP)
    brush.poly([(w - 0.62, 0.48), (w - 0.4, 0.34), (w - 0.1, 0.42), (w - 0.02, 0.54), (w - 0.36, 0.44)], ink.main)


def forklift(brush: Brush) -> None:
    """A body with overhead guard, a mast and two forks; wide 1.5."""
    ink, w = brush.ink, brush.wide
    brush.poly([(0.02, 0.48), (0.3, 0.42), (0.98, 0.52), (1.02, 0.86), (0.04, 0.86)], ink.main)
    brush.poly([(0.02, 0.48), (0.3, 0.42), (0.34, 0.84), (0.04, 0.86)], ink.dark)
    brush.line([(0.22, 0.44), (0.3, 0.07)], 0.05, TYRE)
    brush.line([(0.98, 0.54), (0.86, 0.07)], 0.05, TYRE)
    brush.line([(0.22, 0.06), (0.92, 0.06)], 0.07, ink.main)
    brush.poly([(0.36, 0.46), (0.4, 0.26), (0.48, 0.26), (0.5, 0.44), (0.7, 0.45), (0.7, 0.53), (0.38, 0.53)], TYRE)
    brush.line([(0.74, 0.4), (0.86, 0.34)], 0.035, TYRE)
    brush.rect(1.06, 0.02, 1.13, 0.9, STEEL)
    brush.rect(1.15, 0.1, 1.19, 0.9, TYRE)
    lift = brush.between(0.5, 0.9)
    brush.rect(1.13, lift - 0.26, 1.22, lift, STEEL)
    brush.poly([(1.14, lift - 0.02), (w - 0.01, lift + 0.01), (w - 0.01, lift + 0.05), (1.14, lift + 0.07)], METAL)
    brush.wheel(0.24, 0.85, 0.14)
    brush.wheel(0.9, 0.83, 0.16)


def mobile_robot(brush: Brush) -> None:
    """A low driving platform with a laser turret, or a delivery robot with a screen on a post; wide 1.25."""
    ink, w = brush.ink, brush.wide
    tall = brush.chance(0.4)
    top = 0.58 if tall else brush.between(0.36, 0.46)
    if tall:
        brush.rect(0.55, 0.2, 0.7, 0.6, STEEL)
        brush.rect(0.36, 0.02, 0.92, 0.34, ink.dark, 0.06)
        brush.rect(0.41, 0.06, 0.87, 0.3, (90, 60, 30), 0.03)
        for x in (0.54, 0.74):
            brush.disc(x, 0.18, 0.045, (250, 240, 190))
    else:
        brush.rect(0.46, top - 0.14, 0.8, top, STEEL)
        brush.rect(0.4, top - 0.28, 0.86, top - 0.12, TYRE, 0.05)
        brush.rect(0.43, top - 0.22, 0.83, top - 0.18, (200, 190, 60))
    brush.rect(0.03, top, w - 0.03, 0.9, ink.main, 0.1)
    brush.rect(0.03, top + 0.18, w - 0.03, top + 0.25, TYRE)
    brush.rect(0.12, top + 0.2, 0.4, top + 0.23, (120, 240, 120))
    brush.rect(0.03, 0.78, w - 0.03, 0.88, ink.dark, 0.04)
    for x in (0.28, w - 0.28):
        brush.wheel(x, 0.88, 0.115)


def drone(brush: Brush) -> None:
    """A small body, four arms with rotors and two skids; wide 2.0."""
    ink, w = brush.ink, brush.wide
    middle = w / 2
    for x, y in ((0.3, 0.24), (w - 0.3, 0.24), (0.56, 0.12), (w - 0.56, 0.12)):
        brush.line([(middle, 0.46), (x, y + 0.1)], 0.075, ink.dark)
        brush.rect(x - 0.05, y - 0.04, x + 0.05, y + 0.16, STEEL)
        brush.oval(x, y - 0.06, 0.29, 0.035, TYRE)
    brush.oval(middle, 0.46, 0.36, 0.2, ink.main)
    brush.oval(middle, 0.39, 0.22, 0.09, ink.light)
    brush.disc(middle, 0.62, 0.1, TYRE)
    brush.disc(middle + 0.02, 0.63, 0.045, GLASS)
    for side in (-1, 1):
        brush.line([(middle + 0.2 * side, 0.56), (middle + 0.42 * side, 0.94)], 0.05, STEEL)
        brush.line([(middle + 0.26 * side, 0.95), (middle + 0.6 * side, 0.95)], 0.05, STEEL)
