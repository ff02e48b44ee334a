"""TowerCard: what one needs to know of a tower to use its numbers rightly."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import TYPE_CHECKING, Final, Literal

from regionclip.config import RegionMode

if TYPE_CHECKING:
    from regionclip.towers.domain import Domain

BACKGROUND: Final[dict[str, tuple[str, ...]]] = {
    language: tuple(phrases)
    for language, phrases in tomllib.loads((files(__package__) / "background.toml").read_text("utf-8")).items()
}
"""Background phrases by language, for what is there when nothing asked for is.

Without a trained region bias there is no zero: a softmax always names something. So labels are weighed against these,
which name surfaces, sky, blur and parts of things, and no object that someone may look for.
"""


def background(languages: Collection[str]) -> tuple[str, ...]:
    """The background phrases that are in these languages."""
    return tuple(phrase for language, own in BACKGROUND.items() if language in languages for phrase in own)


@dataclass(frozen=True, slots=True)
class Score:
    """How a cosine becomes a logit: `z = scale * cosine + bias`.

    Attributes:
        scale: factor on the cosine (already exponentiated).
        bias: trained bias, or None where the tower has none: then scores need negatives to be weighed against.
    """

    scale: float
    bias: float | None


@dataclass(frozen=True, slots=True)
class TowerCard:
    """What is fixed about a tower once its weights are read.

    Attributes:
        name: the name `load` knows it by.
        revision: fingerprint of the weights: hub commit, else `sha256:` and the first 16 hex digits.
        licence: licence of the weights.
        languages: what the text side reads, as ISO codes.
        region_mode: `crop` encodes enlarged crops; all others pool from the feature grid (`Config.region_mode`).
        width: channels D of the embeddings.
        text: one sentence on how text is prepared.
        region_score: cosine of region and phrase to logit.
        image_score: cosine of whole image and phrase to logit.
        threshold: default threshold of region scores, 0..1.
        patch: side of a patch in pixels of the resized frame.
        budgets: patch budgets that are offered (most patches a frame is cut into), ascending.
        budget: `dynamic` (by frame size) or the fixed number in force.
        negatives: background phrases in its languages (`background`), that region labels are weighed against.
        notice: what a user of these weights must know, or an empty string.
        domain: which frames the tower can say anything of, or None where nobody has measured it.
    """

    name: str
    revision: str
    licence: str
    languages: tuple[str, ...]
    region_mode: RegionMode
    width: int
    text: str
    region_score: Score
    image_score: Score
    threshold: float
    patch: int
    budgets: tuple[int, ...]
    budget: int | Literal["dynamic"]
    negatives: tuple[str, ...] = ()
    notice: str = ""
    domain: "Domain | None" = field(default=None, compare=False, repr=False)

    @property
    def head_width(self) -> int | None:
        """Channels of the tokens that a learned head reads; None of towers that none can be learned on."""
        return self.width if self.region_mode == "dense" else None

    def score(self, target: Literal["region", "image"]) -> Score:
        """How a cosine with an embedding of `target` becomes a logit."""
        return self.region_score if target == "region" else self.image_score


@dataclass(frozen=True, slots=True)
class TowerFacts:
    """What is known of all weights of one tower without reading any.

    Attributes:
        licence: of the weights.
        languages: what the text side reads, as ISO codes, parted by spaces.
        modes: region modes that it knows, its default first.
        notice: what a user must know, or an empty string.
        more: other languages of those weights whose name holds such a part.
    """

    licence: str
    languages: str
    modes: tuple[RegionMode, ...]
    notice: str = ""
    more: Mapping[str, str] = field(default_factory=dict)

    def languages_of(self, name: str) -> tuple[str, ...]:
        """Languages of the weights of this name."""
        found = (codes for part, codes in self.more.items() if part in name.lower())
        return tuple(next(found, self.languages).split())


# Those of Crossmodal-3600 (arXiv 2205.12522), in which authors measure towers that were trained with more.
_CROSSMODAL: Final = (
    "en zh ar bn cs da de el es fa fi fil fr he hi hr hu id it ja ko mi nl no pl pt quz ro ru sv sw te th tr uk vi"
)
_OF_CLIP: Final[tuple[RegionMode, ...]] = ("crop", "maskclip", "sclip", "naclip")

FACTS: Final = {
    "tiny": TowerFacts("Apache-2.0", "en zh", ("dense",)),
    "fgclip2": TowerFacts("Apache-2.0", "en zh", ("dense",)),
    "siglip2": TowerFacts("Apache-2.0", _CROSSMODAL, ("crop", "dense-approx")),
    "chinese_clip": TowerFacts("MIT", "zh", _OF_CLIP),
    "altclip": TowerFacts(
        "CreativeML OpenRAIL-M",
        "en zh",
        _OF_CLIP,
        notice="these weights are under the CreativeML OpenRAIL-M licence, which forbids some uses (its attachment A) "
        "and must be passed on with them",
        more={
            "m18": "en zh ja th ko hi uk ar tr vi pl nl pt it es de fr ru",
            "m9": "en zh es fr ru ja ko ar it",
        },
    ),
    "tipsv2": TowerFacts("Apache-2.0", "en", ("crop", "maskclip")),
    "metaclip_2": TowerFacts(
        "CC-BY-NC-4.0",
        _CROSSMODAL,
        _OF_CLIP,
        notice="these weights are under the CC-BY-NC-4.0 licence, which forbids commercial use",
    ),
}
"""By the keys of `regionclip.loading.TOWERS`."""
