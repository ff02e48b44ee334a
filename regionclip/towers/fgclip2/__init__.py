"""FG-CLIP 2, the default production tower. https://github.com/360CVGroup/FG-CLIP."""

from regionclip.towers.fgclip2.config import FGCLIP2Config
from regionclip.towers.fgclip2.model import FGCLIP2Model
from regionclip.towers.fgclip2.tower import FGCLIP2Tower

__all__ = ["FGCLIP2Config", "FGCLIP2Model", "FGCLIP2Tower"]
