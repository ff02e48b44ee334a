"""The memory: things by place and look, asked for in words that nobody had asked before."""

import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from toy import planted, toy_detector

from proposals.base import Features, Proposals, Proposer
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FileError, FingerprintError, PromptError
from regionclip.formats.arrays import read_arrays, write_arrays
from regionclip.robot.answers import answer_array
from regionclip.robot.core import PerceptionCore, Result
from regionclip.robot.memory import Memory, Thing
from regionclip.robot.messages import DETECTIONS_3D, Header, decode, encode
from regionclip.robot.poses import Pose

SIZE = (128, 192)
CAMERA_INFO = SimpleNamespace(
    height=128, width=192, k=[100.0, 0, 95.5, 0, 100, 63.5, 0, 0, 1],
    roi=SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0),
)  # fmt: skip
Box = tuple[int, int, int, int]
RED, GREEN, NONE = (16, 16, 64, 64), (96, 32, 160, 96), (0, 0, 0, 0)
RIGHT = Pose(np.eye(3), np.array([0.2, 0, 0]))
"""A camera 20 cm to the right; the map looks as the optical frame does."""


def seen(
    *boxes: Box, second: float = 0.0, detector: Detector | None = None, red: Box = NONE, green: Box = NONE
) -> Result:
    """What the core gives for a frame with boxes two metres away, while it looks for something else."""
    core = PerceptionCore(detector or toy_detector(boxes or [RED, GREEN]), ["grey"])
    frame = planted(*SIZE, red=red, green=green) if boxes else planted(*SIZE, red=RED, green=GREEN)
    header = Header(int((1_700_000_000 + second) * 1e9), "camera")
    return core.process(frame, header, depth=np.full(SIZE, 2.0, np.float32), camera_info=CAMERA_INFO)


def memory_of(**options: Any) -> Memory:  # noqa: ANN401
    return Memory(toy_detector([]).scorer, **{"confirm_sights": 1, **options})


def centers(things: list[Thing]) -> list[list[float]]:
    return [np.round(thing.center, 3).tolist() for thing in things]


def test_words_that_nobody_had_asked_before() -> None:
    memory, result = memory_of(), seen()
    assert len(result.detections) == 0
    assert memory.see(result) == 2
    for words, center in (("red", [-1.12, -0.48, 2]), ("红", [-1.12, -0.48, 2]), ("绿色的箱子", [0.64, 0, 2])):
        best, other = memory.ask(words)
        assert centers([best.thing]) == [center]
        assert best.score > other.score
    assert [len(memory.ask("red", top)) for top in (1, 2, 9)] == [1, 2, 2]


def test_scores_are_those_of_the_detector() -> None:
    detector, memory = toy_detector([RED, GREEN]), memory_of()
    result = seen(detector=detector)
    memory.see(result)
    assert result.regions is not None
    scores = detector.scores(result.regions, ["red"])[:, 0]
    assert [answer.score for answer in memory.ask("red")] == sorted(scores.tolist(), reverse=True)


def test_sightings_of_one_thing_are_one() -> None:
    memory = memory_of()
    memory.see(seen(second=0), Pose(np.eye(3), np.zeros(3)))
    red, green = (6, 16, 54, 64), (86, 32, 150, 96)  # as seen from further right
    memory.see(seen(red, green, second=2, red=red, green=green), RIGHT)
    assert len(memory) == 2
    thing = memory.ask("red")[0].thing
    assert (thing.number, thing.sights, thing.frame_id, thing.whole) == (2, 2, "map", True)
    assert thing.last_ns - thing.first_ns == 2_000_000_000
    assert np.linalg.norm(thing.embedding) == pytest.approx(1)
    assert thing.thumbnail.shape == (64, 64, 3)
    assert thing.thumbnail.reshape(-1, 3).mean(0).argmax() == 2
    other = memory.ask("green")[0].thing
    assert other.center == pytest.approx([0.64, 0, 2])
    assert other.size == pytest.approx([1.28, 1.28, 0.01])


