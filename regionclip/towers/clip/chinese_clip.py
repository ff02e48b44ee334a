"""Chinese-CLIP: a CLIP whose text side is a Chinese RoBERTa (https://arxiv.org/abs/2211.01335)."""

from typing import ClassVar

from transformers import ChineseCLIPModel

from regionclip.towers.card import FACTS
from regionclip.towers.clip.tower import PIXELS, ClipTower
from regionclip.towers.crops import Natives


class ChineseCLIPTower(ClipTower):
    """Chinese-CLIP of any size on a ViT."""

    facts = FACTS["chinese_clip"]
    natives: ClassVar[Natives] = {"chinese_clip": (ChineseCLIPModel, PIXELS)}
    marks = ("[CLS]", "[SEP]", "[PAD]")
    length = 52  # of the training (github.com/OFA-Sys/Chinese-CLIP, cn_clip/clip/utils.py)
