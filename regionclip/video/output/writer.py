"""VideoWriter: annotated frames into a video that browsers play (docs/video_output.md)."""

import math
import os
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import av
from av.codec.context import Flags
from av.error import FFmpegError
from av.video.codeccontext import VideoCodecContext
from av.video.stream import VideoStream

from regionclip.errors import ConfigError, InputError, VideoFileError
from regionclip.formats.growing import FrameFile, NewFile
from regionclip.frames import FrameLike, to_frame
from regionclip.video.output.audio import Sound
from regionclip.video.output.clock import Clock
from regionclip.video.output.codecs import encoding
from regionclip.video.output.yuv import BT709, LIMITED, fitted, to_yuv420
from regionclip.video.sources.options import check_positive

if TYPE_CHECKING:
    from av.container import OutputContainer

_USUAL_FPS = 25.0


class VideoWriter(FrameFile):
    """Writes frames with their own times into one video file, a context manager.

    What an exception leaves of it, see `FrameFile`.

    Args:
        path: `.mp4`, `.mkv` or `.webm`; an older file is replaced at the end, missing folders are made.
        codec: `h264`, `hevc`, `vp9`, `av1` or `mpeg4`.
        quality: smaller is better and larger (CRF; the quantiser for mpeg4); None takes the codec's own.
        audio_from: the recording that the frames come from, for its sound; one without sound is fine.
        fps_hint: frames a second, for how long the last frame is shown where it is the only one.

    Attributes:
        size: `(H, W)` of the video, both even; (0, 0) before the first frame.

    Raises:
        ConfigError: where codec, quality and suffix do not go together, or the recording would be overwritten.
        SourceError: where `audio_from` cannot be read.
        FileError: where the file cannot be made.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        codec: str = "h264",
        quality: int | None = None,
        audio_from: str | Path | None = None,
        fps_hint: float | None = None,
    ) -> None:
        if fps_hint is not None:
            check_positive(fps_hint, "fps_hint")
        self._fps = fps_hint or _USUAL_FPS
        self._encoding = encoding(path, codec, quality)
        super().__init__(path)
        self._clock = Clock(self._encoding.ticks, 1 / self._fps, self._encoding.longest_gap)
        self.size = (0, 0)
        self._output: OutputContainer | None = None
        self._codec: VideoCodecContext | None = None
        self._held: av.VideoFrame | None = None
        if audio_from is not None and os.path.realpath(path) == os.path.realpath(audio_from):
            raise ConfigError(f"{path}: this is the recording itself; write to another file")
        self._sound = None if audio_from is None else Sound(audio_from, self._encoding.container)
        try:
            self._new = NewFile(path)
        except BaseException:
            self._close_sound()
            raise

    @property
    def start_seconds(self) -> float | None:
        """Time of the first frame: what a place in the file lacks to the source's time. None before it."""
        return self._clock.start

    def write(self, image: FrameLike, t_seconds: float) -> None:
        """Add a frame.

        Args:
            image: `(H, W, 3)` uint8 BGR. The first one's size, made even, is that of the video; others are scaled to
                fit into it, with black bars.
            t_seconds: when it is shown, on the source's clock; kept to the millisecond. Times that do not grow are
                moved, see `Clock`.

        Raises:
            FrameError: for what is no frame; the video goes on.
            InputError: for a time that is no finite number; the video goes on.
            VideoFileError: where it cannot be written, as on a full disk; the video is closed.
        """
        if self._closed:
            raise VideoFileError(f"{self.path} is closed")
        frame = to_frame(image)
        if not math.isfinite(t_seconds):
            raise InputError(f"t_seconds: expected a finite number, got {t_seconds}")
        try:
            if self._output is None:
                self.size = (frame.shape[0] + frame.shape[0] % 2, frame.shape[1] + frame.shape[1] % 2)
                self._output, self._codec = self._start(t_seconds)
            picture = av.VideoFrame.from_ndarray(to_yuv420(fitted(frame, self.size)), format="yuv420p")
            picture.pts, picture.time_base = self._clock.place(t_seconds), Fraction(1, self._encoding.ticks)
            self._push(picture)
            self.frames += 1
            if self._sound is not None:
                self._sound.carry(self._clock.end)
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from error

    def close(self) -> None:
        """Finish the file and give it its name. Closing twice is fine.

        Raises:
            VideoFileError: where no frame was written, or the rest cannot be, as on a full disk.
            FileError: where the file cannot be renamed.
        """
        if self._closed:
            return
        if not self.frames:
            self.abort()
            raise VideoFileError(f"{self.path} is not written: there was no frame")
        try:
            self._finish()
        except (FFmpegError, OSError) as error:
            raise self._failed(error) from error
        except BaseException:  # another Ctrl-C: the file is whole but for its last frames
            self._release()
            self._new.keep()
            raise
        self._release()
        self._new.keep()

    def _start(self, t_seconds: float) -> tuple["OutputContainer", VideoCodecContext]:
        """Open the file for frames of `_size`."""
        chosen, second = self._encoding, Fraction(1, self._encoding.ticks)
        flags = {"movflags": "+faststart"} if chosen.container == "mp4" else {}
        output = av.open(str(self._new.temporary), "w", format=chosen.container, container_options=flags)
        rate = Fraction(self._fps).limit_denominator(1001)
        stream = output.add_stream(chosen.encoder, rate=rate, options=chosen.options, time_base=second)
        assert isinstance(stream, VideoStream)
        codec = stream.codec_context
        codec.height, codec.width = self.size
        codec.flags |= Flags.frame_duration
        codec.color_primaries = codec.color_trc = codec.colorspace = BT709
        codec.color_range = LIMITED
        if chosen.codec == "hevc" and chosen.container == "mp4":
            codec.codec_tag = "hvc1"  # Apple plays no other
        if self._sound is not None:
            self._sound.attach(output, t_seconds)
        output.start_encoding()
        return output, codec

    def _push(self, picture: av.VideoFrame | None) -> None:
        """Encode the frame before `picture`, now that it is known how long it is shown."""
        before, self._held = self._held, picture
        if before is not None:
            assert before.pts is not None
            next_ticks = before.pts + self._clock.step if picture is None else picture.pts
            assert next_ticks is not None
            before.duration = next_ticks - before.pts
            self._encode(before)

    def _encode(self, picture: av.VideoFrame | None) -> None:
        # One call: Ctrl-C comes before or after it, and never loses a packet that others build on. Packets of
        # `encode_lazy` belong to stream 0, the video's.
        assert self._output is not None
        assert self._codec is not None
        self._output.mux(self._codec.encode_lazy(picture))  # type: ignore[arg-type]

    def _finish(self) -> None:
        assert self._output is not None
        try:
            self._push(None)
            self._encode(None)
            if self._sound is not None:
                self._sound.finish(self._clock.end)
        finally:
            self._output.close()

    def _failed(self, error: Exception) -> VideoFileError:
        """Let go of the file; Matroska can be played as far as it goes, MP4 without its end cannot."""
        text = str(getattr(error, "strerror", None) or error)
        if not self.frames and isinstance(error, ValueError):
            text = f"{self._encoding.codec} does not take frames of {self.size[1]} x {self.size[0]} ({text})"
        self._release()
        if self.frames and self._encoding.container != "mp4":
            part = self.path.with_stem(f"{self.path.stem}.part").name  # under its own name there are only whole files
            self._new.keep(part)
            return VideoFileError(f"{self.path} cannot be written on: {text}; what fitted is {part}")
        self._new.discard()
        return VideoFileError(f"{self.path} cannot be written: {text}")

    def _release(self) -> None:
        """Let go of files and threads."""
        super()._release()
        if self._output is not None:
            with suppress(FFmpegError, OSError):
                self._output.close()
            self._output = self._codec = None  # an encoder's threads end with it
        self._close_sound()

    def _close_sound(self) -> None:
        if self._sound is not None:
            self._sound.close()
