"""Publisher: results of cameras as messages on topics, the words before the first answer that uses them."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from regionclip.drawing.picture import annotate
from regionclip.frames import Frame
from regionclip.robot import messages as ros
from regionclip.robot.answers import (
    ClassIds,
    detection3d_array,
    detection_array,
    image_annotations,
    label_info,
    vision_info,
)
from regionclip.robot.core import PromptSet, Result
from regionclip.robot.images import compressed_fields, image_fields
from regionclip.robot.messages import Header
from regionclip.robot.ros.wire import Wire
from regionclip.towers.card import TowerCard


class Publisher:
    """Publishes the words below `root`, and the answers of each camera below its place.

    Args:
        resolve: the full name of a topic.
        depth: whether the places of things may be known.
    """

    def __init__(
        self,
        wire: Wire,
        card: TowerCard,
        *,
        root: str,
        places: Mapping[str, str],
        resolve: Callable[[str], str] = str,
        class_ids: ClassIds = "label",
        depth: bool = False,
    ) -> None:
        self._wire, self._card = wire, card
        self._labels, self._vision = resolve(f"{root}/label_info"), resolve(f"{root}/vision_info")
        makers: dict[str, tuple[str, Callable[[Result], dict[str, Any]]]] = {
            "detections": (ros.DETECTIONS, lambda result: detection_array(result, class_ids)),
            "annotations": (ros.ANNOTATIONS, image_annotations),
            "annotated": (ros.IMAGE, lambda result: image_fields(*_drawn(result))),
            "annotated/compressed": (ros.COMPRESSED_IMAGE, lambda result: compressed_fields(*_drawn(result))),
        }
        if depth:
            makers["detections_3d"] = ros.DETECTIONS_3D, lambda result: detection3d_array(result, class_ids)
        self._cameras = {
            camera: {resolve(f"{place}/{name}"): made for name, made in makers.items()}
            for camera, place in places.items()
        }
        self._told: PromptSet | None = None
        wire.offer(self._labels, ros.LABEL_INFO, "latched")
        wire.offer(self._vision, ros.VISION_INFO, "latched")
        for topics in self._cameras.values():
            for topic, (kind, _) in topics.items():
                wire.offer(topic, kind, "reliable")

    def words(self, prompts: PromptSet, header: Header) -> None:
        """Tell which words are in force, where they are others than before."""
        if prompts is not self._told:
            self._told = prompts
            self._wire.send(self._labels, ros.LABEL_INFO, label_info(prompts, header))
            self._wire.send(self._vision, ros.VISION_INFO, vision_info(prompts, self._card, header, self._labels))

    def result(self, camera: str, result: Result) -> None:
        """Tell what is known of a frame, as far as somebody listens."""
        self.words(result.prompts, result.header)
        for topic, (kind, make) in self._cameras[camera].items():
            if self._wire.wanted(topic):
                self._wire.send(topic, kind, make(result))


@lru_cache(maxsize=1)  # two topics may want the same picture
def _drawn(result: Result) -> tuple[Frame, Header]:
    return annotate(result.frame, result.detections), result.header
