"""Writing pictures: names that never meet a source or each other, and files that are never half-written."""

import hashlib
import os
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from regionclip.errors import ConfigError, FileError
from regionclip.formats.files import write_file
from regionclip.frames import Frame

_JPEG_COMMENT = b"\xff\xfe"
_BEGINNING = 200
"""Bytes of a file within which the mark of its source stands."""
_PNG_HEADER = 33
"""Bytes of a PNG file before the first chunk that may be a text."""


def picture_suffix(image: Path) -> str:
    """Of pictures drawn from this one: `.jpg` for JPEG, `.png` for anything else."""
    return ".jpg" if image.suffix.lower() in (".jpg", ".jpeg") else ".png"


def picture_names(folder: Path, images: Sequence[Path]) -> list[Path]:
    """A name in `folder` for the annotated copy of each picture: `NAME-regions.jpg`, `.png` for anything but JPEG.

    Pictures of one name get the names of as many of their folders before it as tell them apart: `A-NAME-regions.jpg`.
    What is still taken, by one of the pictures themselves or by `NAME.bmp` beside `NAME.png`, gets `-2`, `-3`, ...
    """
    depths = [0] * len(images)
    while True:
        names = [_name(image, depth) for image, depth in zip(images, depths, strict=True)]
        counts = Counter(name.lower() for name in names)
        deeper = [
            min(depth + (counts[name.lower()] > 1), len(_folders(image)))
            for image, depth, name in zip(images, depths, names, strict=True)
        ]
        if deeper == depths:
            break
        depths = deeper
    taken = {path.resolve() for path in images}
    found = []
    for plain in (folder / name for name in names):
        path, count = plain, 1
        while path.resolve() in taken:
            count += 1
            path = plain.with_stem(f"{plain.stem}-{count}")
        taken.add(path.resolve())
        found.append(path)
    return found


def check_replaceable(pictures: Iterable[tuple[Path, Path]]) -> None:
    """Refuse to replace what is there, unless it was drawn from the same picture.

    Args:
        pictures: each file to be written, and the picture it is drawn from.

    Raises:
        ConfigError: where one is there and bears no mark of that picture (`write_picture`).
    """
    for path, source in pictures:
        if not path.is_file():
            continue
        with path.open("rb") as file:
            known = _mark(source) in file.read(_BEGINNING)
        if not known:
            raise ConfigError(
                f"{path} is there already and was not drawn from {source}: give another folder, or move it away"
            )


def write_picture(path: Path, frame: Frame, *, source: Path | None = None) -> None:
    """Write a frame as JPEG or PNG, by the suffix of `path`.

    Args:
        path: of the new file.
        frame: `(H, W, 3)` BGR.
        source: the picture it was drawn from; the file bears a mark of it, by which `check_replaceable` knows it.

    Raises:
        FileError: for another suffix, or where the file cannot be written.
    """
    import cv2

    qualities = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 4]}
    suffix = path.suffix.lower()
    if suffix not in qualities:
        raise FileError(f"picture {path}: expected a name ending in .jpg or .png")
    done, encoded = cv2.imencode(suffix, frame, qualities[suffix])
    if not done:
        raise FileError(f"picture {path}: OpenCV could not encode a frame of {frame.shape}")
    content = encoded.tobytes()
    write_file(path, content if source is None else _marked(content, suffix, _mark(source)))


def _name(image: Path, depth: int) -> str:
    folders = _folders(image)
    return "-".join([*folders[len(folders) - depth :], image.stem]) + f"-regions{picture_suffix(image)}"


def _folders(image: Path) -> tuple[str, ...]:
    return Path(os.path.abspath(image)).parts[1:-1]  # noqa: PTH100 - links keep the names that the user knows


def _mark(source: Path) -> bytes:
    """What tells the pictures drawn from one file from all others, without saying where that file lies."""
    return b"regionclip source " + hashlib.sha256(os.fsencode(os.path.realpath(source))).hexdigest()[:16].encode()


def _marked(content: bytes, suffix: str, mark: bytes) -> bytes:
    """The bytes of a picture with a comment (JPEG) or a text (PNG) near its beginning."""
    if suffix == ".jpg":
        return content[:2] + _JPEG_COMMENT + (len(mark) + 2).to_bytes(2, "big") + mark + content[2:]
    chunk = b"tEXtComment\0" + mark
    text = (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return content[:_PNG_HEADER] + text + content[_PNG_HEADER:]
