"""How a person is drawn, with what they wear and carry. The functions fill a box `brush.wide` by 1; see painter."""

from regionclip.scenes.painting.painter import SKINS, TYRE, Brush, Colour, Point, mix

_TROUSERS: tuple[Colour, ...] = ((70, 52, 40), (48, 46, 44), (96, 88, 80), (60, 74, 92), (130, 96, 70), (150, 165, 175))
_HAIR: tuple[Colour, ...] = (
    (28, 26, 24),
    (30, 44, 66),
    (70, 110, 150),
    (150, 150, 150),
    (110, 170, 215),
    (40, 60, 120),
)
_HATS: tuple[Colour, ...] = (
    (60, 205, 245), (240, 240, 240), (40, 120, 240), (200, 110, 40), (50, 50, 210), (110, 170, 60),
)  # fmt: skip
_CAPS: tuple[Colour, ...] = (
    (60, 50, 45),
    (90, 90, 150),
    (140, 100, 60),
    (120, 130, 130),
    (70, 110, 80),
    (160, 90, 150),
)
_PACKS: tuple[Colour, ...] = ((50, 50, 50), (120, 80, 40), (60, 90, 150), (70, 110, 70), (130, 70, 120), (60, 140, 200))
_HI_VIS: tuple[Colour, ...] = ((50, 245, 205), (40, 120, 255))
_REFLECTING: Colour = (225, 232, 232)
_EYE: Colour = (45, 40, 40)


def person(brush: Brush) -> None:
    """A standing or walking person; the named colour is the jacket's; wide 0.46."""
    middle = brush.wide / 2
    skin = brush.pick(SKINS)
    broad = brush.between(0.1, 0.125)
    hem = brush.between(0.66, 0.74) if brush.other else brush.between(0.53, 0.57)
    pack = brush.pick_unlike(_PACKS)
    side = -1 if brush.chance(0.5) else 1
    if "backpack" in brush.traits:
        _pack(brush, middle, side, pack)
    _legs(brush, middle)
    if not brush.other:
        _arms(brush, middle, broad, skin)
    _torso(brush, middle, broad, hem)
    if "vest" in brush.traits:
        _vest(brush, middle, broad, min(hem, 0.56) - 0.04)
    if "backpack" in brush.traits:
        _straps(brush, middle, side, pack)
    if brush.other:
        _akimbo(brush, middle, broad, skin)
    _head(brush, middle, skin)


def _legs(brush: Brush, middle: float) -> None:
    cloth = brush.pick(_TROUSERS)
    stride = 0.03 if brush.other else brush.between(0.02, 0.15)
    for side in (-1, 1):
        knee = (middle + side * (0.045 + stride * 0.45), 0.73)
        foot = (middle + side * (0.042 + stride * 0.8), 0.95)
        brush.line([(middle + side * 0.048, 0.52), knee, foot], 0.09, cloth)
        brush.oval(foot[0] + 0.015, 0.965, 0.055, 0.03, TYRE)


def _arms(brush: Brush, middle: float, broad: float, skin: Colour) -> None:
    sleeve = brush.ink.main if "vest" in brush.traits else brush.ink.dark
    for side in (-1, 1):
        shoulder = (middle + side * (broad - 0.015), 0.235)
        if brush.chance(0.2):
            elbow, hand = (middle + side * 0.185, 0.31), (middle + side * 0.18, 0.16)
        else:
            swing = brush.between(0.0, 0.05)
            elbow, hand = (middle + side * (0.135 + swing), 0.37), (middle + side * (0.145 + swing * 0.7), 0.52)
        brush.disc(hand[0], hand[1], 0.034, skin)
        brush.line([shoulder, elbow, _between(elbow, hand, 0.8)], 0.075, sleeve)


def _akimbo(brush: Brush, middle: float, broad: float, skin: Colour) -> None:
    for side in (-1, 1):
        elbow, hand = (middle + side * 0.19, 0.37), (middle + side * 0.1, 0.47)
        brush.disc(hand[0], hand[1], 0.034, skin)
        brush.line([(middle + side * (broad - 0.02), 0.24), elbow, _between(elbow, hand, 0.8)], 0.07, brush.ink.dark)


def _between(first: Point, second: Point, share: float) -> Point:
    return first[0] + (second[0] - first[0]) * share, first[1] + (second[1] - first[1]) * share


def _torso(brush: Brush, middle: float, broad: float, hem: float) -> None:
    ink = brush.ink
    flare = 0.03 if brush.other else -0.005
    brush.poly(
        [(middle - broad, 0.23), (middle - broad + 0.02, 0.2), (middle - 0.04, 0.18), (middle + 0.04, 0.18),
         (middle + broad - 0.02, 0.2), (middle + broad, 0.23), (middle + broad + flare, hem),
         (middle - broad - flare, hem)],
        ink.main,
    )  # fmt: skip
    style = brush.between(0, 1)
    if style < 0.4:  # a zip
        brush.line([(middle, 0.19), (middle, hem - 0.01)], 0.012, ink.dark)
    elif style < 0.6:  # a print
        brush.disc(middle, 0.34, 0.04, ink.light)
    elif style < 0.75:  # pockets
        for side in (-1, 1):
            brush.rect(middle + side * 0.055 - 0.03, 0.44, middle + side * 0.055 + 0.03, 0.47, ink.dark)
    if brush.chance(0.6):
        brush.rect(middle - broad - flare, hem - 0.02, middle + broad + flare, hem + 0.01, ink.dark)


