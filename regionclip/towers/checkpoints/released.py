"""What is known of released weights, so that a copy on a user's machine can be told to be one of them."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class RegionResult:
    """A published answer: how far apart two boxes of one picture are for one region phrase.

    Attributes:
        size: of the picture, `(H, W)` in pixels.
        boxes: xyxy in pixels.
        gap: cosine of the second box less that of the first.
        budgets: patch budgets that it may have been made with.
    """

    picture: str
    size: tuple[int, int]
    boxes: tuple[tuple[float, float, float, float], tuple[float, float, float, float]]
    phrase: str
    gap: float
    budgets: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Release:
    """`model_type` of config.json and width of the embeddings; of weights that were looked into more.

    That is the commit on the hub, the sha256 of the file, the tensors in it and the parameters in these.
    """

    model_type: str
    width: int
    commit: str = ""
    sha256: str = ""
    tensors: int = 0
    parameters: int = 0
    result: RegionResult | None = None


RELEASES: Final = {
    "fgclip2-base": Release(
        "fgclip2",
        768,
        commit="430fbc8a912c86fd4de601381b6245a0edab22f0",
        sha256="5328bf1538afb4b7f4aa844f749655285d0d79490f31a25aeefc5603d9b173fe",
        tensors=425,
        parameters=383_803_394,
        # Published as softmax over the boxes of 100 * cosine: 2.0169e-05 and 9.9998e-01, so the gap is
        # ln(1 / 2.0169e-05 - 1) / 100; read in a test of a fork of transformers. The patch budget is not stated:
        # 256 is the processor's own, 1024 the dynamic one.
        result=RegionResult(
            picture="COCO val2017 000000039769",
            size=(480, 640),
            boxes=((345, 27, 640, 372), (41, 74, 177, 118)),
            phrase="remote control",
            gap=0.10811,
            budgets=(256, 1024),
        ),
    ),
    "fgclip2-large": Release("fgclip2", 1024),
    "fgclip2-so400m": Release("fgclip2", 1152),
    "siglip2-base": Release("siglip", 768),
    "siglip2-base-naflex": Release("siglip2", 768),
    "siglip2-so400m": Release("siglip", 1152),
    "siglip2-so400m-naflex": Release("siglip2", 1152),
    "chinese-clip-base": Release("chinese_clip", 512),
    "chinese-clip-large": Release("chinese_clip", 768),
    "altclip": Release("altclip", 768),
    "altclip-m9": Release("altclip", 768),
    "altclip-m18": Release("altclip", 1024),
    "metaclip2-huge": Release("metaclip_2", 1024),
    "tipsv2-base": Release("tipsv2", 768),
}
"""By the names of shipped configs."""
