"""Node: a perception node that knows no transport: what it hears, what it says, and what it does in between."""

from collections import deque
from collections.abc import Callable
from typing import Any, Self

from regionclip.detector import Detector
from regionclip.errors import MessageError, RegionclipError
from regionclip.robot import messages as ros
from regionclip.robot.answers import diagnostic_array, status
from regionclip.robot.core import PerceptionCore, PromptSet
from regionclip.robot.images import frame_of
from regionclip.robot.messages import Header
from regionclip.robot.names import DIAGNOSTICS, Names, places
from regionclip.robot.parameters import Parameters
from regionclip.robot.prompts import parse_prompts
from regionclip.robot.publisher import Publisher
from regionclip.robot.statistics import Statistics
from regionclip.robot.wire import Get, Quality, Transport
from regionclip.robot.worker import Worker
from regionclip.words.vocabulary import Words

_WORDS = ""
"""Where new words wait among the images of the cameras."""


class Node:
    """Cameras that share one tower, each image answered or let go for a newer one. A context manager.

        with Node(detector, ["person"], Parameters(), Names(), wire, log=print) as node:
            ...  # node.report() once a second

    Args:
        detector: shared by the cameras.
        words: the first labels to look for.
        parameters: what the node does.
        names: of its topics.
        wire: how messages come and go.
        log: gets a line whenever something new goes wrong.

    Attributes:
        topics: of images.

    Raises:
        PromptError: for words that cannot be asked for.
    """

    def __init__(
        self,
        detector: Detector,
        words: Words,
        parameters: Parameters,
        names: Names,
        wire: Transport,
        *,
        log: Callable[[str], None],
    ) -> None:
        self._parameters, self._wire, self._log = parameters, wire, log
        self._logged: deque[str] = deque(maxlen=100)
        self._now_ns = 0  # of /clock
        self.topics = topics = list(dict.fromkeys(names.resolve(topic) for topic in parameters.image_topics))
        self._cores = {
            topic: PerceptionCore(
                detector,
                words,
                source=topic,
                track=parameters.track,
                every=parameters.every,
                statistics=Statistics(lambda: self._now_ns / 1e9) if parameters.use_sim_time else Statistics(),
            )
            for topic in topics
        }
        self._some = self._cores[topics[0]]
        self._newest = self._some.prompts
        self._due = dict.fromkeys(topics, 0.0)  # when the next image of each camera is let in, seconds
        self._publisher = Publisher(
            wire,
            detector.tower.card,
            root="~",
            places=places(topics, "~"),
            resolve=names.resolve,
            class_ids=parameters.class_ids,
        )
        self._diagnostics = names.resolve(DIAGNOSTICS)
        wire.offer(self._diagnostics, ros.DIAGNOSTICS, "reliable")
        prompts = names.resolve("~/prompts")
        self._worker = Worker(self._work, self._failed)
        self._aside = Worker(self._prepare, self._refused)
        self._in_force = self._newest
        self._worker.offer(_WORDS, self._newest)
        if parameters.use_sim_time:
            wire.listen("/clock", (ros.CLOCK,), "sensor", self._tick)
        wire.listen(prompts, (ros.STRING,), "reliable", self._hear_words)
        quality: Quality = "sensor" if parameters.image_reliability == "best_effort" else "reliable"
        for topic in topics:
            wire.listen(topic, (ros.IMAGE, ros.COMPRESSED_IMAGE), quality, self._hear(topic))

    def report(self) -> None:
        """Say how each camera goes; to be called once a second."""
        complaints = self._wire.complaints()
        for complaint in complaints:
            self._say(complaint)
        statuses = [status(core, complaints) for core in self._cores.values()]
        header = Header(int(self._some.statistics.clock() * 1e9))
        self._wire.send(self._diagnostics, ros.DIAGNOSTICS, diagnostic_array(header, statuses))

    def summary(self) -> list[str]:
        """How it went, a line for each camera."""
        lines = []
        for topic, core in self._cores.items():
            counts = core.statistics.figures()
            told = ", ".join(f"{counts[name]:.0f} {name}" for name in ("answered", "dropped", "damaged"))
            lines.append(f"{topic}: {counts['arrived']:.0f} images, {told}")
        return lines

    def close(self) -> None:
        """Finish the image that is looked at, and let the others go."""
        self._aside.close()
        self._worker.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        self.close()

    def _hear(self, camera: str) -> Callable[[Get], None]:
        """What takes the images of a camera."""
        statistics, rate = self._cores[camera].statistics, self._parameters.max_rate
        period = 1 / rate if rate else 0.0

        def take(get: Get) -> None:
            statistics.arrived()
            early = self._due[camera] - statistics.clock()  # seconds
            if 0.1 * period < early <= 2 * period:
                statistics.dropped()
                return
            # From due time to due time, so that a camera's jitter does not lower the rate.
            self._due[camera] += period if abs(early) < period else period - early
            if self._worker.offer(camera, get):
                statistics.dropped()

        return take

    def _hear_words(self, get: Get) -> None:
        self._aside.offer(_WORDS, get)

    def _work(self, source: str, item: Any) -> None:  # noqa: ANN401 - words, or what gets an image
        if isinstance(item, PromptSet):
            self._in_force = item
            self._publisher.words(item, Header(int(self._some.statistics.clock() * 1e9)))
            return
        core, message = self._cores[source], item()
        core.prompts = self._in_force
        self._publisher.result(source, core.process(frame_of(message), Header.of(message.header)))

    def _failed(self, source: str, error: Exception) -> None:
        text = str(error) if isinstance(error, RegionclipError) else f"{type(error).__name__}: {error}"
        if source in self._cores:
            self._cores[source].statistics.damaged(text)
        self._say(f"{source}: {text}")

    def _prepare(self, _source: str, get: Get) -> None:
        words = parse_prompts(get().data)
        self._newest = self._some.prepare(words, None, self._newest)
        self._worker.offer(_WORDS, self._newest)

    def _refused(self, _source: str, error: Exception) -> None:
        text = f"words refused, the old ones stay: {error}"
        for core in self._cores.values():
            core.statistics.problem(text)
        self._say(text)

    def _tick(self, get: Get) -> None:
        try:
            self._now_ns = ros.nanoseconds(get().clock)
        except MessageError as error:
            self._say(f"/clock: {error}")

    def _say(self, text: str) -> None:
        if text not in self._logged:
            self._logged.append(text)
            self._log(text)
