"""Writing pictures: names that never meet a source or each other, and files that are never half-written."""

from collections.abc import Sequence
from pathlib import Path

import cv2

from regionclip.errors import FileError
from regionclip.formats.files import write_file
from regionclip.frames import Frame

_QUALITY = {".jpg": [cv2.IMWRITE_JPEG_QUALITY, 92], ".png": [cv2.IMWRITE_PNG_COMPRESSION, 4]}


def picture_names(folder: Path, images: Sequence[Path]) -> list[Path]:
    """A name in `folder` for the annotated copy of each picture: `NAME-regions.jpg`, `.png` for anything but JPEG.

    Pictures of one name from several folders get `-2`, `-3`, ...; so does a name that one of the pictures has itself.
    """
    sources = {image.resolve() for image in images}
    taken: set[str] = set()
    names = []
    for image in images:
        suffix = ".jpg" if image.suffix.lower() in (".jpg", ".jpeg") else ".png"
        name, count = f"{image.stem}-regions{suffix}", 1
        while name in taken or (folder / name).resolve() in sources:
            count += 1
            name = f"{image.stem}-regions-{count}{suffix}"
        taken.add(name)
        names.append(folder / name)
    return names


def write_picture(path: Path, frame: Frame) -> None:
    """Write a frame as JPEG or PNG, by the suffix of `path`.

    Raises:
        FileError: for another suffix, or where the file cannot be written.
    """
    suffix = path.suffix.lower()
    if suffix not in _QUALITY:
        raise FileError(f"picture {path}: expected a name ending in .jpg or .png")
    done, encoded = cv2.imencode(suffix, frame, _QUALITY[suffix])
    if not done:
        raise FileError(f"picture {path}: OpenCV could not encode a frame of {frame.shape}")
    write_file(path, encoded.tobytes())
