"""Node: a perception node that knows no transport: what it hears, what it says, and what it does in between."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import zip_longest
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import ConfigError, PromptError, RegionclipError
from regionclip.robot import messages as ros
from regionclip.robot.answers import diagnostic_array
from regionclip.robot.closing import Closing
from regionclip.robot.core import REFUSED, PerceptionCore, Prompts, PromptSet
from regionclip.robot.messages import Header
from regionclip.robot.prompts import parse_prompts
from regionclip.robot.ros.camera import Camera
from regionclip.robot.ros.names import CLOCK, DIAGNOSTICS, Names, places
from regionclip.robot.ros.parameters import Parameters
from regionclip.robot.ros.publisher import Publisher
from regionclip.robot.ros.recall import Recall
from regionclip.robot.ros.wire import Get, Quality, Services, Transport
from regionclip.robot.statistics import Statistics
from regionclip.robot.worker import Worker
from regionclip.words.file import read_words
from regionclip.words.vocabulary import Words

_MANY = 100  # labels from which on encoding takes long enough to be told
_WORDS = ""  # where new words wait among the images of the cameras


class Node(Closing):
    """Cameras that share one tower, each image answered or let go for a newer one. A context manager.

        with Node(detector, ["person"], Parameters(), Names(), wire, log=print) as node:
            ...  # node.report() once a second

    Args:
        words: the first labels to look for.
        log: gets a line whenever something new goes wrong.

    Attributes:
        topics: of images.

    Raises:
        ConfigError: where a topic of images is named twice.
        FileError, FingerprintError: where the file of the memory cannot be used.
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
        self._now_ns = self._reported_ns = 0  # of /clock, and at the latest report
        self.topics = [names.resolve(topic) for topic in parameters.image_topics]
        if twice := [topic for topic in self.topics if self.topics.count(topic) > 1]:
            raise ConfigError(f"image_topics: expected different ones, {twice[0]} is named twice")
        self._prompts = Prompts(detector, words)
        self._worker = Worker(self._work, self._failed)
        self._aside: Worker[Callable[[], object]] = Worker(lambda _, job: job(), self._failed)
        self._encoder: Worker[Get] = Worker(self._encode, self._failed)  # words may take long; questions do not wait
        self._closing = False
        self._cameras = {topic: self._camera(topic, detector) for topic in self.topics}
        self._core = self._cameras[self.topics[0]].core  # of those that share words, clock and tower
        self._publisher = Publisher(
            wire,
            detector.tower.card,
            root="~",
            places=places(self.topics, "~"),
            resolve=names.resolve,
            class_ids=parameters.class_ids,
            depth=bool(parameters.depth_topics),
        )
        self._diagnostics = names.resolve(DIAGNOSTICS)
        wire.offer(self._diagnostics, ros.DIAGNOSTICS, "reliable")
        self._recall = None
        if parameters.memory:
            try:
                self._recall = Recall(
                    self._core, parameters, names, wire, self._listen, self._aside.offer, self._problem
                )
            except BaseException:
                self._stop()
                raise
        self._worker.offer(_WORDS, None)
        if parameters.use_sim_time:
            self._listen(names.resolve(CLOCK), (ros.CLOCK,), "sensor", self._tick)
        self._listen(names.resolve("~/prompts"), (ros.STRING,), "reliable", self._hear_words)
        if isinstance(wire, Services):
            wire.serve(names.resolve("~/set_prompts"), ros.SET_PROMPTS, self.serve_prompts)
        self._hear_cameras(names)

    @property
    def prompts(self) -> PromptSet:
        """The newest words, which are those of the next image."""
        return self._prompts.newest

    def set_prompts(self, words: Words, threshold: float | None = None) -> int:
        """Look for other words in all cameras, as of `PerceptionCore.set_prompts`; from any thread."""
        return self._change_words(lambda: words, threshold)

    def serve_prompts(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - whoever's message class
        """Answer a request of `regionclip_interfaces/SetPrompts`: prompts as `-p` takes them, threshold or below 0."""
        threshold = float(request.threshold) if request.threshold >= 0 else None  # a NaN is not
        try:
            version = self._change_words(lambda: read_words(request.prompts, None, threshold))
        except RegionclipError as error:
            return {"success": False, "message": str(error), "version": self.prompts.version}
        return {"success": True, "message": "", "version": version}

    def report(self) -> None:
        """Say how each camera goes; to be called once a second."""
        complaints = self._wire.complaints()
        if self._parameters.use_sim_time and self._now_ns == self._reported_ns:
            complaints.append("use_sim_time: no new message on /clock; without it the node does not know the time")
        self._reported_ns = self._now_ns
        if self._recall is not None:
            self._recall.save_now_and_then()
        for complaint in complaints:
            self._say(complaint)
        header, cores = Header.at(self._core.statistics.clock()), [each.core for each in self._cameras.values()]
        self._wire.send(self._diagnostics, ros.DIAGNOSTICS, diagnostic_array(header, cores, complaints))

    def summary(self) -> list[str]:
        """How it went, a line for each camera."""
        lines = []
        for topic, camera in self._cameras.items():
            counts = camera.core.statistics.figures()
            told = ", ".join(f"{counts[name]:.0f} {name}" for name in ("answered", "dropped", "damaged"))
            lines.append(f"{topic}: {counts['arrived']:.0f} images, {told}")
        return lines

    def close(self) -> None:
        """Finish the image that is looked at, let the others go, and save the memory.

        Raises:
            FileError: where that cannot be written.
        """
        self._stop()
        if self._recall is not None:
            self._recall.save()

    def _stop(self) -> None:
        self._closing = True
        for worker in (self._encoder, self._aside, self._worker):
            worker.close()

    def _camera(self, topic: str, detector: Detector) -> Camera:
        given = self._parameters
        core = PerceptionCore(
            detector,
            self._prompts,
            source=topic,
            track=given.track,
            every=given.every,
            rectified=given.rectified,
            statistics=Statistics(lambda: self._now_ns / 1e9) if given.use_sim_time else Statistics(),
        )
        slop = given.sync_slop if given.depth_topics else None
        return Camera(core, self._worker.offer, max_rate=given.max_rate, sync_slop=slop)

    def _listen(
        self, topic: str, kinds: tuple[str, ...], quality: Quality, take: Callable[[Get], None], camera: str = ""
    ) -> None:
        """Hear a topic, of a camera or of the node; what is wrong with its messages is told."""

        def heard(get: Get) -> None:
            try:
                take(get)
            except RegionclipError as error:
                if camera:
                    self._failed(camera, error)
                else:
                    self._problem(f"{topic}: {error}")

        self._wire.listen(topic, kinds, quality, heard)

    def _hear_cameras(self, names: Names) -> None:
        given = self._parameters
        quality: Quality = "sensor" if given.image_reliability == "best_effort" else "reliable"
        for camera, depth, info in zip_longest(self._cameras.values(), given.depth_topics, given.camera_infos):
            if depth is not None:
                self._listen(names.resolve(depth), (ros.IMAGE,), "sensor", camera.depth, camera.name)
                self._listen(names.resolve(info), (ros.CAMERA_INFO,), "sensor", camera.info, camera.name)
            self._listen(camera.name, (ros.IMAGE, ros.COMPRESSED_IMAGE), quality, camera.image, camera.name)

    def _hear_words(self, get: Get) -> None:
        self._encoder.offer(_WORDS, get)

    def _encode(self, _source: str, get: Get) -> None:
        def read() -> Words:
            words = parse_prompts(get().data)
            if len(words) > _MANY:
                self._log(f"{len(words)} labels to encode; the old ones stay until then")
            return words

        with suppress(RegionclipError):  # which is told already
            self._change_words(read)

    def _change_words(self, read: Callable[[], Words], threshold: float | None = None) -> int:
        """Take the words that `read` gives, in any thread, and give their version; what is wrong is told once."""
        try:
            version = self._prompts.set(read(), threshold, self._unless_closing)
        except RegionclipError as error:
            self._failed(_WORDS, error)
            raise
        self._worker.offer(_WORDS, None)
        return version

    def _unless_closing(self, phrases: Sequence[str]) -> Iterator[str]:
        for phrase in phrases:
            if self._closing:
                raise PromptError("the node ends")
            yield phrase

    def _work(self, source: str, shot: Any) -> None:  # noqa: ANN401 - what gets an image; None for words
        if source == _WORDS:
            self._publisher.words(self.prompts, Header.at(self._core.statistics.clock()))
            return
        result = self._cameras[source].look(shot)
        self._publisher.result(source, result)
        if self._recall is not None:
            self._recall.see(result)

    def _failed(self, source: str, error: Exception) -> None:
        text = str(error) if isinstance(error, RegionclipError) else f"{type(error).__name__}: {error}"
        if source in self._cameras:
            self._cameras[source].core.statistics.damaged(text)
            self._say(f"{source}: {text}")
        else:
            self._problem(f"{REFUSED}: {text}" if source == _WORDS else text)

    def _problem(self, text: str) -> None:
        """Tell what is wrong with the node as a whole."""
        for camera in self._cameras.values():
            camera.core.statistics.problem(text)
        self._say(text)

    def _tick(self, get: Get) -> None:
        self._now_ns = ros.nanoseconds(get().clock)

    def _say(self, text: str) -> None:
        if text not in self._logged:
            self._logged.append(text)
            self._log(text)
