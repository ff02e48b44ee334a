"""Labelled boxes, zones, trails and banners on a frame, Chinese included (docs/drawing.md).

Names are resolved when first used: who only needs to know what a colour is does not wait for OpenCV.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regionclip.drawing.labels import label_texts as label_texts
    from regionclip.drawing.overlays import ZoneShape as ZoneShape
    from regionclip.drawing.picture import annotate as annotate
    from regionclip.drawing.picture import draw_banner as draw_banner
    from regionclip.drawing.picture import draw_legend as draw_legend
    from regionclip.drawing.picture import draw_zones as draw_zones
    from regionclip.drawing.privacy import blur as blur
    from regionclip.drawing.style import Style as Style
    from regionclip.drawing.trails import Trails as Trails

_HOME = {
    "Style": "style",
    "Trails": "trails",
    "ZoneShape": "overlays",
    "annotate": "picture",
    "blur": "privacy",
    "draw_banner": "picture",
    "draw_legend": "picture",
    "draw_zones": "picture",
    "label_texts": "labels",
}

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module regionclip.drawing has no attribute {name!r}")
    return getattr(import_module(f"regionclip.drawing.{_HOME[name]}"), name)
