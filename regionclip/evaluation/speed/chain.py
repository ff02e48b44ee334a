"""How fast a recording goes through the whole chain: read, find, follow, judge, draw, write; and writing alone."""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from regionclip.detector import Detector
from regionclip.scenes.clips import render_clip
from regionclip.video.annotating import Outputs, VideoSummary, annotate_video
from regionclip.video.output.codecs import CODECS
from regionclip.video.output.writer import VideoWriter

WORDS = ("person", "背包", "suitcase", "手提包", "car", "自行车", "chair", "箱子", "forklift", "灭火器")
"""Ten labels, so that the frames have about as many rows as things."""

_FPS, _WRITING_FPS = 12.0, 25.0
_RENDERED = 50
"""Frames that are rendered to be written; longer videos show them to and fro."""


@dataclass(frozen=True, slots=True)
class ChainSpeed:
    """One run.

    Attributes:
        size: `(H, W)` of the frames in pixels.
        every: the tower looked at each so many frames, and where a track had come to look different.
        summary: of the run.
        cpu_ms: processor time of all threads, milliseconds a frame.
    """

    size: tuple[int, int]
    every: int
    summary: VideoSummary
    cpu_ms: float

    @property
    def fps(self) -> float:
        """Frames a second of the whole chain."""
        return self.summary.frames / self.summary.wall_seconds


def measure_chain(
    detector: Detector, sizes: Sequence[tuple[int, int]], every: Sequence[int], *, seconds: float = 8.0
) -> list[ChainSpeed]:
    """Annotate a rendered clip of each size `(H, W)` with each `every`, results written too; rendering is not counted.

    The first run of each size is one that is not counted, so that nothing is loaded for the first time in the others.
    """
    runs = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for size in sizes:
            with VideoWriter(folder / "clip.mp4") as writer:
                for shot in render_clip(
                    900_501, 0, size, seconds=seconds, fps=_FPS, event="left object", camera="still"
                ):
                    writer.write(shot.frame, shot.seconds)
            for count, step in enumerate((every[0], *every)):
                outputs = Outputs(results=folder / "out.jsonl")
                before = time.process_time()
                summary = annotate_video(
                    folder / "clip.mp4", folder / "out.mp4", detector, WORDS, outputs=outputs, every=step
                )
                spent = 1000 * (time.process_time() - before) / max(summary.frames, 1)
                runs += [ChainSpeed(size, step, summary, spent)] if count else []
    return runs


def table(runs: Sequence[ChainSpeed]) -> str:
    """The figures as lines of text; stages by their share of the time."""
    lines = []
    for run in runs:
        stages = run.summary.stages
        total = sum(stages.values()) or 1.0
        shares = ", ".join(
            f"{name} {spent / total:.0%}" for name, spent in sorted(stages.items(), key=lambda it: -it[1])
        )
        lines.append(
            f"{run.size[1]}x{run.size[0]}, every {run.every}: {run.fps:.1f} frames a second, "
            f"{run.cpu_ms:.1f} ms of processor time a frame, "
            f"{run.summary.key_frames} of {run.summary.frames} seen by the tower\n  {shares}"
        )
    return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class WritingCost:
    """What was measured.

    Attributes:
        codec: of the video.
        size: `(H, W)` of the frames in pixels.
        wall_ms: milliseconds a frame until the file was closed.
        cpu_ms: milliseconds a frame of all threads.
        kbit_per_second: size of the file at 25 frames a second.
    """

    codec: str
    size: tuple[int, int]
    wall_ms: float
    cpu_ms: float
    kbit_per_second: float


def measure_writer(size: tuple[int, int] = (720, 1280), frames: int = 100, *, codec: str = "h264") -> WritingCost:
    """Time `VideoWriter` with its default settings; rendering is not counted.

    Args:
        size: `(H, W)` of the frames in pixels, 64 at least.
        frames: how many.
        codec: of the video.

    Raises:
        ConfigError: for an unknown codec.
    """
    clip = render_clip(0, 0, size, seconds=_RENDERED / _WRITING_FPS, fps=_WRITING_FPS, event="pass", camera="still")
    images = [each.frame for each in islice(clip, frames)]
    suffix = CODECS[codec].suffixes[0] if codec in CODECS else ".mp4"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"written{suffix}"
        wall, cpu = time.perf_counter(), time.process_time()
        with VideoWriter(path, codec=codec) as writer:
            for number, image in enumerate(islice(cycle([*images, *images[-2:0:-1]]), frames)):
                writer.write(image, number / _WRITING_FPS)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        kilobits = path.stat().st_size * 8 / 1000
    return WritingCost(codec, size, 1000 * wall / frames, 1000 * cpu / frames, kilobits * _WRITING_FPS / frames)


def writing_table(costs: Sequence[WritingCost]) -> str:
    """The figures as lines of text."""
    return "\n".join(
        f"writing {cost.codec} {cost.size[1]}x{cost.size[0]}: {cost.wall_ms:.1f} ms a frame, "
        f"{cost.cpu_ms:.1f} ms of processor time, {cost.kbit_per_second:.0f} kbit/s"
        for cost in costs
    )
