"""Cameras that speak RTSP or HTTP: the newest data as it comes, decoded no more than needed."""

import time
from collections.abc import Callable
from functools import partial
from threading import Lock

import av
from av.error import FFmpegError
from av.video.stream import VideoStream

from regionclip.errors import SourceError
from regionclip.frames import Frame
from regionclip.video.sources.base import Reader
from regionclip.video.sources.decoding import Upright, open_video, reason
from regionclip.video.sources.options import LiveOptions
from regionclip.video.sources.urls import mask, scheme_of

_BARREN_SECONDS = 30.0
"""After so long with data but without a frame that can be decoded, the connection is given up."""


class NetworkReader(Reader):
    """One connection to a camera.

    Frames of codecs that keep each frame by itself (MJPEG) are decoded only when they are used. Those of others (H.264,
    H.265) have to be decoded because later ones build on them, but are converted only when used; with
    `options.key_frames_only` all but key frames are thrown away undecoded.

    Args:
        url: rtsp://, rtsps://, http:// or https://.
        options: timeouts and transport.

    Raises:
        SourceError: where no connection can be made in time, or what answers is no video.
    """

    def __init__(self, url: str, options: LiveOptions) -> None:
        self._url, self._name, self._patience = url, mask(url), options.read_timeout
        self._container, self._stream = open_video(
            url, timeouts=(options.open_timeout, options.read_timeout), options=_ffmpeg_options(url, options)
        )
        self._decoder = self._stream.codec_context
        self._decoder.thread_count = 1  # forty cameras share the cores; more threads also add delay
        self._packets = self._container.demux(self._stream)
        self._alone = self._decoder.codec.intra_only
        self._key_frames_only = options.key_frames_only and not self._alone
        self._upright, self._lock = Upright(), Lock()
        self._take: Callable[[], Frame] | None = None
        self._last_frame = time.monotonic()

    def grab(self) -> float | None:
        """Wait for the next frame; `time.monotonic()` when its data arrived, None where the stream ended."""
        while True:
            packet = self._next_packet()
            if packet is None:
                return None
            arrival = time.monotonic()
            if (packet.is_keyframe or not self._key_frames_only) and self._decode(packet):
                self._last_frame = arrival
                return arrival
            if arrival - self._last_frame > _BARREN_SECONDS:
                raise SourceError(f"{self._name}: data comes, but no frame could be decoded for {_BARREN_SECONDS:g} s")

    def take(self) -> Callable[[], Frame]:
        """The frame grabbed last: not converted yet, and of MJPEG not decoded either."""
        assert self._take is not None  # grab comes first
        return self._take

    def close(self) -> None:
        """Close the connection."""
        self._container.close()

    def _next_packet(self) -> "av.Packet[VideoStream] | None":
        start = time.monotonic()
        try:
            packet = next(self._packets, None)
        except (FFmpegError, OSError) as error:
            silent = isinstance(error, av.error.ExitError | TimeoutError)
            raise SourceError(f"{self._name}: {self._silence() if silent else reason(error, self._url)}") from None
        # FFmpeg first hands out the rest of a frame that it waited for in vain.
        if time.monotonic() - start > 0.95 * self._patience:
            raise SourceError(f"{self._name}: {self._silence()}")
        return None if packet is None or packet.size == 0 else packet

    def _silence(self) -> str:
        return f"no data for {self._patience:g} s"

    def _decode(self, packet: "av.Packet[VideoStream]") -> bool:
        """Make the packet's frame the one to take; False where it holds none that can be shown."""
        if self._alone:
            self._take = partial(self._decode_alone, packet)
            return True
        try:
            frames = self._decoder.decode(packet)
            if self._key_frames_only:  # nothing follows that the decoder would have to wait for
                frames += self._decoder.decode(None)
                self._decoder.flush_buffers()
        except FFmpegError:
            return False  # a damaged packet; the next ones may be well
        if frames:
            self._take = partial(self._upright, frames[-1])
        return bool(frames)

    def _decode_alone(self, packet: "av.Packet[VideoStream]") -> Frame:
        try:
            with self._lock:
                frames = self._decoder.decode(packet)
        except FFmpegError as error:
            raise SourceError(f"{self._name}: damaged frame: {reason(error, self._url)}") from None
        if not frames:
            raise SourceError(f"{self._name}: damaged frame")
        return self._upright(frames[-1])


def _ffmpeg_options(url: str, options: LiveOptions) -> dict[str, str]:
    # Without the first two, whole seconds of old pictures are handed out after opening.
    common = {"fflags": "nobuffer", "analyzeduration": "500000"}
    if scheme_of(url) in ("rtsp", "rtsps"):
        return common | {"rtsp_transport": options.transport, "allowed_media_types": "video"}
    return common
