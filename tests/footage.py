"""Clips with known frames: each frame tells its number."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.video.stream import VideoStream

from regionclip.frames import Frame

BITS = 12
ONE = 1 << 16
TURNS = {
    90: (0, ONE, 0, -ONE, 0, 0, 0, 0, 1 << 30),
    180: (-ONE, 0, 0, 0, -ONE, 0, 0, 0, 1 << 30),
    270: (0, -ONE, 0, ONE, 0, 0, 0, 0, 1 << 30),
}
"""How players turn a clip clockwise, by degrees: display matrices of MP4."""


def numbered(number: int, size: tuple[int, int] = (64, 96)) -> Frame:
    """A frame `(H, W, 3)` with `number` painted in its top 16 rows, 8 columns a bit; red below, right half blue."""
    image = np.zeros((*size, 3), np.uint8)
    image[16:] = (0, 0, 200)
    image[16:, size[1] // 2 :] = (200, 0, 0)
    bits = (number >> np.arange(BITS)) & 1  # (BITS,)
    image[:16, : 8 * BITS] = np.repeat(bits * 255, 8)[None, :, None]
    return image


def number_of(image: Frame) -> int:
    """The number that `numbered` painted."""
    cells = image[2:14, : 8 * BITS].reshape(12, BITS, 8, 3).mean(axis=(0, 2, 3))  # (BITS,)
    return int(((cells > 127).astype(int) << np.arange(BITS)).sum())


def frame_count(path: Path) -> int:
    """How many frames of a video can be decoded."""
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


def write_clip(
    path: Path,
    milliseconds: Sequence[int],
    pictures: Sequence[Frame] = (),
    *,
    size: tuple[int, int] = (64, 96),
    turned: int = 0,
    first: int = 0,
    codec: str = "libx264",
    b_frames: bool = True,
) -> Path:
    """Write frames, numbered ones without `pictures`, with the given times; they are to be turned clockwise.

    An MP4 has its index in front. Without B frames the file holds its frames in the order of their times.
    """
    pictures = pictures or [numbered(first + place, size) for place in range(len(milliseconds))]
    mp4 = {"movflags": "+faststart"} if path.suffix == ".mp4" else {}
    with av.open(str(path), "w", options=mp4) as container:
        options = {"crf": "18", "g": "10"} | ({} if b_frames else {"bf": "0"})
        stream = container.add_stream(codec, rate=25, options=options)
        assert isinstance(stream, VideoStream)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        if turned:
            stream.set_display_matrix(TURNS[turned])
        for picture, time in zip(pictures, milliseconds, strict=True):
            frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path
