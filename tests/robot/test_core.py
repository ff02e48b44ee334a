"""The core: frames and words in, detections out; words change between two frames; what it counts."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
import supervision as sv
import torch
from robot_bags import labels
from toy import ToyTower, planted, toy_detector

from proposals.boxes import BoxesProposer
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import FrameError, PromptError
from regionclip.robot.answers import UNLABELED, detection_array, image_annotations, label_info, status, vision_info
from regionclip.robot.core import PerceptionCore, Result
from regionclip.robot.messages import (
    ANNOTATIONS,
    DETECTIONS,
    DIAGNOSTICS,
    LABEL_INFO,
    VISION_INFO,
    Header,
    decode,
    encode,
)
from regionclip.robot.prompts import parse_prompts
from regionclip.robot.statistics import Statistics
from regionclip.words.vocabulary import Label, Vocabulary

RED, GREEN = (16, 16, 64, 64), (96, 32, 160, 96)
FRAME = planted(red=RED, green=GREEN)
HEADER = Header(1_700_000_000_000_000_001, "camera_link")


def core_of(words: Any, boxes: Any = (RED, GREEN), **options: Any) -> PerceptionCore:  # noqa: ANN401
    return PerceptionCore(toy_detector(boxes, **options.pop("config", {})), words, **options)


def named(result: Result) -> list[str]:
    return [str(name) for name in result.detections.data["class_name"]]


def array_of(result: Result, **how: Any) -> Any:  # noqa: ANN401
    """As it is on the wire."""
    return decode(encode(DETECTIONS, detection_array(result, **how)), DETECTIONS)


def test_a_frame() -> None:
    core = core_of(["red", "绿"])
    result = core.process(FRAME, HEADER)
    assert sorted(named(result)) == ["red", "绿"]
    assert (result.header, result.prompts.version) == (HEADER, 1)
    assert result.timings.total > 0
    array = array_of(result)
    assert Header.of(array.header) == HEADER
    assert [Header.of(each.header) for each in array.detections] == [HEADER, HEADER]
    found = {each.results[0].hypothesis.class_id: each.bbox for each in array.detections}
    assert found.keys() == {"red", "绿"}
    box = found["绿"]
    assert (box.center.position.x, box.center.position.y, box.center.theta) == (128, 64, 0)
    assert (box.size_x, box.size_y) == (64, 64)
    assert {each.id for each in array.detections} == {""}
    assert [each.results[0].pose.pose.orientation.w for each in array.detections] == [1, 1]


@pytest.mark.parametrize(("words", "boxes"), [("blue", (RED, GREEN)), ("red", [])])
def test_no_thing_gives_empty_messages(words: str, boxes: Any) -> None:  # noqa: ANN401
    result = core_of([words], boxes).process(FRAME, HEADER)
    array = array_of(result)
    assert (Header.of(array.header), array.detections) == (HEADER, [])
    drawn = decode(encode(ANNOTATIONS, image_annotations(result)), ANNOTATIONS)
    assert (drawn.points, drawn.texts, drawn.circles) == ([], [], [])


def test_all_hypotheses_of_a_thing_stand_in_it_best_first() -> None:
    words = [Label("red thing", ["red"]), Label("paint", ["red paint"]), "green"]
    core = core_of(words, config={"labels_per_region": 0, "nms": "class"})
    things = array_of(core.process(FRAME, HEADER)).detections
    names = [[each.hypothesis.class_id for each in thing.results] for thing in things]
    assert sorted(map(len, names)) == [1, 2]
    for thing in things:
        scores = [each.hypothesis.score for each in thing.results]
        assert scores == sorted(scores, reverse=True)
        assert all(0 < score <= 1 for score in scores)


def test_numbers_in_place_of_labels_are_those_of_label_info() -> None:
    core = core_of(["green", "red"], config={"unknown": True, "threshold": 0.9}, boxes=[RED, GREEN, (64, 96, 90, 120)])
    result = core.process(FRAME, HEADER)
    info = decode(encode(LABEL_INFO, label_info(result.prompts, HEADER)), LABEL_INFO)
    numbers = {each.class_name: str(each.class_id) for each in info.class_map} | {"unknown": str(UNLABELED)}
    by_label = labels(array_of(result))
    by_number = labels(array_of(result, class_ids="index"))
    assert set(by_label) == {"red", "green", "unknown"}
    assert by_number == [numbers[label] for label in by_label]


def test_detections_of_another_source_are_messages_too() -> None:
    plain = sv.Detections(xyxy=np.array([[0, 0, 10, 20], [5, 5, 9, 9.0]]), class_id=np.array([3, 4]))
    result = core_of(["red"]).process(FRAME, HEADER)
    array = array_of(Result(FRAME, HEADER, plain, result.prompts, result.timings))
    assert labels(array) == ["3", "4"]


def test_what_is_told_of_the_words() -> None:
    core = core_of([Label("red", threshold=0.25), Label("green", threshold=0.75), Label("big", ["grey"], of="red")])
    info = decode(encode(LABEL_INFO, label_info(core.prompts, HEADER)), LABEL_INFO)
    assert [(each.class_id, each.class_name) for each in info.class_map] == [(0, "red"), (1, "green")]
    assert info.threshold == 0.25
    card = core.detector.tower.card
    told = decode(encode(VISION_INFO, vision_info(core.prompts, card, HEADER, "/labels")), VISION_INFO)
    assert (told.method, told.database_location, told.database_version) == ("regionclip toy toy-1", "/labels", 1)


def test_annotations_outline_what_was_found() -> None:
    result = core_of(["绿"]).process(FRAME, HEADER)
    drawn = decode(encode(ANNOTATIONS, image_annotations(result)), ANNOTATIONS)
    assert [(point.x, point.y) for point in drawn.points[0].points] == [(96, 32), (160, 32), (160, 96), (96, 96)]
    assert drawn.points[0].type == 2
    assert drawn.texts[0].text.startswith("绿 ")
    assert (drawn.texts[0].timestamp.sec, drawn.texts[0].timestamp.nanosec) == (1_700_000_000, 1)


def test_other_words_from_the_next_frame_on() -> None:
    core = core_of(["red"])
    assert named(core.process(FRAME, HEADER)) == ["red"]
    assert core.set_prompts(parse_prompts('["green"]')) == 2
    result = core.process(FRAME, HEADER)
    assert (named(result), result.prompts.version) == (["green"], 2)
    assert core.detector.tower.phrases_encoded == 2  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "1 to 65535 labels, got 0"),
        (["red", "red"], "given twice"),
        ([""], "expected words"),
        (7, "expected strings"),
    ],
)
def test_words_that_cannot_be_used_leave_the_old_ones(words: Any, said: str) -> None:  # noqa: ANN401
    core = core_of(["red"])
    with pytest.raises(PromptError, match=said):
        core.set_prompts(words)
    result = core.process(FRAME, HEADER)
    assert (named(result), result.prompts.version) == (["red"], 1)
    core.statistics.arrived()
    told = status(core)
    assert told["level"] == 1
    assert said in told["message"]
    assert core.set_prompts(["green"]) == 2


def test_a_threshold_stays_until_another_one_comes() -> None:
    core = core_of(Vocabulary(["red"], threshold=0.3))
    core.set_prompts(["green"])
    assert core.prompts.thresholds.tolist() == [0.3]
    core.set_prompts(["green"], 0.6)
    core.set_prompts(["green", Label("red", threshold=0.1)])
    assert core.prompts.thresholds.tolist() == [0.6, 0.1]
    core.set_prompts(parse_prompts('{"prompts": ["blue"], "threshold": 0.2}'))
    assert core.prompts.thresholds.tolist() == [0.2]


class HeldTower(ToyTower):
    """Encodes the word `held` only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.let = threading.Event(), threading.Event()

    def encode_text(self, phrases: Any, target: Any) -> torch.Tensor:  # noqa: ANN401
        if any("held" in phrase for phrase in phrases):
            self.asked.set()
            assert self.let.wait(60)
        return super().encode_text(phrases, target)


