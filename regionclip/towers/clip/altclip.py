"""AltCLIP and its children of 9 and 18 languages: CLIP with an XLM-RoBERTa (https://arxiv.org/abs/2211.06679)."""

from typing import ClassVar, Final

from transformers import AltCLIPModel

from regionclip.towers.clip.text import Marks
from regionclip.towers.clip.tower import ClipTower

_CODES: Final = {
    "m18": "en zh ja th ko hi uk ar tr vi pl nl pt it es de fr ru",
    "m9": "en zh es fr ru ja ko ar it",
}
"""Languages by what stands in the name: nothing else tells AltCLIP from AltCLIP-m9."""


class AltCLIPTower(ClipTower):
    """AltCLIP, AltCLIP-m9 or AltCLIP-m18."""

    native = AltCLIPModel
    # The layout of the files, which `save_pretrained` keeps, is older than the class.
    renamed: ClassVar[tuple[str, str]] = (".encoder.layer.", ".encoder.layers.")
    marks: ClassVar[Marks] = Marks("<s>", "</s>", "<pad>")
    length: ClassVar[int] = 77  # of CLIP, whose text side it was taught by
    licence: ClassVar[str] = "CreativeML OpenRAIL-M"
    languages: ClassVar[tuple[str, ...]] = ("en", "zh")
    notice: ClassVar[str] = (
        "these weights are under the CreativeML OpenRAIL-M licence, which forbids some uses (its attachment A) and "
        "must be passed on with them"
    )

    @classmethod
    def languages_of(cls, name: str) -> tuple[str, ...]:
        """Two, or the 9 or 18 that the name promises."""
        return next((tuple(codes.split()) for part, codes in _CODES.items() if part in name.lower()), cls.languages)
