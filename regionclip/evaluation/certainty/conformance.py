"""What every tower promises, in checks that need no second implementation: the tests and `regionclip doctor` run them.

A check takes a tower of any weights and gives what it finds wrong, a line each.

Letters: N boxes, P phrases, D channels, h x w feature grid.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch

from regionclip.towers.base import Frame, ImageFeatures, Target, Tower

BOXES: Final = np.array([[0, 0, 30, 20], [5, 2, 60, 13], [3, 3, 3, 9], [np.nan, 0, 9, 9]], np.float32)
"""Two that can be pooled, one without area, one that is not finite."""

PHRASES: Final = ("a red dog", "红色的车", "x", "the person in a black car", "Label 7")
TARGETS: Final[tuple[Target, ...]] = ("region", "image")

_SIZES: Final = ((90, 160), (90, 160), (200, 61), (14, 300), (1, 1))
_SAID: Final = {"en": "a red dog", "zh": "红色的车", "ru": "красная собака", "ar": "كلب أحمر", "fr": "un chien rouge"}
_FINGERPRINT: Final = re.compile("sha256:[0-9a-f]{16}|[0-9a-f]{40}")

Check = Callable[[Tower], Iterator[str]]


@dataclass(frozen=True, slots=True)
class SelfCheck:
    """One finding; `passed` is None where nothing could be checked, and `detail` says why."""

    name: str
    passed: bool | None
    detail: str = ""


def conformance(tower: Tower) -> list[SelfCheck]:
    """All checks of a tower, in its region mode; boxes of `crop` mode cost a pass each, about 90 in all."""
    found = {name: "; ".join(check(tower)) for name, check in CHECKS.items()}
    return [SelfCheck(name, not faults, faults) for name, faults in found.items()]


def sample_frames() -> list[Frame]:
    """Noise; the first two frames have one grid, no other two have."""
    source = np.random.default_rng(7)
    return [source.integers(0, 256, (*size, 3), dtype=np.uint8) for size in _SIZES]


def card(tower: Tower) -> Iterator[str]:
    """The card is filled in, with what can be."""
    card = tower.card
    holds = {
        "name": bool(card.name),
        "licence": bool(card.licence),
        "text": card.text.endswith("."),
        "languages": len(set(card.languages)) == len(card.languages) >= 1
        and all(2 <= len(code) <= 3 and code.islower() for code in card.languages),
        "revision": bool(_FINGERPRINT.fullmatch(card.revision)),
        "budgets": list(card.budgets) == sorted(card.budgets),
        "threshold": 0 < card.threshold <= 1,
        "region_score": card.region_score.scale > 1,
        "negatives": card.region_score.bias is not None or bool(card.negatives),  # something to be weighed against
    }
    yield from (f"{name} of the card: {getattr(card, name)!r}" for name, right in holds.items() if not right)


def nothing(tower: Tower) -> Iterator[str]:
    """No frames, phrases and boxes give empty answers, and the tower does not run."""
    width, features = tower.card.width, tower.encode_image(sample_frames())[0]
    empty = [tower.encode_text([], "region"), *features.pool(np.zeros((0, 4), np.float32))]
    rows = [tuple(part.shape) for part in empty]
    if tower.encode_image([]) != [] or rows != [(0, width), (0, width), (0,)]:
        yield f"expected empty phrases, embeddings and flags of width {width}, got {rows}"
    if features.passes:
        yield f"{features.passes} passes without a box"


def shapes(tower: Tower) -> Iterator[str]:
    """Features are finite, of the shapes and lengths that the card and the grid say."""
    width = tower.card.width
    for features in tower.encode_image(sample_frames()):
        h, w = features.grid
        parts = _parts(features)
        lengths = {"embedding": torch.ones(()), "regions": parts["valid"]}
        expected = {"embedding": (width,), "regions": (len(BOXES), width), "valid": (len(BOXES),)}
        expected |= {"tokens": (h * w, tower.card.head_width or parts["tokens"].shape[1]), "dense": (h * w, width)}
        wrong = [
            name
            for name, part in parts.items()
            if part.dtype != torch.float32
            or tuple(part.shape) != expected[name]
            or not part.isfinite().all()
            or (name in lengths and not _near(tower, part.norm(dim=-1), lengths[name]))
        ]
        if features.tokens.untyped_storage().nbytes() != features.tokens.nbytes:
            wrong.append("memory: tokens are a view of the whole batch")
        if parts["valid"].tolist() != [1.0, float(min(features.frame_size) > 5), 0.0, 0.0]:
            wrong.append(f"valid boxes, {parts['valid'].tolist()},")
        yield from (f"{name} of {features}" for name in wrong)


def frames_together(tower: Tower) -> Iterator[str]:
    """Frames encoded together, padded where the tower pads, give what each gives alone."""
    frames = sample_frames()
    for frame, batched in zip(frames, tower.encode_image(frames), strict=True):
        alone = tower.encode_image([frame])[0]
        if batched.grid != alone.grid:
            yield f"grid {batched.grid} in a batch, {alone.grid} alone"
            continue
        expected = _parts(alone)
        for name, part in _parts(batched).items():
            if not _near(tower, part, expected[name]):
                gap = float((part - expected[name]).abs().max())
                yield f"{name} of {batched} differ by up to {gap:.1g} from those of the frame alone"


def same_bits(tower: Tower) -> Iterator[str]:
    """A box has the same bits among others and again."""
    frame = sample_frames()[0]
    among, _ = tower.encode_image([frame])[0].pool(BOXES)  # (N, D)
    for box, expected in zip(BOXES, among, strict=True):
        if not _same(tower, tower.encode_image([frame])[0].pool(box[None])[0][0], expected):
            yield f"box {box.tolist()} alone is not what it is among others"


def position(tower: Tower, size: tuple[int, int] = (120, 360), places: Sequence[int] = (0, 5, 7)) -> Iterator[str]:
    """Of nine boxes that do not touch, the one whose content changed changes most, whichever it is.

    Holds for trained weights; random attention looks anywhere.

    Args:
        tower: to check.
        size: `(H, W)` of the frame in pixels; not square, so that swapped axes show.
        places: of the boxes that a bright patch is planted in, one after the other.
    """
    height, width = size
    side = [(share, share + 0.2) for share in (0.0, 0.4, 0.8)]
    corners = [(x1 * width, y1 * height, x2 * width, y2 * height) for y1, y2 in side for x1, x2 in side]
    boxes = np.round(corners).astype(np.float32)  # (9, 4)
    plain = np.asarray(110 + np.random.default_rng(0).integers(-6, 7, (*size, 3)), np.uint8)
    before, _ = tower.encode_image([plain])[0].pool(boxes)  # (9, D)
    for place in places:
        frame = plain.copy()
        x1, y1, x2, y2 = boxes[place].astype(int)
        frame[y1:y2, x1:x2] = (40, 220, 250)
        after, _ = tower.encode_image([frame])[0].pool(boxes)  # (9, D)
        if (found := int((after - before).norm(dim=1).argmax())) != place:
            yield f"a patch at {boxes[place].tolist()} of {width}x{height} changes {boxes[found].tolist()} most"


def phrases(tower: Tower) -> Iterator[str]:
    """A phrase has the same bits in any list, unit length, and is unlike others."""
    rows = {target: tower.encode_text(PHRASES, target) for target in TARGETS}  # (P, D) each
    for target, encoded in rows.items():
        if encoded.dtype != torch.float32 or not _near(tower, encoded.norm(dim=1), torch.ones(len(PHRASES))):
            yield f"{target} phrases: expected float32 of unit length"
        alone = torch.cat([tower.encode_text([phrase], target) for phrase in PHRASES])
        if not (_same(tower, alone, encoded) and _same(tower, tower.encode_text(PHRASES[::-1], target).flip(0), alone)):
            yield f"{target} phrases depend on their company"
        if _likest(encoded) > 0.999:
            yield f"two {target} phrases are one"
    if torch.equal(rows["region"], rows["image"]) != (tower.card.region_mode != "dense"):
        yield "expected a text head of their own for regions in dense mode, and there only"


def languages(tower: Tower) -> Iterator[str]:
    """What its languages say can be told apart."""
    said = [text for language, text in _SAID.items() if language in tower.card.languages]
    if not said or not _likest(tower.encode_text(said, "region")) < 0.9999:
        yield f"{', '.join(said)}: expected to be told apart"


def padding(tower: Tower) -> Iterator[str]:
    """Tokens are counted honestly; too long a text is cut before its end token, and what is cut off is not read."""
    long = "红" * 300
    for target in TARGETS:
        for phrase in (*PHRASES, long):
            needed, read = tower.count_tokens(phrase, target)
            if len(tower.token_ids(phrase, target)) != read or read > needed or (phrase == long and read == needed):
                yield f"{phrase[:20]!r} for a {target}: {read} of {needed} tokens"
        has_end = tower.count_tokens("", target)[0] > 0
        if has_end and tower.token_ids(long, target)[-1] != tower.token_ids("x", target)[-1]:
            yield f"a long text for a {target} has no end token"
        if not torch.equal(*tower.encode_text([long, long + "色"], target)):
            yield f"what is cut off a text for a {target} is read"


CHECKS: Final[dict[str, Check]] = {
    check.__name__.replace("_", " "): check
    for check in (card, nothing, shapes, frames_together, same_bits, position, phrases, languages, padding)
}
"""By the name that `doctor` and the conformance table print."""


def _parts(features: ImageFeatures) -> dict[str, torch.Tensor]:
    """All that is computed of a frame, in float32; dense features where there are any."""
    regions, valid = features.pool(BOXES)  # (N, D), (N,)
    parts = {"tokens": features.tokens, "embedding": features.embedding, "regions": regions, "valid": valid.float()}
    return parts if features.card.region_mode == "crop" else parts | {"dense": features.dense}


def _near(tower: Tower, found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Equal but for the order of sums, in units of the largest value where that is above 1."""
    tolerance = 2e-4 if tower.placement.endswith("float32") else 0.05
    return torch.allclose(found, expected, atol=tolerance * max(1.0, float(expected.abs().max())), rtol=0)


def _same(tower: Tower, found: torch.Tensor, expected: torch.Tensor) -> bool:
    """Bit for bit, which is promised on a CPU; graphics cards choose their kernels by the number of rows."""
    return torch.equal(found, expected) if tower.placement.startswith("cpu") else _near(tower, found, expected)


def _likest(rows: torch.Tensor) -> float:
    """The largest cosine of two rows `(P, D)` of unit length; NaN is 1."""
    return float((rows @ rows.T).fill_diagonal_(-1).nan_to_num(1.0).max())