def test_a_turned_camera() -> None:
    """It looks along y of a map that has z up."""
    pose = Pose(np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), np.array([5.0, 6, 7]))
    memory = memory_of(frame_id="odom")
    memory.see(seen(), pose)
    thing = memory.ask("green")[0].thing
    assert thing.frame_id == "odom"
    assert thing.center == pytest.approx([5.64, 8, 7])
    assert thing.size == pytest.approx([1.28, 0.01, 1.28])


def test_alike_and_apart_are_two_and_unlike_at_one_place_are_two() -> None:
    memory = memory_of()
    two: list[Box] = [(10, 40, 58, 88), (110, 40, 158, 88)]
    memory.see(seen(*two, red=two[0]))
    memory.see(seen(*two, red=two[1]))
    assert len(memory) == 4  # each place is once red and once black
    assert {thing.sights for thing in memory.things} == {1}
    inside: list[Box] = [(32, 16, 160, 112), (80, 48, 112, 80)]
    memory = memory_of()
    memory.see(seen(*inside, red=inside[0], green=inside[1]))
    assert len(memory) == 2


def test_a_thing_that_the_border_cuts_waits_until_it_is_seen_whole() -> None:
    memory = memory_of()
    cut: Box = (0, 40, 40, 88)
    memory.see(seen(cut, red=cut))
    (part,) = memory.things
    assert not part.whole
    all_of_it: Box = (60, 40, 108, 88)
    memory.see(seen(all_of_it, red=all_of_it), Pose(np.eye(3), np.array([-1.4, 0, 0])))
    memory.see(seen(cut, red=cut), Pose(np.eye(3), np.array([0.0, 0, 0])))
    things = [thing for thing in memory.things if thing.frame_id == "map"]
    (whole,) = things
    assert whole.center == pytest.approx([(84 - 96) * 0.02 - 1.4, 0, 2])  # the cut sight moves nothing
    assert (whole.sights, whole.whole) == (2, True)
    assert whole.size[0] == pytest.approx(0.96)


def test_a_cut_thing_becomes_the_whole_one() -> None:
    memory, cut = memory_of(), (0, 40, 40, 88)
    memory.see(seen(cut, red=cut))
    wider = (4, 40, 60, 88)
    memory.see(seen(wider, red=wider))
    (thing,) = memory.things
    assert (thing.number, thing.sights, thing.whole) == (1, 2, True)
    assert thing.center == pytest.approx([(32 - 96) * 0.02, 0, 2])


def test_one_sight_is_none() -> None:
    memory = memory_of(confirm_sights=2)
    memory.see(seen())
    assert (len(memory), memory.things, memory.ask("red")) == (0, [], [])
    memory.see(seen())
    assert len(memory) == 2


def test_nothing_without_depth_and_between_key_frames() -> None:
    memory, core = memory_of(), PerceptionCore(toy_detector([RED]), ["red"], every=2)
    frame = planted(*SIZE, red=RED)
    first, second = (core.process(frame, Header(1)) for _ in range(2))
    assert memory.see(first) == 0
    assert memory.see(second) == 0
    empty = seen(detector=toy_detector([]))
    assert memory.see(empty) == 0
    assert memory.ask("red") == []


def test_questions_that_are_none() -> None:
    memory = memory_of()
    with pytest.raises(PromptError):
        memory.ask("")
    with pytest.raises(ConfigError, match="top of at least 1, got 0"):
        memory.ask("red", 0)


class Sure(Proposer):
    """Proposes boxes, and says how sure it is of each."""

    has_objectness = True

    def __init__(self, boxes: list[Box], objectness: list[float]) -> None:
        self._found = Proposals(np.array(boxes, np.float32), np.array(objectness, np.float32))

    def __call__(self, frame: NDArray[np.uint8], features: Features) -> Proposals:
        return self._found


def test_what_is_hardly_a_thing_is_not_remembered() -> None:
    toy = toy_detector([])
    detector = Detector(toy.tower, Sure([RED, GREEN], [0.9, 0.1]), Config())
    memory = memory_of()
    assert memory.see(seen(detector=detector)) == 1
    assert centers(memory.things) == [[-1.12, -0.48, 2]]


