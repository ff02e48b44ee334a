"""AltCLIP and its children of 9 and 18 languages: CLIP with an XLM-RoBERTa (https://arxiv.org/abs/2211.06679)."""

from typing import ClassVar

from transformers import AltCLIPModel

from regionclip.towers.card import FACTS
from regionclip.towers.clip.tower import PIXELS, ClipTower
from regionclip.towers.crops import Natives


class AltCLIPTower(ClipTower):
    """AltCLIP, AltCLIP-m9 or AltCLIP-m18: nothing but the name tells the first from the second."""

    facts = FACTS["altclip"]
    natives: ClassVar[Natives] = {"altclip": (AltCLIPModel, PIXELS)}
    # The layout of the files, which `save_pretrained` keeps, is older than the class.
    renamed = (".encoder.layer.", ".encoder.layers.")
    marks = ("<s>", "</s>", "<pad>")
    length = 77  # of CLIP, whose text side it was taught by
