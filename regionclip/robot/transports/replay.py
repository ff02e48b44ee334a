"""Replaying a bag: every image of the chosen topics is answered, into a new bag."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import MessageError, SourceError
from regionclip.robot import messages as ros
from regionclip.robot.answers import (
    detection_array,
    diagnostic_array,
    image_annotations,
    label_info,
    status,
    vision_info,
)
from regionclip.robot.core import PerceptionCore, Result
from regionclip.robot.images import frame_of
from regionclip.robot.messages import Header
from regionclip.robot.statistics import Statistics
from regionclip.robot.transports.bags import Bag, BagMessage, NewBag
from regionclip.robot.transports.plan import LABELS, VISION, ReplayPlan
from regionclip.words.vocabulary import Words

_REPORT = 1_000_000_000
"""Nanoseconds from one word on how it goes to the next."""


@dataclass(slots=True)
class ReplaySummary:
    """What was done.

    Attributes:
        images: answered.
        detections: things in all answers.
        damaged: messages that were skipped.
        problems: why, the first of each topic; and why the bag could not be read to its end.
        cut: whether it could not.
        wall_seconds: how long it took.
    """

    images: int = 0
    detections: int = 0
    damaged: int = 0
    problems: dict[str, str] = field(default_factory=dict)
    cut: bool = False
    wall_seconds: float = 0.0


def replay(
    bag: Bag,
    out: NewBag,
    detector: Detector,
    words: Words,
    plan: ReplayPlan,
    watch: Callable[[Iterable[BagMessage]], Iterable[BagMessage]] = iter,
) -> ReplaySummary:
    """Answer the images of a bag; what is damaged is skipped and counted.

    Args:
        bag: where they are.
        out: where the answers go, with the images' own stamps, frame ids and log times; nothing is left of it where no
            image could be answered.
        detector: looks at the images.
        words: labels to look for.
        plan: what is done.
        watch: gets the messages and hands them on, like a progress bar.

    Raises:
        ConfigError, PromptError: where the bag has no such topics, or the words cannot be asked for.
        FileError: where `out` cannot be written.
    """
    plan, start = plan.checked(bag), time.perf_counter()
    run = _Run(bag, out, detector, words, plan)
    try:
        for message in watch(bag.messages([*plan.topics, *plan.keep])):
            run.take(message)
    except SourceError as error:
        run.summary.cut = True
        run.summary.problems[str(bag.path)] = str(error)
    run.finish()
    run.summary.wall_seconds = time.perf_counter() - start
    return run.summary


class _Run:
    """What is remembered from message to message."""

    def __init__(self, bag: Bag, out: NewBag, detector: Detector, words: Words, plan: ReplayPlan) -> None:
        self.bag, self.out, self.plan, self.places = bag, out, plan, plan.places()
        self.summary = ReplaySummary()
        self.log_ns = self.reported_ns = 0
        self.cores = {
            topic: PerceptionCore(
                detector,
                words,
                source=topic,
                track=plan.track,
                every=plan.every,
                statistics=Statistics(lambda: self.log_ns / 1e9),
            )
            for topic in plan.topics
        }

    def take(self, message: BagMessage) -> None:
        """Copy a message, answer it, or both."""
        self.log_ns, core, result = message.log_ns, self.cores.get(message.topic), None
        try:
            payload = self.bag.cdr(message)
            if core is not None:
                core.statistics.arrived()
                decoded = self.bag.decode(message)
                result = core.process(frame_of(decoded), Header.of(decoded.header))
        except MessageError as error:
            self.summary.damaged += 1
            self.summary.problems.setdefault(message.topic, str(error))
            if core is not None:
                core.statistics.damaged(str(error))
            return
        if result is not None and not self.summary.images:
            self._tell_words(result)
        if result is None or self.plan.images:
            self.out.write(message.topic, message.kind, self.log_ns, payload, of=self.bag)
        if result is not None:
            self._answer(self.places[message.topic], result)

    def finish(self) -> None:
        """A last word on how it went."""
        if not self.summary.images:
            self.out.abort()
        elif self.reported_ns != self.log_ns:
            self._report()

    def _answer(self, place: str, result: Result) -> None:
        array = detection_array(result, self.plan.class_ids)
        self._write(f"{place}/detections", ros.DETECTIONS, array)
        self._write(f"{place}/annotations", ros.ANNOTATIONS, image_annotations(result))
        self.summary.images += 1
        self.summary.detections += len(array["detections"])
        self.out.frames += 1
        if self.log_ns - self.reported_ns >= _REPORT:
            self._report()

    def _tell_words(self, result: Result) -> None:
        card = next(iter(self.cores.values())).detector.tower.card
        self._write(LABELS, ros.LABEL_INFO, label_info(result.prompts, result.header), latched=True)
        told = vision_info(result.prompts, card, result.header, LABELS)
        self._write(VISION, ros.VISION_INFO, told, latched=True)

    def _report(self) -> None:
        self.reported_ns = self.log_ns
        told = diagnostic_array(Header(self.log_ns), [status(core) for core in self.cores.values()])
        self._write("/diagnostics", ros.DIAGNOSTICS, told)

    def _write(self, topic: str, kind: str, fields: dict[str, Any], *, latched: bool = False) -> None:
        self.out.write(topic, kind, self.log_ns, ros.encode(kind, fields), latched=latched)
