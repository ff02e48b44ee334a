"""A detector that is asked on every fifth frame only: tracks carry its boxes over those in between."""

import numpy as np
import pytest
from numpy.typing import NDArray

from proposals.base import Features, Proposals, Proposer
from proposals.every import EveryProposer
from proposals.overlap import box_iou
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer
from regionclip import load
from regionclip.detector import Detector
from regionclip.frames import Frame
from regionclip.scenes.clips import ClipFrame, Movement, render_clip
from regionclip.scenes.language.phrases import kind_names
from regionclip.scenes.stage import boxes_of
from regionclip.towers.base import Tower
from regionclip.video.follower import Follower
from regionclip.video.sources.base import VideoFrame

EVERY, FPS = 5, 10.0


class Truth(Proposer):
    """The boxes of the frame of a clip that is shown, some of them with a low objectness; counts its calls."""

    has_objectness = True

    def __init__(self, clip: list[ClipFrame]) -> None:
        self._clip, self.calls = clip, 0

    def __call__(self, frame: Frame, features: Features) -> Proposals:
        self.calls += 1
        shot = next(each for each in self._clip if np.array_equal(each.frame, frame))
        return Proposals(boxes_of(shot.objects), np.linspace(0.9, 0.05, len(shot.objects), dtype=np.float32))


@pytest.fixture(scope="module")
def tower() -> Tower:
    return load("tiny", device="cpu").tower


@pytest.mark.parametrize(("camera", "least"), [("still", 0.9), ("moving", 0.45)])
def test_boxes_of_things_are_there_in_the_frames_between(tower: Tower, camera: Movement, least: float) -> None:
    """Things that stand as well as those that move, from the first look on, which no second one has confirmed."""
    clip = list(render_clip(11, 2, (240, 320), seconds=2, fps=FPS, camera=camera))
    finder = Truth(clip)
    shares = carried(tower, UnionProposer(TrackedProposer(), EveryProposer(finder, every=EVERY)), clip)
    assert finder.calls == len(clip) / EVERY
    assert shares.min() >= least


def test_without_tracks_they_are_not(tower: Tower) -> None:
    clip = list(render_clip(11, 2, (240, 320), seconds=1.5, fps=FPS, camera="still"))
    assert carried(tower, EveryProposer(Truth(clip), every=EVERY), clip).max() == 0


def carried(tower: Tower, proposer: Proposer, clip: list[ClipFrame]) -> NDArray[np.float64]:
    """Of what is in sight at a look, the share that rows cover on each later frame up to the next, `(EVERY - 1,)`."""
    follower = Follower(Detector(tower, proposer), kind_names("en"), source="clip")
    hits: list[list[bool]] = [[] for _ in range(EVERY)]
    looked: tuple[int, ...] = ()
    for shot in clip:
        rows = follower.follow(VideoFrame(shot.frame, shot.seconds, shot.index, "clip")).detections
        after = shot.index % EVERY
        looked = looked if after else shot.tracks
        ious = box_iou(boxes_of(shot.objects), np.asarray(rows.xyxy, np.float32)).max(axis=1, initial=0)
        if shot.index >= EVERY:
            hits[after] += [iou >= 0.5 for iou, track in zip(ious, shot.tracks, strict=True) if track in looked]
    return np.array([np.mean(each) for each in hits[1:]])
