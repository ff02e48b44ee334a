"""Replaying a bag: every image of the chosen topics is answered, into a new bag."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import MessageError, SourceError
from regionclip.robot import messages as ros
from regionclip.robot.answers import diagnostic_array, status
from regionclip.robot.core import PerceptionCore
from regionclip.robot.images import frame_of
from regionclip.robot.messages import Header
from regionclip.robot.names import ROOT, places
from regionclip.robot.publisher import Publisher
from regionclip.robot.statistics import Statistics
from regionclip.robot.transports.bags import Bag, BagMessage, NewBag
from regionclip.robot.transports.plan import ReplayPlan
from regionclip.robot.wire import Quality
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
    """What is remembered from message to message; the new bag is the `Wire`."""

    def __init__(self, bag: Bag, out: NewBag, detector: Detector, words: Words, plan: ReplayPlan) -> None:
        self.bag, self.out, self.plan = bag, out, plan
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
        self.latched: set[str] = set()
        self.publisher = Publisher(
            self, detector.tower.card, root=ROOT, places=places(plan.topics), class_ids=plan.class_ids
        )

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
        if result is not None:
            self.publisher.words(result.prompts, result.header)
        if result is None or self.plan.images:
            self.out.write(message.topic, message.kind, self.log_ns, payload, of=self.bag)
        if result is not None:
            self.publisher.result(message.topic, result)
            self.summary.images += 1
            self.out.frames += 1
            if self.log_ns - self.reported_ns >= _REPORT:
                self._report()

    def finish(self) -> None:
        """A last word on how it went."""
        if not self.summary.images:
            self.out.abort()
        elif self.reported_ns != self.log_ns:
            self._report()

    def offer(self, topic: str, _kind: str, quality: Quality) -> None:
        """See `Wire`."""
        if quality == "latched":
            self.latched.add(topic)

    def wanted(self, topic: str) -> bool:
        """Whether it is no picture: viewers draw those from the annotations."""
        return "/annotated" not in topic

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """See `Wire`."""
        if kind == ros.DETECTIONS:
            self.summary.detections += len(fields["detections"])
        self.out.write(topic, kind, self.log_ns, ros.encode(kind, fields), latched=topic in self.latched)

    def _report(self) -> None:
        self.reported_ns = self.log_ns
        told = diagnostic_array(Header(self.log_ns), [status(core) for core in self.cores.values()])
        self.send("/diagnostics", ros.DIAGNOSTICS, told)
