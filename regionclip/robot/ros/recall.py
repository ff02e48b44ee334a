"""Recall: what a node remembers of what its cameras saw, where that was, and what it is asked about it."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from regionclip.errors import RegionclipError
from regionclip.robot import messages as ros
from regionclip.robot.answers import answer_array
from regionclip.robot.core import PerceptionCore, Result
from regionclip.robot.memory import Memory
from regionclip.robot.messages import Header
from regionclip.robot.poses import Transforms
from regionclip.robot.prompts import Question, parse_question
from regionclip.robot.ros.names import TF, TF_STATIC, Names
from regionclip.robot.ros.parameters import Parameters
from regionclip.robot.ros.wire import Get, Quality, Services, Wire

_SAVE = 10.0  # seconds from one save to the next, at least


class Recall:
    """A memory with its topics: poses come in, questions come in, answers go out.

    Args:
        core: of a camera, whose tower and clock are those of all.
        listen: hears a topic, as of `Transport`.
        aside: gets what shall not hold up a transport's thread.
        problem: gets what went wrong.

    Raises:
        FileError, FingerprintError: where the memory's file cannot be used.
    """

    def __init__(
        self,
        core: PerceptionCore,
        parameters: Parameters,
        names: Names,
        wire: Wire,
        listen: Callable[[str, tuple[str, ...], Quality, Callable[[Get], None]], None],
        aside: Callable[[str, Callable[[], None]], object],
        problem: Callable[[str], None],
    ) -> None:
        self._core, self._fixed, self._file = core, parameters.fixed_frame, parameters.memory_file
        self._wire, self._aside, self._problem = wire, aside, problem
        self._memory = Memory(core.detector.scorer, self._fixed or "map")
        self._transforms, self._asked = Transforms(), 0
        if self._file and Path(self._file).exists():
            self._memory.load(self._file)
            others = {thing.frame_id for thing in self._memory.things} - {self._fixed}
            if self._fixed and others:
                problem(f"{self._file} has things of the frame {min(others)}, which {self._fixed} does not know")
        self.save()  # so that a place that cannot be written is told now
        self._answers = names.resolve("~/answers")
        wire.offer(self._answers, ros.DETECTIONS_3D, "reliable")
        listen(names.resolve("~/ask"), (ros.STRING,), "reliable", self._ask)
        if isinstance(wire, Services):
            wire.serve(names.resolve("~/ask"), ros.ASK, self.serve)
        if self._fixed:
            listen(names.resolve(TF), (ros.TRANSFORMS,), "reliable", self._moved)
            static = names.resolve(TF_STATIC)
            listen(static, (ros.TRANSFORMS,), "latched", lambda get: self._transforms.add(get(), static=True))
        if self._fixed and parameters.odometry_topic:
            listen(names.resolve(parameters.odometry_topic), (ros.ODOMETRY,), "sensor", self._moved)

    def see(self, result: Result) -> None:
        """Take what a frame shows, where its place is known."""
        pose = None
        if self._fixed:
            header = result.header
            pose = self._transforms.lookup(self._fixed, header.frame_id, header.stamp_ns)
            if pose is None:
                self._problem(f"not remembered: no transform from {header.frame_id} to {self._fixed} at that time")
                return
        self._changed |= self._memory.see(result, pose) > 0

    def serve(self, request: Any) -> dict[str, Any]:  # noqa: ANN401 - whoever's message class
        """Answer a request of `regionclip_interfaces/Ask`: words, and how many answers, at least 1."""
        try:
            answers = self._answer(Question(words=request.words, top=max(int(request.top), 1)))
        except RegionclipError as error:
            return {"success": False, "message": str(error)}
        return {"success": True, "answers": answers}

    def save_now_and_then(self) -> None:
        """Write the memory aside, where something was seen and the latest time is a while ago."""
        if self._changed and time.monotonic() - self._saved >= _SAVE:
            self._aside("memory", self.save)

    def save(self) -> None:
        """Write the memory, where it has a file; a FileError says that it cannot be written."""
        self._changed, self._saved = False, time.monotonic()
        if self._file:
            self._memory.save(self._file)

    def _ask(self, get: Get) -> None:
        def answer() -> None:
            self._wire.send(self._answers, ros.DETECTIONS_3D, self._answer(parse_question(get().data)))

        self._asked = (self._asked + 1) % 16  # so many wait at most
        self._aside(f"question {self._asked}", answer)

    def _answer(self, question: Question) -> dict[str, Any]:
        header = Header.at(self._core.statistics.clock(), self._fixed)
        return answer_array(question.words, self._memory.ask(question.words, question.top), header)

    def _moved(self, get: Get) -> None:
        self._transforms.add(get())
