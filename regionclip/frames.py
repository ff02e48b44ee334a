"""Whatever a caller holds as a picture -> one checked frame: `(H, W, 3)` uint8 BGR.

Files are decoded with Pillow, because OpenCV decodes half a JPEG without a word.
"""

import glob
import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from regionclip.errors import FrameError, ImageFileError, ImageWarning, quiet, warn

Frame: TypeAlias = NDArray[np.uint8]
"""`(H, W, 3)` uint8 BGR, C-contiguous."""

FrameLike: TypeAlias = NDArray[Any] | Image.Image | str | Path
"""A BGR array, a PIL image, or the path of a picture."""

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"})
"""File names that count as pictures when a folder is read."""

_SILENT = frozenset({"JPEG", "MPO", "PNG", "WEBP", "BMP", "GIF", "PPM"})
"""Formats of whose pixels Pillow does not warn."""

_ALL_OF = {"GIF": "`regionclip video`"}
"""What reads every picture of a format."""


def to_frame(source: FrameLike) -> Frame:
    """Check and convert a picture.

    Arrays are BGR, as OpenCV and ROS give them; read-only and non-contiguous ones are fine. Grey `(H, W)` or
    `(H, W, 1)` arrays are spread to three channels, the alpha of `(H, W, 4)` BGRA arrays and of PIL images is dropped.
    PIL images are taken as they are; files are turned upright by their EXIF orientation first. 16-bit grey is
    scaled to 8 bits.

    Raises:
        FrameError: for another type, dtype or shape, or an empty frame.
        ImageFileError: for a file that is missing, unreadable or truncated.
    """
    if isinstance(source, str | Path):
        return read_frame(source)
    if isinstance(source, Image.Image):
        return _from_pil(source)
    if not isinstance(source, np.ndarray):
        raise FrameError(
            "frame: expected a (H, W, 3) uint8 BGR array, a PIL image or a path, got "
            f"{type(source).__module__}.{type(source).__qualname__}; "
            "turn a tensor into an array first (tensor.cpu().numpy())"
        )
    return _from_array(source)


def read_frame(path: str | Path) -> Frame:
    """Read one picture file, upright.

    Of an animated file or one of several pages the first picture is taken, with an `ImageWarning`.

    Raises:
        ImageFileError: where the file is missing, not a picture, or truncated.
    """
    path = Path(path)
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ImageFileError(f"picture {path} cannot be read: {error.strerror}; expected an image file") from error
    return decode_frame(content, f"picture {path}")


def decode_frame(
    content: bytes, what: str, *, formats: tuple[str, ...] | None = None, most_pixels: int | None = None
) -> Frame:
    """Decode the bytes of a picture file, upright.

    Args:
        content: of the file.
        what: names it in errors.
        formats: Pillow's names of those that are taken; None takes all that it reads.
        most_pixels: a larger picture is refused before any pixel is decoded; None leaves it to Pillow's own limit.

    Raises:
        ImageFileError: where they are no picture, or a truncated one, or one too large.
    """
    if not content:
        raise ImageFileError(f"{what} is empty")
    try:
        with quiet():  # Pillow warns of damage to the notes beside the pixels; damaged pixels raise
            image = Image.open(io.BytesIO(content), formats=formats)
            if most_pixels is not None and image.width * image.height > most_pixels:
                raise FrameError(f"expected {most_pixels:,} pixels at most, got {image.width} x {image.height}")
            several = _holds_several(image)
        if image.format in _SILENT:
            image.load()  # the long part, out of `quiet` so that threads need not wait for one another
        with quiet(), image:
            upright = ImageOps.exif_transpose(image)
        frame = _from_pil(upright)
    except FrameError as error:
        raise ImageFileError(f"{what}: {error}") from error
    except UnidentifiedImageError as error:
        raise ImageFileError(f"{what} cannot be decoded: it is no image, or badly damaged") from error
    except Image.DecompressionBombError as error:
        raise ImageFileError(f"{what} is too large: {error}") from error
    except Exception as error:  # Pillow's readers let out whatever struct, zlib and their own slips raise
        raise ImageFileError(
            f"{what} cannot be decoded ({error}): it is damaged or truncated; copy it again"
        ) from error
    if several:
        way = _ALL_OF.get(image.format or "", "det.batch(PIL.ImageSequence.all_frames(PIL.Image.open(FILE))) in Python")
        warn(f"{what} holds several pictures and the first is taken; to have all of them, use {way}", ImageWarning)
    return frame


def find_images(sources: Iterable[str | Path]) -> list[Path]:
    """Picture files behind paths, folders (not their sub-folders) and glob patterns, in order, each once.

    Raises:
        ImageFileError: where a source names nothing, or a folder holds no picture.
    """
    found: dict[Path, None] = {}
    for source in sources:
        path = Path(source)
        if os.path.isdir(path):  # noqa: PTH112 - False for names that the system refuses, where pathlib raises
            try:
                inside = sorted(entry for entry in path.iterdir() if _is_picture(entry))
            except OSError as error:
                raise ImageFileError(f"folder {path} cannot be read: {error.strerror}") from error
            if not inside:
                raise ImageFileError(f"folder {path} holds no pictures: expected {', '.join(sorted(SUFFIXES))}")
        elif os.path.exists(path):  # noqa: PTH110
            inside = [path]
        else:
            matches = map(Path, glob.glob(str(source), recursive=True))  # noqa: PTH207
            inside = sorted(match for match in matches if _is_picture(match))
            if not inside:
                raise ImageFileError(f"{source}: no such file, folder or picture matching the pattern")
        found.update(dict.fromkeys(inside))
    return list(found)


def _is_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES and path.is_file()


def _holds_several(image: Image.Image) -> bool:
    """Whether a file is animated or has pages. Photographs of telephones (MPO) hold a small copy, which is none."""
    return image.format != "MPO" and bool(getattr(image, "is_animated", False))


def _from_pil(image: Image.Image) -> Frame:
    if image.mode in ("F", "I"):
        raise FrameError(
            f"frame: expected 8 or 16 bits a channel, got a PIL image of mode {image.mode!r}, whose range is unknown; "
            "scale it to 0..255 and convert it to uint8"
        )
    if image.mode.startswith("I;16"):
        # Pillow's own conversion clips 16-bit grey at 255 instead of scaling it.
        grey = (np.asarray(image) >> 8).astype(np.uint8)
        return _from_array(grey)
    if "transparency" in image.info:  # Pillow would warn of what it cannot keep of it, and nothing of it is kept here
        image = image.copy()
        del image.info["transparency"]
    rgb = np.asarray(image.convert("RGB"))  # (H, W, 3) RGB
    return _from_array(rgb[:, :, ::-1])


def _from_array(array: NDArray[Any]) -> Frame:
    if array.dtype != np.uint8:
        remedy = "multiply by 255 and round first if it is in 0..1, then .astype(np.uint8)"
        raise FrameError(f"frame: expected dtype uint8 (0..255), got {array.dtype}; {remedy}")
    if array.ndim == 2:
        array = array[:, :, None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4):
        raise FrameError(
            f"frame: expected shape (H, W, 3) in BGR order, got {array.shape}; one frame a call "
            "(Detector.batch takes several), channels last"
        )
    if array.size == 0:
        raise FrameError(f"frame: expected at least one pixel, got shape {array.shape}")
    colour = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array[:, :, :3]
    return np.ascontiguousarray(colour)
