"""How animals are drawn. Each function fills a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painting.painter import TYRE, Brush


def dog(brush: Brush) -> None:
    """A dog that stands or sits: long muzzle, collar, ears that hang or prick; wide 1.45."""
    if brush.other:
        _lying_dog(brush)
    elif brush.chance(0.3):
        _sitting_dog(brush)
    else:
        _standing_dog(brush)


def cat(brush: Brush) -> None:
    """A cat that sits or walks: pointed ears, round face, whiskers, curled tail; wide 0.8."""
    if brush.other:
        _lying_cat(brush)
    elif brush.chance(0.3):
        _walking_cat(brush)
    else:
        _sitting_cat(brush)


def _standing_dog(brush: Brush) -> None:
    ink = brush.ink
    for x in (0.4, 0.54, 0.98, 1.1):
        far = x in (0.54, 0.98)
        brush.line([(x, 0.55), (x + 0.03, 0.78), (x, 0.95)], 0.1, ink.dark if far else ink.main)
        brush.oval(x + 0.03, 0.96, 0.07, 0.035, ink.dark if far else ink.main)
    brush.line([(0.34, 0.42), (0.16, 0.26), (0.1, brush.between(0.08, 0.4))], 0.075, ink.main)
    brush.oval(0.72, 0.5, 0.42, brush.between(0.16, 0.2), ink.main)
    brush.oval(0.98, 0.5, 0.18, 0.2, ink.main)
    if brush.chance(0.25):
        for x, y in ((0.5, 0.46), (0.72, 0.54), (0.82, 0.42)):
            brush.oval(x, y, 0.07, 0.05, ink.dark)
    brush.poly([(0.88, 0.46), (1.0, 0.2), (1.18, 0.24), (1.14, 0.5)], ink.main)
    _dog_head(brush, 0.0, 0.0)
    brush.line([(0.98, 0.38), (1.14, 0.42)], 0.04, (50, 50, 180))


def _dog_head(brush: Brush, x: float, y: float) -> None:
    """The head in profile, moved by `x` and `y` from where a standing dog has it."""
    ink = brush.ink
    brush.oval(x + 1.12, y + 0.2, 0.15, 0.13, ink.main)
    brush.poly([(x + 1.16, y + 0.14), (x + 1.42, y + 0.2), (x + 1.42, y + 0.29), (x + 1.14, y + 0.32)], ink.main)
    brush.disc(x + 1.41, y + 0.21, 0.04, TYRE)
    if brush.chance(0.65):
        brush.oval(x + 1.02, y + 0.22, 0.06, 0.15, ink.dark)
    else:
        brush.poly([(x + 0.98, y + 0.16), (x + 1.0, y - 0.03), (x + 1.12, y + 0.1)], ink.dark)
    brush.disc(x + 1.17, y + 0.16, 0.025, TYRE)


def _sitting_dog(brush: Brush) -> None:
    ink = brush.ink
    brush.line([(0.5, 0.88), (0.32, 0.9), (0.24, brush.between(0.7, 0.86))], 0.075, ink.dark)
    brush.oval(0.62, 0.78, 0.22, 0.2, ink.main)
    brush.poly([(0.46, 0.74), (0.8, 0.26), (1.04, 0.3), (1.0, 0.7), (0.7, 0.92)], ink.main)
    for x in (0.84, 0.94):
        brush.line([(x, 0.55), (x + 0.01, 0.93)], 0.1, ink.dark if x < 0.9 else ink.main)
        brush.oval(x + 0.04, 0.955, 0.08, 0.035, ink.dark if x < 0.9 else ink.main)
    brush.oval(0.68, 0.94, 0.16, 0.045, ink.dark)
    _dog_head(brush, -0.16, 0.02)
    brush.line([(0.8, 0.37), (1.02, 0.42)], 0.045, (50, 50, 180))


def _lying_dog(brush: Brush) -> None:
    ink = brush.ink
    brush.line([(0.24, 0.82), (0.1, 0.9), (0.03, 0.86)], 0.075, ink.dark)
    brush.oval(0.6, 0.76, 0.44, 0.2, ink.main)
    brush.oval(0.34, 0.8, 0.2, 0.16, ink.dark)
    for y in (0.9, 0.94):
        brush.line([(0.86, y), (1.3, y)], 0.09, ink.dark if y < 0.92 else ink.main)
    brush.poly([(0.76, 0.72), (0.96, 0.44), (1.16, 0.5), (1.06, 0.86)], ink.main)
    _dog_head(brush, 0.0, 0.24)
    brush.line([(0.94, 0.62), (1.12, 0.68)], 0.04, (180, 90, 40))


def _sitting_cat(brush: Brush) -> None:
    ink = brush.ink
    tail, plump = brush.between(0.3, 0.6), brush.between(0.22, 0.27)
    brush.line([(0.6, 0.92), (0.74, 0.84), (0.75, tail + 0.1), (0.68, tail)], 0.075, ink.dark)
    brush.oval(0.38, 0.74, plump, 0.24, ink.main)
    brush.oval(0.38, 0.6, plump * 0.7, 0.24, ink.main)
    if brush.chance(0.3):
        for side in (-1, 1):
            for y in (0.62, 0.7, 0.78):
                brush.line([(0.38 + side * plump * 0.9, y), (0.38 + side * 0.1, y + 0.02)], 0.025, ink.dark)
    for x in (0.3, 0.46):
        brush.line([(x, 0.62), (x, 0.94)], 0.1, ink.light)
    _cat_face(brush, 0.38, 0.28, 1.0)


def _cat_face(brush: Brush, x: float, y: float, scale: float) -> None:
    ink = brush.ink
    for side in (-1, 1):
        s = side * scale
        brush.poly([(x + s * 0.06, y - 0.12 * scale), (x + s * 0.22, y - 0.27 * scale), (x + s * 0.24, y)], ink.main)
        brush.poly([(x + s * 0.12, y - 0.12 * scale), (x + s * 0.2, y - 0.21 * scale), (x + s * 0.2, y - 0.06 * scale)],
                   (150, 150, 215))  # fmt: skip
    brush.oval(x, y, 0.24 * scale, 0.19 * scale, ink.main)
    for side in (-1, 1):
        s = side * scale
        brush.oval(x + s * 0.1, y - 0.02 * scale, 0.05 * scale, 0.045 * scale, (90, 220, 200))
        brush.oval(x + s * 0.1, y - 0.02 * scale, 0.017 * scale, 0.04 * scale, TYRE)
        brush.line([(x + s * 0.1, y + 0.07 * scale), (x + s * 0.3, y + 0.05 * scale)], 0.01, ink.light)
    brush.poly([(x - 0.03, y + 0.05 * scale), (x + 0.03, y + 0.05 * scale), (x, y + 0.09 * scale)], (140, 130, 210))


def _walking_cat(brush: Brush) -> None:
    ink = brush.ink
    brush.line([(0.1, 0.6), (0.05, 0.45), (0.1, brush.between(0.2, 0.32))], 0.05, ink.dark)
    for x, far in ((0.2, True), (0.48, True), (0.12, False), (0.42, False)):
        brush.line([(x, 0.68), (x + 0.02, 0.94)], 0.065, ink.dark if far else ink.main)
    brush.oval(0.28, 0.65, 0.23, 0.13, ink.main)
    if brush.chance(0.4):
        for x in (0.18, 0.26, 0.34):
            brush.line([(x, 0.54), (x + 0.01, 0.66)], 0.025, ink.dark)
    _cat_face(brush, 0.56, 0.52, 0.78)


def _lying_cat(brush: Brush) -> None:
    ink = brush.ink
    brush.oval(0.44, 0.78, 0.34, 0.19, ink.main)
    brush.line([(0.74, 0.78), (0.72, 0.92), (0.42, 0.95), (0.34, 0.92)], 0.075, ink.dark)
    for x in (0.44, 0.54, 0.64):
        brush.line([(x, 0.61), (x + 0.02, 0.74)], 0.03, ink.dark)
    _cat_face(brush, 0.26, 0.62, 0.85)
