"""How machines that move by themselves are drawn. Each function fills a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painting.painter import GLASS, METAL, STEEL, TYRE, Brush


def forklift(brush: Brush) -> None:
    """A body with overhead guard, a mast and two forks; wide 1.5."""
    ink, w = brush.ink, brush.wide
    back = 0.3 if brush.other else brush.between(0.4, 0.46)
    brush.poly([(0.02, 0.5), (0.08, back), (0.34, back), (0.98, 0.52), (1.02, 0.86), (0.04, 0.86)], ink.main)
    if not brush.other:
        brush.poly([(0.02, 0.5), (0.08, back), (0.3, back), (0.34, 0.84), (0.04, 0.86)], ink.dark)
    brush.line([(0.22, back + 0.02), (0.3, 0.07)], 0.05, TYRE)
    brush.line([(0.98, 0.54), (0.86, 0.07)], 0.05, TYRE)
    brush.line([(0.22, 0.06), (0.92, 0.06)], 0.07, ink.main)
    if brush.other:  # a closed cabin
        brush.poly([(0.38, 0.44), (0.38, 0.12), (0.84, 0.12), (0.94, 0.52), (0.6, 0.5)], GLASS)
    else:
        brush.poly([(0.36, 0.46), (0.4, 0.26), (0.48, 0.26), (0.5, 0.44), (0.7, 0.45), (0.7, 0.53), (0.38, 0.53)], TYRE)
        brush.line([(0.74, 0.4), (0.86, 0.34)], 0.035, TYRE)
    if brush.chance(0.3):
        brush.rect(0.5, 0.0, 0.58, 0.04, (40, 150, 250))
    brush.rect(1.06, 0.02, 1.13, 0.9, STEEL)
    brush.rect(1.15, 0.1, 1.19, 0.9, TYRE)
    lift = brush.between(0.5, 0.9)
    brush.rect(1.13, lift - 0.26, 1.22, lift, STEEL)
    brush.poly([(1.14, lift - 0.02), (w - 0.01, lift + 0.01), (w - 0.01, lift + 0.05), (1.14, lift + 0.07)], METAL)
    brush.wheel(0.24, 0.85, 0.14)
    brush.wheel(0.9, 0.83, 0.16)


def mobile_robot(brush: Brush) -> None:
    """A driving platform with a laser turret, or with a screen on a post; wide 1.25."""
    ink, w = brush.ink, brush.wide
    if brush.other:
        _tracked_robot(brush)
        return
    tall = brush.chance(0.4)
    top = brush.between(0.54, 0.62) if tall else brush.between(0.36, 0.5)
    if tall:
        brush.rect(0.55, 0.2, 0.7, 0.6, STEEL)
        brush.rect(0.36, 0.02, 0.92, 0.34, ink.main, 0.06)
        brush.rect(0.41, 0.06, 0.87, 0.3, (90, 60, 30), 0.03)
        for x in (0.54, 0.74):
            brush.disc(x, 0.18, 0.045, (250, 240, 190))
    else:
        brush.rect(0.46, top - 0.14, 0.8, top, STEEL)
        brush.rect(0.4, top - 0.28, 0.86, top - 0.12, TYRE, 0.05)
        brush.rect(0.43, top - 0.22, 0.83, top - 0.18, (200, 190, 60))
    brush.rect(0.03, top, w - 0.03, 0.9, ink.main, brush.between(0.04, 0.14))
    brush.rect(0.03, top + 0.18, w - 0.03, top + 0.25, TYRE)
    if brush.chance(0.7):
        brush.rect(0.12, top + 0.2, 0.4, top + 0.23, (120, 240, 120))
    brush.rect(0.03, 0.78, w - 0.03, 0.88, ink.dark, 0.04)
    for x in (0.28, w - 0.28) if brush.chance(0.6) else (0.24, w / 2, w - 0.24):
        brush.wheel(x, 0.88, 0.115)


def drone(brush: Brush) -> None:
    """A small body with rotors on arms: four over two skids, or two pairs seen from a corner; wide 2.0."""
    ink, w = brush.ink, brush.wide
    middle = w / 2
    if brush.other:  # a disc with guards round its rotors
        for x in (0.42, w - 0.42):
            brush.ring(x, 0.5, 0.38, 0.06, ink.main)
            brush.line([(x - 0.3, 0.5), (x + 0.3, 0.5)], 0.05, TYRE)
            brush.line([(x, 0.26), (x, 0.74)], 0.05, TYRE)
        brush.rect(middle - 0.28, 0.3, middle + 0.28, 0.7, ink.main, 0.15)
        brush.disc(middle, 0.5, 0.11, TYRE)
        brush.disc(middle, 0.5, 0.05, GLASS)
        return
    high = brush.between(0.4, 0.5)
    rotor = brush.between(0.24, 0.3)
    for x, y in ((0.3, 0.24), (w - 0.3, 0.24), (0.56, 0.12), (w - 0.56, 0.12)):
        brush.line([(middle, high), (x, y + 0.1)], 0.075, ink.dark)
        brush.rect(x - 0.05, y - 0.04, x + 0.05, y + 0.16, STEEL)
        brush.oval(x, y - 0.06, rotor, 0.035, TYRE)
    if brush.chance(0.5):
        brush.oval(middle, high, 0.38, 0.21, ink.main)
    else:
        brush.rect(middle - 0.36, high - 0.16, middle + 0.36, high + 0.17, ink.main, 0.07)
    brush.oval(middle, high - 0.07, 0.22, 0.08, ink.light)
    brush.disc(middle, 0.64, 0.1, TYRE)
    brush.disc(middle + 0.02, 0.65, 0.045, GLASS)
    for side in (-1, 1) if brush.chance(0.7) else ():
        brush.line([(middle + 0.2 * side, 0.56), (middle + 0.42 * side, 0.94)], 0.05, STEEL)
        brush.line([(middle + 0.26 * side, 0.95), (middle + 0.6 * side, 0.95)], 0.05, STEEL)


def robot_arm(brush: Brush) -> None:
    """A jointed arm on a pedestal with a gripper; wide 1.0."""
    ink = brush.ink
    if brush.other:  # a column with a level arm and a spindle
        brush.rect(0.04, 0.88, 0.5, 0.98, STEEL)
        brush.rect(0.14, 0.2, 0.4, 0.9, ink.main, 0.06)
        brush.rect(0.14, 0.06, 0.9, 0.3, ink.main, 0.1)
        brush.disc(0.28, 0.18, 0.08, ink.dark)
        brush.rect(0.74, 0.26, 0.84, 0.62, METAL)
        brush.rect(0.68, 0.6, 0.9, 0.68, TYRE)
        for x in (0.7, 0.84):
            brush.rect(x, 0.66, x + 0.04, 0.8, TYRE)
        return
    brush.rect(0.1, 0.88, 0.56, 0.98, STEEL)
    brush.poly([(0.16, 0.89), (0.24, 0.7), (0.42, 0.7), (0.5, 0.89)], ink.dark)
    elbow = (brush.between(0.14, 0.42), brush.between(0.12, 0.3))
    wrist = (brush.between(0.66, 0.82), brush.between(0.16, 0.5))
    thick = brush.between(0.14, 0.19)
    brush.line([(0.33, 0.7), elbow], thick, ink.main)
    brush.line([elbow, wrist], thick * 0.75, ink.main)
    for x, y, radius in ((0.33, 0.7, 0.11), (*elbow, 0.095), (*wrist, 0.075)):
        brush.disc(x, y, radius, ink.dark)
        brush.disc(x, y, radius * 0.5, METAL)
    x, y = wrist
    brush.line([wrist, (x + 0.04, y + 0.13)], 0.07, STEEL)
    for side in (-1, 1):
        brush.line(
            [(x + 0.04, y + 0.13), (x + 0.04 + side * 0.09, y + 0.19), (x + 0.04 + side * 0.06, y + 0.29)], 0.035, TYRE
        )


def _tracked_robot(brush: Brush) -> None:
    """A body between tracks with a camera on a mast."""
    ink, w = brush.ink, brush.wide
    brush.rect(0.02, 0.66, w - 0.02, 0.98, TYRE, 0.16)
    for x in (0.18, 0.47, w - 0.47, w - 0.18):
        brush.disc(x, 0.82, 0.09, METAL)
    brush.poly([(0.1, 0.7), (0.2, 0.42), (w - 0.2, 0.42), (w - 0.1, 0.7)], ink.main)
    brush.rect(0.3, 0.5, 0.62, 0.6, ink.dark)
    brush.line([(0.84, 0.44), (0.84, 0.2)], 0.06, STEEL)
    brush.rect(0.66, 0.04, 1.08, 0.24, ink.main, 0.05)
    brush.disc(0.98, 0.14, 0.07, TYRE)
    brush.disc(0.98, 0.14, 0.035, (200, 190, 60))