def test_it_is_bounded() -> None:
    memory = memory_of(most=3)
    for number in range(6):
        pose = Pose(np.eye(3), np.array([10.0 * number, 0, 0]))
        for _ in range(2 if number == 0 else 1):
            memory.see(seen(GREEN, second=number, green=GREEN), pose)
    assert [thing.number for thing in memory.things] == [1, 5, 6]  # the one seen twice, and the latest
    memory.see(seen(*[(20, 20, 40, 40), (60, 20, 80, 40), (100, 20, 120, 40), (140, 20, 160, 40)]))
    assert len(memory) == 3


def test_saved_and_loaded(tmp_path: Path) -> None:
    memory, path = memory_of(), tmp_path / "things.npz"
    memory.see(seen(), RIGHT)
    memory.see(seen(), RIGHT)
    memory.save(path)
    other = memory_of()
    other.load(path)
    for words in ("red", "绿"):
        (mine, _), (its, _) = memory.ask(words), other.ask(words)
        assert mine.score == its.score
        for name in Thing.__slots__:
            assert np.array_equal(getattr(mine.thing, name), getattr(its.thing, name)), name
    other.see(seen(), RIGHT)
    assert [thing.sights for thing in other.things] == [3, 3]
    other.see(seen(), Pose(np.eye(3), np.array([9.0, 0, 0])))
    assert [thing.number for thing in other.things] == [1, 2, 3, 4]
    memory_of().save(path)
    other.load(path)
    assert other.things == []
    other.see(seen())
    assert len(other) == 2


def test_files_that_are_of_no_use(tmp_path: Path) -> None:
    memory, path = memory_of(), tmp_path / "things.npz"
    memory.see(seen())
    memory.save(path)
    stranger = Memory(toy_detector([], revision="toy-2").scorer)
    with pytest.raises(FingerprintError, match="expected those of toy toy-2, got toy-1"):
        stranger.load(path)
    with pytest.raises(FingerprintError, match="result: expected"):
        stranger.see(seen())
    whole, arrays = path.read_bytes(), read_arrays(path, "memory")
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(FileError, match="cannot be read"):
        memory.load(path)
    arrays["things"]["center"][0, 1] = np.nan
    wrong = [({"format": np.array(2)}, "format 1, got 2"), ({"things": np.zeros(3)}, "expected things"), ({}, "finite")]
    for change, said in wrong:
        write_arrays(path, {**arrays, **change})
        with pytest.raises(FileError, match=said):
            memory.load(path)
    del arrays["things"]
    write_arrays(path, arrays)
    with pytest.raises(FileError, match="expected things"):
        memory.load(path)
    assert len(memory) == 2  # as before


def test_seeing_and_asking_at_once() -> None:
    memory, stop = memory_of(), threading.Event()

    def look() -> None:
        for number in range(60):
            memory.see(seen(GREEN, green=GREEN), Pose(np.eye(3), np.array([10.0 * (number % 20), 0, 0])))
        stop.set()

    looker = threading.Thread(target=look)
    looker.start()
    sizes = []
    while not stop.is_set():
        answers = memory.ask("green", 100)
        assert all(answer.score > 0.5 for answer in answers)
        sizes.append(len(answers))
    looker.join(60)
    assert sizes == sorted(sizes)
    assert sorted(thing.sights for thing in memory.things) == [3] * 20


def test_answers_as_a_message() -> None:
    memory = memory_of()
    memory.see(seen(second=3), RIGHT)
    answers = memory.ask("红色的行李箱", 1)
    header = Header(1_800_000_000_000_000_000, memory.frame_id)
    array = decode(encode(DETECTIONS_3D, answer_array("红色的行李箱", answers, header)), DETECTIONS_3D)
    assert Header.of(array.header) == header
    (thing,) = array.detections
    assert Header.of(thing.header) == Header(1_700_000_003_000_000_000, "map")
    assert thing.id == str(answers[0].thing.number)
    assert thing.results[0].hypothesis.class_id == "红色的行李箱"
    assert thing.results[0].hypothesis.score == answers[0].score
    place, size = thing.bbox.center.position, thing.bbox.size
    assert [place.x, place.y, place.z] == answers[0].thing.center.tolist()
    assert [size.x, size.y, size.z] == answers[0].thing.size.tolist()
    assert answer_array("x", [], header) == {"header": header.fields(), "detections": []}