@contextmanager
def in_a_thread(work: Any) -> Iterator[threading.Thread]:  # noqa: ANN401
    thread = threading.Thread(target=work)
    thread.start()
    yield thread
    thread.join(60)
    assert not thread.is_alive()


def test_frames_go_on_while_words_are_encoded() -> None:
    tower = HeldTower()
    core = PerceptionCore(Detector(tower, BoxesProposer(np.array([RED, GREEN], np.float32)), Config()), ["red"])
    with in_a_thread(lambda: core.set_prompts(["held green"])):
        assert tower.asked.wait(60)
        for _ in range(3):
            assert named(core.process(FRAME, HEADER)) == ["red"]
        tower.let.set()
    assert named(core.process(FRAME, HEADER)) == ["held green"]


def test_every_result_names_the_words_that_made_it() -> None:
    core = core_of(["red"])
    words = [["red"], ["green"]]
    stop = threading.Event()

    def change() -> None:
        for number in range(200):
            core.set_prompts(words[(number + 1) % 2])
        stop.set()

    versions = []
    with in_a_thread(change):
        while not stop.is_set():
            result = core.process(FRAME, HEADER)
            assert named(result) == words[(result.prompts.version - 1) % 2]
            versions.append(result.prompts.version)
    assert versions == sorted(versions)
    assert core.process(FRAME, HEADER).prompts.version == 201


