"""AltCLIP and its children of 9 and 18 languages: CLIP with an XLM-RoBERTa (https://arxiv.org/abs/2211.06679)."""

from typing import ClassVar

from transformers import AltCLIPModel

from regionclip.towers.card import FACTS, TowerFacts
from regionclip.towers.clip.text import Marks
from regionclip.towers.clip.tower import ClipTower


class AltCLIPTower(ClipTower):
    """AltCLIP, AltCLIP-m9 or AltCLIP-m18: nothing but the name tells the first from the second."""

    facts: ClassVar[TowerFacts] = FACTS["altclip"]
    native = AltCLIPModel
    # The layout of the files, which `save_pretrained` keeps, is older than the class.
    renamed: ClassVar[tuple[str, str]] = (".encoder.layer.", ".encoder.layers.")
    marks: ClassVar[Marks] = Marks("<s>", "</s>", "<pad>")
    length: ClassVar[int] = 77  # of CLIP, whose text side it was taught by
