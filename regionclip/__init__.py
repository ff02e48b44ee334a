"""Regions of camera frames labelled by free-form English and Chinese words.

    import regionclip
    det = regionclip.load("tiny")
    detections = det(frame, ["person", "红色的灭火器"])
    picture = regionclip.annotate(frame, detections)

Names are resolved when first used, so that `regionclip --help` need not load torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from proposals.base import Proposals, Proposer
    from regionclip.answers.regions import Regions
    from regionclip.archive.store import FrameKey, RegionsStore
    from regionclip.config import Config
    from regionclip.detector import Detector
    from regionclip.drawing import Style, Trails, ZoneShape, annotate, blur
    from regionclip.errors import RegionclipError
    from regionclip.loading import load
    from regionclip.robot.bags import Bag
    from regionclip.robot.core import PerceptionCore
    from regionclip.timing import Timings
    from regionclip.towers.base import ImageFeatures, Tower
    from regionclip.towers.card import TowerCard
    from regionclip.video.annotating import annotate_video
    from regionclip.video.runner import stream
    from regionclip.video.sources.opening import open_source
    from regionclip.words.vocabulary import Label, Vocabulary

_HOME = {
    "Bag": "regionclip.robot.bags",
    "Config": "regionclip.config",
    "Detector": "regionclip.detector",
    "FrameKey": "regionclip.archive.store",
    "ImageFeatures": "regionclip.towers.base",
    "Label": "regionclip.words.vocabulary",
    "PerceptionCore": "regionclip.robot.core",
    "Proposals": "proposals.base",
    "Proposer": "proposals.base",
    "RegionclipError": "regionclip.errors",
    "Regions": "regionclip.answers.regions",
    "RegionsStore": "regionclip.archive.store",
    "Style": "regionclip.drawing",
    "Timings": "regionclip.timing",
    "Tower": "regionclip.towers.base",
    "TowerCard": "regionclip.towers.card",
    "Trails": "regionclip.drawing",
    "Vocabulary": "regionclip.words.vocabulary",
    "ZoneShape": "regionclip.drawing",
    "annotate": "regionclip.drawing",
    "annotate_video": "regionclip.video.annotating",
    "blur": "regionclip.drawing",
    "load": "regionclip.loading",
    "open_source": "regionclip.video.sources.opening",
    "stream": "regionclip.video.runner",
}

__all__ = [
    "Bag",
    "Config",
    "Detector",
    "FrameKey",
    "ImageFeatures",
    "Label",
    "PerceptionCore",
    "Proposals",
    "Proposer",
    "RegionclipError",
    "Regions",
    "RegionsStore",
    "Style",
    "Timings",
    "Tower",
    "TowerCard",
    "Trails",
    "Vocabulary",
    "ZoneShape",
    "annotate",
    "annotate_video",
    "blur",
    "load",
    "open_source",
    "stream",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'regionclip' has no attribute {name!r}; it exports {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "errors"]