def _vest(brush: Brush, middle: float, broad: float, hem: float) -> None:
    colour = brush.pick_unlike(_HI_VIS)
    half = broad - 0.022
    for side in (-1, 1):
        inner, outer = middle + side * 0.008, middle + side * half
        brush.poly(
            [(middle + side * 0.035, 0.185), (outer - side * 0.01, 0.2), (outer, 0.25), (outer, hem), (inner, hem),
             (inner, 0.29)],
            colour,
        )  # fmt: skip
        brush.line([(middle + side * 0.062, 0.2), (middle + side * 0.062, hem - 0.02)], 0.026, _REFLECTING)
    for y in (0.37, 0.45) if brush.chance(0.7) else (0.42,):
        brush.rect(middle - half, y, middle + half, y + 0.032, _REFLECTING)


def _pack(brush: Brush, middle: float, side: int, colour: Colour) -> None:
    """The bag behind the body: its side and its top stick out."""
    x1, x2 = sorted((middle - side * 0.06, middle + side * 0.215))
    brush.rect(x1, 0.15, x2, 0.5, colour, 0.055)
    x1, x2 = sorted((middle + side * 0.13, middle + side * 0.225))
    brush.rect(x1, 0.33, x2, 0.48, _shade(colour), 0.03)


def _shade(colour: Colour) -> Colour:
    return mix(colour, (0, 0, 0), 0.3)


def _straps(brush: Brush, middle: float, side: int, colour: Colour) -> None:
    for x in (-1, 1):
        top, low = (middle + x * 0.06, 0.185), (middle + x * 0.075, 0.42)
        brush.line([top, (middle + x * 0.07, 0.3), low], 0.03, _shade(colour))


def _head(brush: Brush, middle: float, skin: Colour) -> None:
    hair = brush.pick(_HAIR)
    y = 0.1
    away = brush.chance(0.15)  # seen from behind: no face
    hooded = "helmet" not in brush.traits and brush.chance(0.12)
    long_hair = not hooded and brush.chance(0.3)
    if hooded:
        brush.oval(middle, y, 0.095, 0.1, brush.ink.dark)
    if long_hair:
        brush.rect(middle - 0.082, y - 0.05, middle + 0.082, y + 0.1, hair, 0.04)
    brush.rect(middle - 0.03, 0.14, middle + 0.03, 0.195, skin)
    brush.oval(middle, y, 0.07, 0.082, hair if away else skin)
    if not away:
        look = brush.between(-0.02, 0.02)
        for side in (-1, 1):
            brush.disc(middle + look + side * 0.026, y + 0.012, 0.009, _EYE)
        smile = [(middle + look + 0.018 * x, y + 0.048 - 0.009 * x * x) for x in (-1, 0, 1)]
        brush.line(smile, 0.007, mix(skin, (50, 50, 110), 0.5))
    if "helmet" in brush.traits:
        _helmet(brush, middle)
    elif not hooded:
        _top(brush, middle, hair)


def _helmet(brush: Brush, middle: float) -> None:
    """A hard hat: a high dome with a ridge and a brim on both sides."""
    colour = brush.pick_unlike(_HATS)
    edge = _shade(colour)
    brush.poly(
        [(middle - 0.085, 0.085), (middle - 0.08, 0.045), (middle - 0.05, 0.01), (middle, 0.0), (middle + 0.05, 0.01),
         (middle + 0.08, 0.045), (middle + 0.085, 0.085)],
        colour,
    )  # fmt: skip
    brush.line([(middle, 0.01), (middle, 0.07)], 0.03, edge if brush.other else _tint(colour))
    longer = brush.between(0.0, 0.03)
    brush.line([(middle - 0.1, 0.088), (middle + 0.1 + longer, 0.088)], 0.03, colour)
    brush.line([(middle - 0.09, 0.1), (middle + 0.09, 0.1)], 0.01, edge)


def _tint(colour: Colour) -> Colour:
    return mix(colour, (255, 255, 255), 0.45)


def _top(brush: Brush, middle: float, hair: Colour) -> None:
    """Hair, a cap with a peak, or a woollen hat."""
    style = brush.between(0, 1)
    colour = brush.pick_unlike(_CAPS)
    cap = [(middle - 0.074, 0.085), (middle - 0.07, 0.04), (middle - 0.03, 0.012), (middle + 0.03, 0.012),
           (middle + 0.07, 0.04), (middle + 0.074, 0.085)]  # fmt: skip
    if style < 0.14:
        brush.poly(cap, colour)
        brush.poly([(middle, 0.065), (middle + 0.13, 0.085), (middle + 0.12, 0.1), (middle, 0.088)], _shade(colour))
    elif style < 0.26:
        brush.poly(cap, colour)
        brush.rect(middle - 0.078, 0.062, middle + 0.078, 0.092, _shade(colour))
        brush.disc(middle, 0.012, 0.02, _shade(colour))
    elif style < 0.32:  # bald
        brush.oval(middle - 0.02, 0.05, 0.02, 0.012, (215, 225, 240))
    elif style < 0.65:
        brush.poly([*cap[1:5], (middle + 0.072, 0.095), (middle + 0.04, 0.06), (middle - 0.05, 0.055),
                    (middle - 0.074, 0.1)], hair)  # fmt: skip
    else:
        brush.oval(middle - 0.005, 0.048, 0.074, 0.044, hair)
        if brush.chance(0.25):
            brush.disc(middle, 0.014, 0.034, hair)
