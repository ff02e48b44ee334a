"""How people and animals are drawn. Each function fills a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painter import SKINS, TYRE, Brush, Colour

_TROUSERS: tuple[Colour, ...] = ((70, 52, 40), (48, 46, 44), (96, 88, 80), (60, 74, 92))
_HAIR: tuple[Colour, ...] = ((28, 26, 24), (30, 44, 66), (70, 100, 130), (140, 140, 140))


def person(brush: Brush) -> None:
    """A standing or walking person; the named colour is the jacket's; wide 0.46."""
    ink, middle = brush.ink, brush.wide / 2
    skin = SKINS[brush.rng.integers(len(SKINS))]
    trousers = _TROUSERS[brush.rng.integers(len(_TROUSERS))]
    hair = _HAIR[brush.rng.integers(len(_HAIR))]
    stride = brush.between(0.03, 0.15)
    for side in (-1, 1):
        knee = (middle + side * (0.045 + stride * 0.45), 0.73)
        foot = (middle + side * (0.04 + stride * 0.8), 0.95)
        brush.line([(middle + side * 0.045, 0.52), knee, foot], 0.085, trousers)
        brush.oval(foot[0] + 0.02, 0.965, 0.055, 0.03, TYRE)
    _arms(brush, middle, skin)
    brush.poly(
        [(middle - 0.12, 0.2), (middle - 0.04, 0.165), (middle + 0.04, 0.165), (middle + 0.12, 0.2),
         (middle + 0.11, 0.55), (middle - 0.11, 0.55)],
        ink.main,
    )  # fmt: skip
    brush.line([(middle, 0.18), (middle, 0.54)], 0.012, ink.dark)
    brush.rect(middle - 0.11, 0.53, middle + 0.11, 0.56, ink.dark)
    brush.rect(middle - 0.035, 0.13, middle + 0.035, 0.18, skin)
    brush.oval(middle, 0.08, 0.062, 0.078, skin)
    brush.oval(middle - 0.005, 0.05, 0.066, 0.05, hair)
    if brush.chance(0.25):
        brush.rect(middle - 0.068, 0.04, middle - 0.03, 0.16, hair, 0.015)


def _arms(brush: Brush, middle: float, skin: Colour) -> None:
    for side in (-1, 1):
        shoulder = (middle + side * 0.105, 0.22)
        if brush.chance(0.2):
            elbow, hand = (middle + side * 0.19, 0.3), (middle + side * 0.17, 0.17)
        else:
            swing = brush.between(0.0, 0.05)
            elbow, hand = (middle + side * (0.14 + swing), 0.36), (middle + side * (0.15 + swing * 0.6), 0.5)
        brush.line([shoulder, elbow, hand], 0.07, brush.ink.dark)
        brush.disc(hand[0], hand[1], 0.033, skin)


def dog(brush: Brush) -> None:
    """A standing dog: long muzzle, hanging ears, tail up; wide 1.45."""
    ink = brush.ink
    for x in (0.4, 0.54, 0.98, 1.1):
        far = x in (0.54, 0.98)
        brush.line([(x, 0.55), (x + 0.03, 0.78), (x, 0.95)], 0.1, ink.dark if far else ink.main)
        brush.oval(x + 0.03, 0.96, 0.07, 0.035, ink.dark if far else ink.main)
    brush.line([(0.34, 0.42), (0.16, 0.26), (0.1, 0.1 + brush.between(0, 0.1))], 0.075, ink.main)
    brush.oval(0.72, 0.5, 0.42, 0.18, ink.main)
    brush.oval(0.98, 0.5, 0.18, 0.2, ink.main)
    brush.poly([(0.88, 0.46), (1.0, 0.2), (1.18, 0.24), (1.14, 0.5)], ink.main)
    brush.oval(1.12, 0.2, 0.15, 0.13, ink.main)
    brush.poly([(1.16, 0.14), (1.42, 0.2), (1.42, 0.29), (1.14, 0.32)], ink.main)
    brush.disc(1.41, 0.21, 0.04, TYRE)
    brush.oval(1.02, 0.22, 0.06, 0.15, ink.dark)
    brush.disc(1.17, 0.16, 0.025, TYRE)
    brush.line([(0.98, 0.38), (1.14, 0.42)], 0.04, (50, 50, 180))


def cat(brush: Brush) -> None:
    """A sitting cat from the front: pointed ears, round face, curled tail; wide 0.8."""
    ink = brush.ink
    tail = brush.between(0.3, 0.55)
    brush.line([(0.6, 0.92), (0.74, 0.84), (0.75, tail + 0.1), (0.68, tail)], 0.075, ink.dark)
    brush.oval(0.38, 0.74, 0.25, 0.25, ink.main)
    brush.oval(0.38, 0.6, 0.17, 0.24, ink.main)
    for x in (0.3, 0.46):
        brush.line([(x, 0.62), (x, 0.94)], 0.1, ink.light)
    for side in (-1, 1):
        brush.poly([(0.38 + side * 0.06, 0.16), (0.38 + side * 0.22, 0.01), (0.38 + side * 0.24, 0.28)], ink.main)
        brush.poly([(0.38 + side * 0.12, 0.16), (0.38 + side * 0.2, 0.07), (0.38 + side * 0.2, 0.22)], (150, 150, 215))
    brush.oval(0.38, 0.28, 0.24, 0.19, ink.main)
    for side in (-1, 1):
        brush.oval(0.38 + side * 0.1, 0.26, 0.05, 0.045, (90, 220, 200))
        brush.oval(0.38 + side * 0.1, 0.26, 0.017, 0.04, TYRE)
        brush.line([(0.38 + side * 0.1, 0.35), (0.38 + side * 0.3, 0.33)], 0.01, ink.light)
    brush.poly([(0.35, 0.33), (0.41, 0.33), (0.38, 0.37)], (140, 130, 210))
