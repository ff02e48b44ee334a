"""Labelled boxes, zones, trails and banners on a frame, Chinese included (docs/drawing.md).

Names are resolved when first used: who only needs to know what a colour is does not wait for OpenCV.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regionclip.drawing.labels import label_texts
    from regionclip.drawing.overlays import ZoneShape
    from regionclip.drawing.picture import annotate, draw_banner, draw_legend, draw_zones
    from regionclip.drawing.privacy import blur
    from regionclip.drawing.style import Style
    from regionclip.drawing.trails import Trails

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

__all__ = [
    "Style",
    "Trails",
    "ZoneShape",
    "annotate",
    "blur",
    "draw_banner",
    "draw_legend",
    "draw_zones",
    "label_texts",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module regionclip.drawing has no attribute {name!r}")
    return getattr(import_module(f"regionclip.drawing.{_HOME[name]}"), name)
