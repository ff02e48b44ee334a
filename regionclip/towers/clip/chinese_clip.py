"""Chinese-CLIP: a CLIP whose text side is a Chinese RoBERTa (https://arxiv.org/abs/2211.01335)."""

from typing import ClassVar

from transformers import ChineseCLIPModel

from regionclip.towers.card import FACTS, TowerFacts
from regionclip.towers.clip.text import Marks
from regionclip.towers.clip.tower import ClipTower


class ChineseCLIPTower(ClipTower):
    """Chinese-CLIP of any size on a ViT."""

    facts: ClassVar[TowerFacts] = FACTS["chinese_clip"]
    native = ChineseCLIPModel
    marks: ClassVar[Marks] = Marks("[CLS]", "[SEP]", "[PAD]")
    length: ClassVar[int] = 52  # of the training (github.com/OFA-Sys/Chinese-CLIP, cn_clip/clip/utils.py)
