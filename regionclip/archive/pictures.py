"""What hits look like: a sheet of them, and clips of the videos that they are from."""

from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np
import supervision as sv
from av.error import FFmpegError

from regionclip.archive.rows import FrameKey
from regionclip.archive.search import Hit
from regionclip.drawing.picture import annotate
from regionclip.drawing.sheet import Tile, contact_sheet
from regionclip.errors import SourceError
from regionclip.frames import Frame, decode_frame
from regionclip.video.output.writer import VideoWriter
from regionclip.video.sources.base import utc_text
from regionclip.video.sources.decoding import Upright, open_video

_AROUND_SECONDS, _LONGEST = 2.0, 20.0
"""Of a clip: what is shown before and after a thing, and all together."""


def sheet(hits: Sequence[Hit]) -> Frame:
    """A page `(H, W, 3)` with a tile for each hit, label by label: what it shows, how sure, where and when."""
    return contact_sheet(
        {
            label: [_tile(place, hit) for place, hit in enumerate(group, 1)]
            for label, group in groupby(hits, key=lambda hit: hit.label)
        }
    )


def _tile(place: int, hit: Hit) -> Tile:
    picture = None if hit.thumbnail is None else decode_frame(hit.thumbnail, "thumbnail")
    return Tile(picture, (f"{place} · {hit.confidence:.2f}", *where(hit)))


def where(hit: Hit) -> tuple[str, str]:
    """Of which camera or file a hit is, and when."""
    key = hit.best.key
    return key.camera or key.source, moment(key) + (f", {len(hit.sights)} sights" if len(hit.sights) > 1 else "")


def moment(key: FrameKey) -> str:
    """When a frame was taken, or its time in its source; empty where neither is known."""
    if key.utc_seconds is not None:
        return utc_text(key.utc_seconds)
    if key.seconds is None:
        return ""
    minutes, seconds = divmod(key.seconds, 60)
    return f"{int(minutes) // 60}:{int(minutes) % 60:02}:{seconds:04.1f}"


def write_clip(hit: Hit, path: Path) -> None:
    """Write a few seconds of the video around a hit, with the thing marked.

    Raises:
        SourceError: where the video cannot be read.
        VideoFileError: where the clip cannot be written.
    """
    times = [sight.key.seconds or 0.0 for sight in hit.sights]
    boxes = np.array([sight.box for sight in hit.sights], np.float32)  # (m, 4)
    best = hit.best.key.seconds or 0.0
    begin = max(times[0] - _AROUND_SECONDS, best - _LONGEST / 2)
    end = min(times[-1] + _AROUND_SECONDS, best + _LONGEST / 2)
    rows = sv.Detections(xyxy=boxes[:1].copy(), data={"class_name": np.array([hit.label])})
    with VideoWriter(path) as writer:
        for seconds, image in _between(hit.best.key.source, begin, end):
            rows.xyxy[0] = [np.interp(seconds, times, side) for side in boxes.T]
            known = times[0] - 0.1 <= seconds <= times[-1] + 0.1
            writer.write(annotate(image, rows) if known else image, seconds)


def _between(source: str, begin: float, end: float) -> Iterator[tuple[float, Frame]]:
    """Frames of a video from one time to another, with their times; what is before is not decoded."""
    container, stream = open_video(source)
    with container:
        unit, upright = float(stream.time_base or 1), Upright()
        first = (stream.start_time or 0) * unit
        try:
            container.seek(max(int((begin + first) / unit), 0), stream=stream)
            for frame in container.decode(stream):
                seconds = (frame.pts or 0) * unit - first
                if seconds > end:
                    return
                if seconds >= begin:
                    yield seconds, upright(frame)
        except FFmpegError as error:
            raise SourceError(f"{source}: {error}") from error
