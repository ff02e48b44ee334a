"""ReplayPlan: what shall be done with a bag, checked against it before anything heavy is loaded."""

from dataclasses import dataclass, replace
from operator import length_hint
from typing import TYPE_CHECKING, Self

from regionclip.errors import ConfigError
from regionclip.robot.names import ROOT, places
from regionclip.robot.transports.bags import Bag

if TYPE_CHECKING:
    from regionclip.robot.answers import ClassIds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayPlan:
    """What is done with a bag.

    Attributes:
        topics: of images; empty takes the only one there is.
        keep: topics that are copied.
        images: whether the image topics are copied too.
        class_ids: what `hypothesis.class_id` holds: "label" or "index".
        track: whether things are followed from frame to frame.
        every: the tower looks at each so many images.
    """

    topics: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    images: bool = True
    class_ids: "ClassIds" = "label"
    track: bool = False
    every: int = 1

    def checked(self, bag: Bag) -> Self:
        """The same, with the topics named.

        Raises:
            ConfigError: for topics that are not in the bag, have no images or no messages, or would be written twice.
        """
        images = bag.image_topics()
        there = f"there: {', '.join(images) or 'no images'}"
        topics = self.topics or (tuple(images) if len(images) == 1 else ())
        if not topics:
            raise ConfigError(f"bag {bag.path}: expected a topic of images, named by --topic; {there}")
        for topic in topics:
            if topic not in images:
                kind = f", a {bag.topics[topic]}" if topic in bag.topics else ""
                raise ConfigError(f"bag {bag.path}: expected a topic of images, got {topic}{kind}; {there}")
            if not length_hint(bag.messages([topic])):
                raise ConfigError(f"bag {bag.path}: {topic} has no messages; {there}")
        if absent := [topic for topic in self.keep if topic not in bag.topics]:
            raise ConfigError(f"bag {bag.path}: has no topic {absent[0]} to keep; there: {', '.join(bag.topics)}")
        if not self.images and (twice := [topic for topic in self.keep if topic in topics]):
            raise ConfigError(f"bag {bag.path}: {twice[0]} is kept by --keep and left out by --no-images: expected one")
        plan = replace(self, topics=topics, keep=tuple(topic for topic in self.keep if topic not in topics))
        own = (ROOT, *places(topics).values())
        for topic in (*plan.keep, *topics):
            if topic.rpartition("/")[0] in own:
                raise ConfigError(f"bag {bag.path}: {topic} cannot be kept: answers are written there")
        return plan
