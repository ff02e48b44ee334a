"""Labelled boxes, zones, trails and banners on a frame, Chinese included (docs/drawing.md)."""

from regionclip.drawing.labels import label_texts
from regionclip.drawing.overlays import ZoneShape
from regionclip.drawing.picture import annotate, draw_banner, draw_legend, draw_zones
from regionclip.drawing.privacy import blur
from regionclip.drawing.style import Style
from regionclip.drawing.trails import Trails

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
