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
    from proposals.base import Proposals as Proposals
    from proposals.base import Proposer as Proposer
    from regionclip import describe as describe
    from regionclip import robot as robot
    from regionclip.answers.regions import Regions as Regions
    from regionclip.archive.store import Archive as Archive
    from regionclip.archive.store import FrameKey as FrameKey
    from regionclip.config import Config as Config
    from regionclip.detector import Detector as Detector
    from regionclip.drawing import Style as Style
    from regionclip.drawing import Trails as Trails
    from regionclip.drawing import ZoneShape as ZoneShape
    from regionclip.drawing import annotate as annotate
    from regionclip.drawing import blur as blur
    from regionclip.errors import RegionclipError as RegionclipError
    from regionclip.loading import load as load
    from regionclip.robot.core import PerceptionCore as PerceptionCore
    from regionclip.robot.transports.bags import Bag as Bag
    from regionclip.timing import Timings as Timings
    from regionclip.towers.base import ImageFeatures as ImageFeatures
    from regionclip.towers.base import Tower as Tower
    from regionclip.towers.card import TowerCard as TowerCard
    from regionclip.video.annotating import annotate_video as annotate_video
    from regionclip.video.runner import stream as stream
    from regionclip.video.sources.opening import open_source as open_source
    from regionclip.words.vocabulary import Label as Label
    from regionclip.words.vocabulary import Vocabulary as Vocabulary

_HOME = {
    "Archive": "regionclip.archive.store",
    "Bag": "regionclip.robot.transports.bags",
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

_DOORS = ("describe", "robot")
"""Doors of their own: for those who ask a describer, and those who bring their own transport."""

__all__ = list(_HOME)


def __getattr__(name: str) -> object:
    if name in _DOORS:
        return import_module(f"regionclip.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'regionclip' has no attribute {name!r}; it exports {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "errors", *_DOORS]
