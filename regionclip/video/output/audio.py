"""The sound of a recording, carried into a file that is being written."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import av
from av.audio.stream import AudioStream
from av.error import FFmpegError

from regionclip.errors import ConfigError, SourceError, SourceWarning
from regionclip.video.output.codecs import Container
from regionclip.video.sources.decoding import reason
from regionclip.video.sources.urls import mask, scheme_of

if TYPE_CHECKING:
    from av.container import OutputContainer

    _AudioPacket: TypeAlias = av.Packet[AudioStream]

_COPIED: dict[Container, frozenset[str]] = {
    "mp4": frozenset({"aac", "mp3", "opus", "flac"}),
    "matroska": frozenset({"aac", "mp3", "opus", "flac", "vorbis", "ac3", "eac3", "pcm_s16le"}),
    "webm": frozenset({"opus", "vorbis"}),
}
"""Codecs whose packets go over as they are; for mp4 and webm those that browsers play."""

_ENCODED: dict[Container, str] = {"mp4": "aac", "matroska": "aac", "webm": "libopus"}
"""What everything else is made into."""

_PREROLL: dict[Container, float] = {"mp4": 0.1, "matroska": 0.0005, "webm": 0.0005}
"""Seconds of sound before the first frame that are written, for decoders to settle; MP4 alone can say not to play them.

Elsewhere half a millisecond, by which times are rounded."""

_OPUS_RATE = 48000
_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 88200, 96000)
"""Samples a second that AAC knows."""


class Sound:
    """Sound of a recording whose frames are being written: packets are copied where the container can hold them.

    Args:
        path: the recording. One without sound gives none.
        container: of the new file.

    Raises:
        ConfigError: for a URL: the sound of a live stream is gone when its frames are written.
        SourceError: where the recording cannot be read.
    """

    def __init__(self, path: str | Path, container: Container) -> None:
        if scheme_of(str(path)) is not None:
            raise ConfigError(
                f"audio_from: expected a file, got {mask(str(path))}; sound is copied from recordings only"
            )
        self._name, self._container = str(path), container
        try:
            self._input = av.open(str(Path(path).absolute()), metadata_errors="replace")
        except (FFmpegError, OSError, ValueError) as error:
            raise SourceError(f"{path}: {reason(error, self._name)}") from None
        self._from = next(iter(self._input.streams.audio), None)
        self._to: AudioStream | None = None
        self._offset = 0.0
        self._packets: Iterator[_AudioPacket] = iter(())
        self._waiting: _AudioPacket | None = None
        self._copied = self._from is not None and self._from.codec_context.codec.canonical_name in _COPIED[container]

    def attach(self, output: "OutputContainer", start_seconds: float) -> None:
        """Add the sound's stream to a file whose first frame is that of the recording's `start_seconds`."""
        if self._from is None:
            return
        if self._copied:
            self._to = output.add_stream_from_template(self._from)
        else:
            self._to = self._encoder(output, self._from)
        self._output = output
        self._offset = start_seconds + self._picture_start()
        self._packets = self._input.demux(self._from)

    def carry(self, until: float) -> None:
        """Write what sounds before `until`, seconds of the new file."""
        while self._to is not None:
            packet = self._waiting or self._next()
            self._waiting = None
            if packet is None:
                return
            at = self._time_of(packet)
            if at >= until:
                self._waiting = packet
                return
            if at >= -_PREROLL[self._container]:
                self._write(packet)

    def finish(self, until: float) -> None:
        """Write the rest of what sounds before `until`."""
        self.carry(until)
        if self._to is not None and not self._copied:
            self._output.mux(self._to.encode(None))

    def close(self) -> None:
        """Close the recording."""
        self._input.close()

    def _encoder(self, output: "OutputContainer", source: AudioStream) -> AudioStream:
        name = _ENCODED[self._container]
        rate = min(_RATES, key=lambda known: abs(known - source.rate)) if name == "aac" else _OPUS_RATE
        stream = output.add_stream(name, rate=rate, layout="mono" if source.channels == 1 else "stereo")
        assert isinstance(stream, AudioStream)
        return stream

    def _picture_start(self) -> float:
        """Time of the recording's first frame on its own clock; sources count from there."""
        for stream in self._input.streams.video:
            if stream.start_time is not None and stream.time_base is not None:
                return float(stream.start_time * stream.time_base)
        return 0.0

    def _next(self) -> "_AudioPacket | None":
        try:
            return next((packet for packet in self._packets if packet.size), None)
        except (FFmpegError, OSError) as error:
            why = reason(error, self._name)
            warnings.warn(f"{self._name}: the sound breaks off: {why}", SourceWarning, stacklevel=2)
            self._packets = iter(())
            return None

    def _time_of(self, packet: "_AudioPacket") -> float:
        ticks = packet.pts if packet.pts is not None else packet.dts or 0
        return float(ticks * packet.time_base) - self._offset

    def _write(self, packet: "_AudioPacket") -> None:
        assert self._to is not None
        if not self._copied:
            self._encode(packet)
            return
        shift = round(self._offset / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts = None if packet.dts is None else packet.dts - shift
        packet.stream = self._to
        self._output.mux(packet)

    def _encode(self, packet: "_AudioPacket") -> None:
        assert self._to is not None
        try:
            frames = packet.decode()
        except FFmpegError:  # one damaged packet is a short silence
            return
        for frame in frames:
            assert isinstance(frame, av.AudioFrame)
            if frame.pts is not None and frame.time_base is not None:
                frame.pts -= round(self._offset / frame.time_base)
            self._output.mux(self._to.encode(frame))
