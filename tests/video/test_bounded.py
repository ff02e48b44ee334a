"""What is remembered of a source does not grow with its outages, changes of words, tracks and incidents."""

import threading
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from footage import write_clip
from memory import held
from toy import ToyTower, planted
from waiting import until

from proposals.base import Features, Proposals, Proposer
from regionclip.detector import Detector
from regionclip.frames import Frame
from regionclip.site.camera import SiteCamera
from regionclip.site.secrets import fill
from regionclip.site.settings import CameraSettings
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.words.vocabulary import Vocabulary

WARM, ROUNDS = 45, 60
"""Of three seconds each: the rules remember for two minutes."""

USUAL = {"zones": ["left"], "grace": 0.1, "cooldown": 1}
RULES = RuleSet.of(
    {
        "zone": [{"name": "left", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}],
        "line": [{"name": "middle", "points": [[0.5, 0], [0.5, 1]]}],
        "rule": [
            {"name": "in", "kind": "in", "labels": ["red", "green"], "seconds": 0.1, **USUAL},
            {"name": "enter", "kind": "enter", "labels": ["red", "green"], "seconds": 0.1, **USUAL},
            {"name": "leave", "kind": "leave", "labels": ["red", "green"], "seconds": 0.1, **USUAL},
            {"name": "dwell", "kind": "dwell", "labels": ["red"], "seconds": 0.2, **USUAL},
            {"name": "cross", "kind": "cross", "labels": ["red", "green"], "lines": ["middle"]},
            {"name": "left", "kind": "left", "labels": ["green"], "owners": ["red"], "seconds": 0.5, "zones": ["left"]},
            {"name": "count", "kind": "count", "labels": ["red", "green"], "more_than": 1, "seconds": 0.1, **USUAL},
        ],
    }
)


class Squares(Proposer):
    """Boxes of the squares that are there."""

    has_memory = False
    has_objectness = False

    def __init__(self) -> None:
        self.boxes: list[tuple[int, int, int, int]] = []

    def __call__(self, frame: Frame, features: Features) -> Proposals:
        return Proposals(np.array(self.boxes, np.float32).reshape(-1, 4), np.ones(len(self.boxes), np.float32))


def test_a_follower_forgets() -> None:
    squares, told = Squares(), 0
    follower = Follower(
        Detector(ToyTower(), squares), ["red", "green"], source="cam", options=FollowOptions(every=2, rules=RULES)
    )

    def live(first: int, last: int) -> None:
        nonlocal told
        for number in range(first, last):
            follower.ask([["red", "green"], ["green", "red", "blue"]][number % 2])
            follower.note(SourceEvent("back", "cam", 0.0, outage_seconds=2.0))
            for step in range(10):
                at = 10 * step
                squares.boxes = [(at, 16, at + 40, 56), (130 - at, 70, 170 - at, 110)]
                picture = planted(red=squares.boxes[0], green=squares.boxes[1])
                known = follower.follow(VideoFrame(picture, 3 * number + step / 10, 10 * number + step, "cam"))
                told += len(known.events)

    live(0, WARM)
    before, began = held(), told
    live(WARM, WARM + ROUNDS)
    after = held()
    assert told - began > 2 * ROUNDS  # there was something to remember
    assert follower.tracks is not None
    assert follower.tracks.count >= 2 * ROUNDS
    assert after[0] - before[0] < ROUNDS / 4
    assert after[1] - before[1] < ROUNDS / 4


def test_a_camera_that_comes_and_goes_leaves_nothing(tmp_path: Path) -> None:
    clip, now, words = write_clip(tmp_path / "a.mp4", range(0, 100_000, 1000)), datetime.now(UTC), Vocabulary(["red"])
    settings = [
        CameraSettings(name="a", url=fill(str(clip)), words=words, follow=FollowOptions(every=every))
        for every in (1, 2)
    ]
    camera = SiteCamera(
        settings[0],
        detector=Detector(ToyTower(), Squares()),
        bell=threading.Event(),
        send=lambda *_: None,
        log=lambda _: None,
    )

    def round_trip(number: int) -> None:
        camera.change(settings[number % 2])
        camera.update(now)

        def followed() -> bool:
            frame = camera.read()
            return frame is not None and camera.follow(frame) is not None

        until(followed)

    for number in range(5):
        round_trip(number)
    camera.join()
    before = held()
    for number in range(5, 35):
        round_trip(number)
    camera.join()
    camera.update(now)
    after = held()
    assert after[0] - before[0] < 30
    assert after[1] - before[1] < 60
    camera.leave()
    camera.join()
    assert not [thread for thread in threading.enumerate() if "source a" in thread.name]
