"""Replaying a bag: every image of the chosen topics is answered, into a new bag."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import MessageError, SourceError
from regionclip.robot import messages as ros
from regionclip.robot.answers import ClassIds, diagnostic_array
from regionclip.robot.core import PerceptionCore, Prompts
from regionclip.robot.images import frame_of
from regionclip.robot.messages import Header
from regionclip.robot.ros.names import DIAGNOSTICS, ROOT, places
from regionclip.robot.ros.publisher import Publisher
from regionclip.robot.ros.wire import Quality
from regionclip.robot.statistics import Statistics
from regionclip.robot.transports.bags import Bag, BagMessage, Choice, NewBag
from regionclip.words.vocabulary import Words

_REPORT = 1_000_000_000  # nanoseconds from one report on how it goes to the next


class Replay:
    """The images of a bag answered; what is damaged is skipped and counted. It is the `Wire` into the new bag.

    Args:
        out: gets the answers, with the images' own stamps, frame ids and log times; nothing is left of it where no
            image could be answered.
        choice: of the bag's topics.
        class_ids: what `hypothesis.class_id` holds.
        track, every: as of `PerceptionCore`.

    Attributes:
        answered: images that were.
        detections: things in all answers.
        damaged: messages that were skipped.
        problems: why, the first of each topic; and why the bag could not be read to its end.
        cut: whether it could not.

    Raises:
        PromptError: for words that cannot be asked for.
    """

    def __init__(
        self,
        bag: Bag,
        out: NewBag,
        detector: Detector,
        words: Words,
        choice: Choice,
        *,
        class_ids: ClassIds = "label",
        track: bool = False,
        every: int = 1,
    ) -> None:
        self.answered = self.detections = self.damaged = 0
        self.problems: dict[str, str] = {}
        self.cut = False
        self._bag, self._out, self._choice = bag, out, choice
        self._log_ns = self._reported_ns = 0
        self._latched: set[str] = set()
        prompts, now = Prompts(detector, words), lambda: self._log_ns / 1e9
        self._cores = {
            topic: PerceptionCore(detector, prompts, source=topic, track=track, every=every, statistics=Statistics(now))
            for topic in choice.answered
        }
        self._publisher = Publisher(
            self, detector.tower.card, root=ROOT, places=places(choice.answered), class_ids=class_ids
        )

    def run(self, watch: Callable[[Iterable[BagMessage]], Iterable[BagMessage]] = iter) -> None:
        """Answer them; `watch` gets the messages and hands them on, like a progress bar.

        Raises:
            FileError: where the new bag cannot be written.
        """
        try:
            for message in watch(self._bag.messages({*self._choice.answered, *self._choice.copied})):
                self._take(message)
        except SourceError as error:
            self.cut = True
            self.problems[str(self._bag.path)] = str(error)
        if not self.answered:
            self._out.abort()
        elif self._reported_ns != self._log_ns:
            self._report()

    def offer(self, topic: str, _kind: str, quality: Quality) -> None:
        """See `Wire`."""
        if quality == "latched":
            self._latched.add(topic)

    def wanted(self, topic: str) -> bool:
        """Whether it is no picture: viewers draw those from the annotations."""
        return "/annotated" not in topic

    def send(self, topic: str, kind: str, fields: Mapping[str, Any]) -> None:
        """See `Wire`."""
        if kind == ros.DETECTIONS:
            self.detections += len(fields["detections"])
        self._out.write(topic, kind, self._log_ns, ros.encode(kind, fields), latched=topic in self._latched)

    def _take(self, message: BagMessage) -> None:
        """Copy a message, answer it, or both."""
        self._log_ns, core, result = message.log_ns, self._cores.get(message.topic), None
        try:
            payload = self._bag.cdr(message)
            if core is not None:
                core.statistics.arrived()
                decoded = self._bag.decode(message)
                result = core.process(frame_of(decoded), Header.of(decoded.header))
        except MessageError as error:
            self.damaged += 1
            self.problems.setdefault(message.topic, str(error))
            if core is not None:
                core.statistics.damaged(str(error))
            return
        if result is not None:
            self._publisher.words(result.prompts, result.header)
        if message.topic in self._choice.copied:
            self._out.write(message.topic, message.kind, self._log_ns, payload, of=self._bag)
        if result is not None:
            self._publisher.result(message.topic, result)
            self.answered += 1
            self._out.frames += 1
            if self._log_ns - self._reported_ns >= _REPORT:
                self._report()

    def _report(self) -> None:
        self._reported_ns = self._log_ns
        self.send(DIAGNOSTICS, ros.DIAGNOSTICS, diagnostic_array(Header(self._log_ns), self._cores.values()))
