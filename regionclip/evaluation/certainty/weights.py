"""Are the weights in memory those of the file, and is the file a release that is known?"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import few
from regionclip.evaluation.certainty.conformance import SelfCheck
from regionclip.frames import Frame
from regionclip.towers.base import Tower
from regionclip.towers.checkpoints.hub import CONFIG, TINY_WEIGHTS, locate
from regionclip.towers.checkpoints.loading import read_json, read_tensors, weights_digest
from regionclip.towers.checkpoints.released import RELEASES, RegionResult
from regionclip.towers.crops import CropTower
from regionclip.towers.trunk import TrunkTower

_TOLERANCES: Final = {"float32": 0.002, "bfloat16": 0.02, "float16": 0.01}
"""How far the gap of two cosines may be from a published one: kernels and versions of libraries round differently, and
the number formats far more. Chosen, not measured: no released weights were at hand."""


def weight_checks(detector: Detector, frame: Frame | None = None) -> list[SelfCheck]:
    """Count the tensors, name the revision, compare memory and file, repeat a published answer.

    Args:
        detector: with a tower as `load` makes it.
        frame: the picture of that answer, `(H, W, 3)` uint8 BGR; None where it is not at hand.
    """
    tower, config = detector.tower, detector.config
    assert isinstance(tower, TrunkTower)
    folder = locate(config.weights or TINY_WEIGHTS, revision=config.revision).folder
    kind = read_json(folder / CONFIG).get("model_type"), tower.card.width
    name = next((name for name, each in RELEASES.items() if each.tensors and kind == (each.model_type, each.width)), "")
    return [
        _count(tower, name),
        _revision(config, weights_digest(folder)),
        _equal(tower, folder),
        region_result(tower, RELEASES[name].result if name else None, frame),
    ]


def _count(tower: TrunkTower[Any], name: str) -> SelfCheck:
    """Against the release of that name, if there is one."""
    held = tower.model.state_dict().values()
    tensors, parameters = len(held), sum(tensor.numel() for tensor in held)
    counted = f"{tensors} tensors, {parameters:,} parameters"
    if not name:
        return SelfCheck("tensors", None, f"{counted}, as config.json asks; those of no release of this size are known")
    release = RELEASES[name]
    passed = (tensors, parameters) == (release.tensors, release.parameters)
    expected = f"expected the {release.tensors} and {release.parameters:,} of {name}, got "
    return SelfCheck("tensors", passed, counted if passed else expected + counted)


def _revision(config: Config, digest: str) -> SelfCheck:
    shown = f"sha256 {digest[:16]}..."
    if config.weights is None:
        return SelfCheck("revision", None, f"ships with regionclip, {shown}")
    for name, release in RELEASES.items():
        if release.sha256 == digest:
            return SelfCheck("revision", True, f"{name} at {release.commit}, by {shown}")
    return SelfCheck("revision", None, f"{shown} is not a release that is known here")


def _equal(tower: TrunkTower[Any], folder: Path) -> SelfCheck:
    """Every tensor has the bits of the file, in the number format that is computed in.

    transformers 5 was seen to fill 271 of the 425 tensors of FG-CLIP 2 with random numbers on loading, without a word.
    """
    file: Mapping[str, torch.Tensor] = read_tensors(folder)
    if isinstance(tower, CropTower):
        file = tower.native_tensors(file, tower.model.config)
    held = tower.model.state_dict()
    unlike = [name for name, tensor in held.items() if not torch.equal(tensor.cpu(), file[name].to(tensor.dtype))]
    told = f"{len(unlike)} of {len(held)} are not those of the file: {few(unlike, 3)}"
    return SelfCheck("memory and file", not unlike, told if unlike else f"all {len(held)} tensors are equal")


def region_result(tower: TrunkTower[Any], result: RegionResult | None, frame: Frame | None) -> SelfCheck:
    """Whether a tower repeats a published answer, and with which patch budget."""
    name = "published result"
    if result is None:
        return SelfCheck(name, None, "none of such weights is known here")
    if frame is None:
        return SelfCheck(name, None, f"give the picture, {result.picture}, with --oracle")
    if frame.shape[:2] != result.size:
        expected, got = ("{1}x{0}".format(*size) for size in (result.size, frame.shape))
        return SelfCheck(name, False, f"expected {result.picture} of {expected} pixels, got one of {got}")
    tolerance = _TOLERANCES[tower.placement.split(", ")[1]]
    gaps = {budget: _gap(tower.under(budget=budget), result, frame) for budget in result.budgets}
    fits = [budget for budget, gap in gaps.items() if abs(gap - result.gap) <= tolerance]
    told = " and ".join(f"{gap:.4f} at {budget} patches" for budget, gap in gaps.items())
    by = f"it fits {' and '.join(map(str, fits))}" if fits else "neither fits"
    return SelfCheck(
        name, bool(fits), f"cosines of two boxes differ by {told}, published {result.gap:.4f} +- {tolerance}: {by}"
    )


def _gap(tower: Tower, result: RegionResult, frame: Frame) -> float:
    regions, _ = tower.encode_image([frame])[0].pool(np.array(result.boxes, np.float32))  # (2, D)
    first, second = regions @ tower.encode_text([result.phrase], "region")[0]
    return float(second - first)
