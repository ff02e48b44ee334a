"""Scenes and clips as files: pictures, H.264 videos, and their truth as COCO JSON (docs/scenes.md)."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import av

from regionclip.errors import FrameError
from regionclip.formats.files import write_file
from regionclip.formats.pictures import write_picture
from regionclip.scenes.clips import Clip, ClipFrame
from regionclip.scenes.kinds.known import KINDS as DRAWN
from regionclip.scenes.language.phrases import KINDS, name
from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.language.statements import false_phrases, true_phrases
from regionclip.scenes.painting.painter import Image
from regionclip.scenes.render import Scene
from regionclip.scenes.stage import SceneObject

Suffix = Literal[".jpg", ".png"]

ANNOTATIONS = "annotations.json"
_KEY_ENDS: dict[Language, str] = {"en": "", "zh": "_zh"}
_QUALITY = "18"  # x264's constant rate factor: hardly to be told from the frames


def export_scenes(
    out: Path,
    numbers: Iterable[int],
    render: Callable[[int], Scene],
    *,
    suffix: Suffix = ".jpg",
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Write scenes as `images/NUMBER.jpg` and their truth; the path of the annotation file.

    Args:
        out: folder, made where it is missing.
        numbers: of the scenes.
        render: a scene from its number, as `lambda index: render_scene(7, index)`.
        suffix: of the pictures.
        info: goes into the annotation file under `info`.

    Raises:
        FileError: where something cannot be written; the annotation file is written last.
    """
    truth = AnnotationFile(info)
    for number in numbers:
        scene = render(number)
        file = f"images/{number:06d}{suffix}"
        write_picture(out / file, scene.frame)
        truth.add_image(file, scene.frame, scene.objects, place=scene.place, index=number)
    return truth.write(out)


def export_clips(
    out: Path,
    numbers: Iterable[int],
    render: Callable[[int], Clip],
    *,
    suffix: Suffix = ".jpg",
    info: Mapping[str, Any] | None = None,
) -> Path:
    """Write clips as folders of pictures `clips/NUMBER/FRAME.jpg`, as `clips/NUMBER.mp4`, and their truth.

    Arguments and errors are those of `export_scenes`.

    Raises:
        FrameError: for frames of odd width or height, which H.264 with 4:2:0 colour cannot hold.
    """
    truth = AnnotationFile(info)
    for number in numbers:
        clip, folder = render(number), f"clips/{number:06d}"
        video, encoder = truth.add_video(f"{folder}.mp4", clip, index=number), VideoEncoder(clip.size, clip.fps)
        for shot in clip:
            file = f"{folder}/{shot.index:06d}{suffix}"
            write_picture(out / file, shot.frame)
            encoder.add(shot.frame)
            truth.add_frame(file, shot, video)
        write_file(out / f"{folder}.mp4", encoder.finish())
    return truth.write(out)


class AnnotationFile:
    """The content of an annotation file in the making. Identifiers count from 1.

    Args:
        info: what goes under `info`.
    """

    def __init__(self, info: Mapping[str, Any] | None = None) -> None:
        self._info = dict(info or {})
        self._videos: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add_video(self, file: str, clip: Clip, **more: Any) -> int:  # noqa: ANN401 - any JSON value
        """Add a clip without its frames; its identifier."""
        height, width = clip.size
        events = [
            {"kind": it.kind, "track_ids": list(it.tracks), "start": round(it.start, 3), "end": round(it.end, 3)}
            for it in clip.events
        ]
        entry = {"id": len(self._videos) + 1, "file_name": file, "width": width, "height": height, "fps": clip.fps}
        self._videos.append(
            entry | {"length": len(clip), "camera": clip.camera, "place": clip.place, "events": events} | more
        )
        return len(self._videos)

    def add_frame(self, file: str, shot: ClipFrame, video: int) -> None:
        """Add a frame of a clip and its objects."""
        self.add_image(
            file,
            shot.frame,
            shot.objects,
            shot.tracks,
            video_id=video,
            frame_index=shot.index,
            seconds=round(shot.seconds, 4),
            camera_motion=shot.motion.round(5).tolist(),
        )

    def add_image(
        self,
        file: str,
        frame: Image,
        objects: Iterable[SceneObject],
        tracks: Iterable[int] | None = None,
        **more: Any,  # noqa: ANN401 - any JSON value
    ) -> None:
        """Add a picture, its objects, their tracks where it is of a clip, and more entries of the picture."""
        height, width = frame.shape[:2]
        number = len(self._images) + 1
        self._images.append({"id": number, "file_name": file, "width": width, "height": height} | more)
        seen = list(objects)
        for item, track in zip(seen, [None] * len(seen) if tracks is None else tracks, strict=True):
            entry = {"id": len(self._annotations) + 1, "image_id": number} | _annotation(item)
            self._annotations.append(entry if track is None else entry | {"track_id": track})

    def write(self, out: Path) -> Path:
        """Write `annotations.json` into a folder; its path."""
        content: dict[str, Any] = {"info": self._info}
        if self._videos:
            content["videos"] = self._videos
        content |= {"images": self._images, "annotations": self._annotations, "categories": categories()}
        path = out / ANNOTATIONS
        write_file(path, (json.dumps(content, ensure_ascii=False) + "\n").encode())
        return path


class VideoEncoder:
    """Turns frames into an MP4 file with H.264 inside.

    Args:
        size: `(H, W)` of the frames in pixels, both even.
        fps: frames a second.

    Raises:
        FrameError: for an odd width or height.
    """

    def __init__(self, size: tuple[int, int], fps: float) -> None:
        height, width = size
        if height % 2 or width % 2:
            raise FrameError(f"video: expected an even width and height, got {width} x {height}")
        self._file = io.BytesIO()
        self._container = av.open(self._file, "w", format="mp4")
        rate = Fraction(fps).limit_denominator(1001)
        self._stream = self._container.add_stream("libx264", rate=rate, options={"crf": _QUALITY, "preset": "veryfast"})
        self._stream.width, self._stream.height, self._stream.pix_fmt = width, height, "yuv420p"

    def add(self, frame: Image) -> None:
        """Add a `(H, W, 3)` uint8 BGR frame."""
        self._container.mux(self._stream.encode(av.VideoFrame.from_ndarray(frame, format="bgr24")))

    def finish(self) -> bytes:
        """The file; nothing can be added afterwards."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._file.getvalue()


def categories() -> list[dict[str, Any]]:
    """All kinds as COCO categories: `id` from 1, `name`, and `name_zh` in Chinese."""
    return [
        {"id": number} | {f"name{end}": name(kind, language) for language, end in _KEY_ENDS.items()}
        for number, kind in enumerate(KINDS, 1)
    ]


def _annotation(item: SceneObject) -> dict[str, Any]:
    x1, y1, x2, y2 = item.xyxy
    entry: dict[str, Any] = {
        "category_id": KINDS.index(item.kind) + 1,
        "bbox": [x1, y1, x2 - x1, y2 - y1],
        "area": (x2 - x1) * (y2 - y1),
        "iscrowd": 0,
        "attributes": {
            "colour": item.colour,
            "traits": {trait: trait in item.traits for trait in DRAWN[item.kind].traits},
            "certain": item.certain,
        },
    }
    for language in LANGUAGES:
        entry[f"phrase{_KEY_ENDS[language]}"] = true_phrases(item, language)
        entry[f"hard_negatives{_KEY_ENDS[language]}"] = false_phrases(item, language)
    return entry