def test_tracks_keep_their_ids_and_begin_anew_where_time_goes_back() -> None:
    core = core_of(["red"], track=True)
    stamps = [Header(10**18 + number * 100_000_000) for number in range(6)]
    arrays = [array_of(core.process(FRAME, stamp)) for stamp in stamps]
    ids = {each.id for array in arrays[2:] for each in array.detections}
    assert len(ids) == 1
    assert int(ids.pop()) > 0
    again = [array_of(core.process(FRAME, stamp)) for stamp in stamps]
    assert {each.id for array in again[2:] for each in array.detections} == {"2"}


def test_the_tower_looks_at_each_nth_frame() -> None:
    core = core_of(["red"], every=3)
    results = [core.process(FRAME, HEADER) for _ in range(6)]
    assert core.detector.tower.passes == 2  # type: ignore[attr-defined]
    assert all(named(result) == ["red"] for result in results)


def test_a_frame_that_is_none() -> None:
    with pytest.raises(FrameError):
        core_of(["red"]).process(np.zeros((4, 4), np.float32), HEADER)


def test_figures() -> None:
    now = 100.0
    statistics = Statistics(lambda: now)
    core = core_of(["red"], statistics=statistics)
    assert (status(core)["level"], status(core)["message"]) == (3, "no image yet")
    for number in range(11):
        now = 100 + number / 10
        statistics.arrived()
        if number % 2:
            statistics.dropped()
        else:
            core.process(FRAME, Header(int((now - 0.02 * number) * 1e9)))
    figures = statistics.figures()
    assert figures["fps_in"] == pytest.approx(10)
    assert figures["fps_out"] == pytest.approx(5)
    assert (figures["arrived"], figures["answered"], figures["dropped"], figures["damaged"]) == (11, 6, 5, 0)
    assert figures["age_ms_p50"] == pytest.approx(100, abs=1)
    assert figures["age_ms_p95"] == pytest.approx(190, abs=1)
    assert figures["propose_ms"] > 0
    told = decode(encode(DIAGNOSTICS, {"status": [status(core)]}), DIAGNOSTICS).status[0]
    assert (told.level, told.name, told.hardware_id) == (0, "regionclip: camera", "cpu, float32")
    assert {each.key: each.value for each in told.values}["fps_in"] == "10"
    statistics.damaged("image: no pixels")
    assert (status(core)["level"], status(core)["message"]) == (1, "image: no pixels")
    now += 6
    assert (status(core)["level"], status(core)["message"]) == (3, "no image for 6 s")
    now += 6
    statistics.arrived()
    assert status(core)["level"] == 0
    assert statistics.figures()["damaged"] == 1


def test_images_without_stamps_have_no_age() -> None:
    core = core_of(["red"])
    core.process(FRAME, Header(0))
    assert "age_ms_p50" not in core.statistics.figures()
