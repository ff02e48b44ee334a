"""Kinds of object that no training scene shows and no phrase names: what teaching from examples is measured with.

Never add them to `kinds.KINDS`: a tower that was trained on them could not be measured with them.
"""

import numpy as np

from regionclip.scenes.kinds.known import Kind
from regionclip.scenes.painting.painter import METAL, STEEL, WOOD, Brush, Point


def windmill(brush: Brush) -> None:
    """A tapered tower with a cap and four sails at any angle; wide 0.8."""
    ink = brush.ink
    brush.poly([(0.3, 0.36), (0.5, 0.36), (0.6, 0.98), (0.2, 0.98)], ink.main)
    brush.poly([(0.27, 0.38), (0.4, 0.24), (0.53, 0.38)], ink.dark)
    brush.rect(0.35, 0.8, 0.45, 0.98, STEEL)
    brush.rect(0.37, 0.52, 0.43, 0.6, ink.light)
    hub = (0.4, 0.36)
    first = brush.between(0, np.pi / 2)
    for turn in first + np.arange(4) * np.pi / 2:
        along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
        tip = hub + 0.35 * along
        brush.line([hub, _point(tip)], 0.025, WOOD)
        near, far = hub + 0.09 * along, tip
        brush.poly([_point(near), _point(far), _point(far + 0.1 * across), _point(near + 0.1 * across)], ink.light)
    brush.disc(*hub, 0.035, STEEL)


def trophy(brush: Brush) -> None:
    """A star on a slim stem over a stepped base; wide 0.72."""
    ink = brush.ink
    middle, tilt = 0.36, brush.between(-0.12, 0.12)
    angles = tilt - np.pi / 2 + np.arange(10) * np.pi / 5
    radii = np.where(np.arange(10) % 2 == 0, 0.34, 0.34 * brush.between(0.38, 0.5))
    star = [(middle + r * np.cos(a), 0.36 + r * np.sin(a)) for a, r in zip(angles, radii, strict=True)]
    brush.line([(middle, 0.5), (middle, 0.86)], brush.between(0.05, 0.08), METAL)
    brush.poly(star, ink.main)
    brush.disc(middle, 0.36, 0.1, ink.light)
    brush.rect(0.2, 0.8, 0.52, 0.88, ink.dark, 0.02)
    brush.rect(0.1, 0.87, 0.62, 0.98, WOOD if brush.chance(0.5) else STEEL)


def mug_tree(brush: Brush) -> None:
    """A wooden stand with arms from which small mugs hang; wide 0.9."""
    ink = brush.ink
    brush.oval(0.45, 0.94, 0.26, 0.05, WOOD)
    brush.line([(0.45, 0.05), (0.45, 0.93)], 0.05, WOOD)
    for y in (0.14, 0.44):
        for side in (-1.0, 1.0):
            end = (0.45 + side * 0.26, y - 0.06)
            brush.line([(0.45, y + 0.04), end], 0.035, WOOD)
            x = end[0] + side * 0.02
            brush.ring(x, y + 0.02, 0.07, 0.025, ink.dark)
            brush.poly([(x - 0.1, y + 0.06), (x + 0.1, y + 0.06), (x + 0.08, y + 0.27), (x - 0.08, y + 0.27)], ink.main)
            brush.oval(x, y + 0.07, 0.1, 0.025, ink.light)


def _point(at: np.ndarray[tuple[int], np.dtype[np.float64]]) -> Point:
    return float(at[0]), float(at[1])


NOVEL: dict[str, Kind] = {
    "windmill": Kind(windmill, 0.8),
    "trophy": Kind(trophy, 0.72),
    "mug tree": Kind(mug_tree, 0.9),
}
"""Name to kind."""
