"""A COCO-format annotation file with words in two languages (docs/formats.md, "Training data").

Chinese is in the field of the same name with `_zh`: `name` and `name_zh` of a category; `phrase`, `hard_negatives` and
their `_zh` of an annotation; `caption`, `long_caption` and their `_zh` of an image. Only file names and boxes are
needed.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from heads.pool import MIN_SIDE
from regionclip.data.examples import RegionText
from regionclip.data.settings import DataSettings
from regionclip.errors import BoxError, ImageFileError
from regionclip.scenes.language.sentences import LANGUAGES, Language

T = TypeVar("T")
_SUFFIX: dict[Language, str] = {"en": "", "zh": "_zh"}


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """An annotation.

    Attributes:
        box: xyxy in pixels of the picture.
        label: index into the categories, or None.
        words: what it is called, by language; one is drawn.
        hard: texts that are wrong for it, by language.
    """

    box: tuple[float, float, float, float]
    label: int | None
    words: Mapping[Language, tuple[RegionText, ...]]
    hard: Mapping[Language, tuple[str, ...]]


def boxes_of(regions: Sequence[Region]) -> NDArray[np.float32]:
    """`(N, 4)` xyxy in pixels of the picture."""
    return np.array([region.box for region in regions], np.float32).reshape(-1, 4)


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """An image.

    Attributes:
        path: of its file.
        regions: its usable annotations, in their order.
        short: captions by language; one is drawn.
        long: long captions by language.
    """

    path: Path
    regions: list[Region]
    short: Mapping[Language, tuple[str, ...]]
    long: Mapping[Language, tuple[str, ...]]

    @property
    def boxes(self) -> NDArray[np.float32]:
        """`(N, 4)` xyxy of the regions."""
        return boxes_of(self.regions)

    def speaks(self, language: Language, stage: str) -> bool:
        """Whether the stage can learn anything from it in this language."""
        captions = bool(self.short[language] or self.long[language])
        return captions or (stage == "regions" and any(region.words[language] for region in self.regions))


class CocoFile:
    """Pictures of an annotation file, all of them checked to be pictures (by their first bytes).

    Crowd boxes and boxes without area are left out. `pictures` are those of the split, `names` the categories in each
    language that has a name for all of them (the first, where there are several), `identity` says in a line what the
    file is.

    Raises:
        BoxError: the file is missing, is no COCO JSON, or an entry is not as expected; says which.
        ImageFileError: pictures are missing, or are no pictures.
    """

    def __init__(self, data: DataSettings) -> None:
        path = Path(data.annotations or "")
        try:
            content = path.read_bytes()
            notes = json.loads(content)
        except OSError as error:
            raise BoxError(f"annotations {path} cannot be read: {error.strerror}") from error
        except (ValueError, RecursionError) as error:
            raise BoxError(f"annotations {path}: not valid JSON: {error}") from error
        if not isinstance(notes, dict) or not all(
            isinstance(notes.get(key, usual), list)
            for key, usual in (("images", None), ("annotations", None), ("categories", []))
        ):
            raise BoxError(
                f"annotations {path}: expected COCO JSON with lists `images`, `annotations` and, if any, `categories`"
            )
        self.identity = f"{path.name}, sha256 {hashlib.sha256(content).hexdigest()[:16]}, split {data.split}"
        try:
            self._read(notes, Path(data.images or ""), data.split)
        except BoxError as error:
            raise BoxError(f"annotations {path}: {error}") from error
        files = [picture.path for picture in self.pictures]
        if absent := [str(file) for file in files if not file.is_file()]:
            shown = ", ".join(absent[:3])
            raise ImageFileError(f"annotations {path}: {len(absent)} of {len(files)} pictures missing: {shown}")
        if broken := [f"{file} ({fault})" for file in files if (fault := _fault(file))]:
            shown = ", ".join(broken[:3])
            raise ImageFileError(f"annotations {path}: {len(broken)} of {len(files)} pictures unreadable: {shown}")

    @classmethod
    def at(cls, annotations: Path, images: Path, split: str | None = None) -> Self:
        """The file at a path, its pictures in a folder."""
        return cls(DataSettings(kind="coco", annotations=str(annotations), images=str(images), split=split))

    def _read(self, notes: Mapping[str, Any], folder: Path, split: str | None) -> None:
        names: dict[Any, dict[Language, tuple[str, ...]]] = {}
        for place, entry in enumerate(notes.get("categories", [])):
            with _naming("category", place, entry):
                _put(names, entry["id"], {language: _texts(entry, "name", language) for language in LANGUAGES})
        self.names: dict[Language, tuple[str, ...]] = {
            language: tuple(each[language][0] for each in names.values())
            for language in LANGUAGES
            if names and all(each[language] for each in names.values())
        }
        self.pictures: list[Picture] = []
        images: dict[Any, Picture] = {}
        for place, entry in enumerate(notes["images"]):
            with _naming("image", place, entry):
                _put(images, entry["id"], _picture(entry, folder))
                if split in (None, entry.get("split")):
                    self.pictures.append(images[entry["id"]])
        labels = {number: label for label, number in enumerate(names)}
        for place, entry in enumerate(notes["annotations"]):
            with _naming("annotation", place, entry):
                image = _listed(images, "image", entry["image_id"])
                own = _listed(names, "category", entry["category_id"]) if "category_id" in entry else {}
                region = None if entry.get("iscrowd") else _region(entry, labels.get(entry.get("category_id")), own)
                if region is not None:
                    image.regions.append(region)
        if not self.pictures:
            raise BoxError("no pictures" + ("" if split is None else f" of split {split!r}"))


def _picture(entry: Mapping[str, Any], folder: Path) -> Picture:
    """An image whose annotations are still to come."""
    if not isinstance(entry["file_name"], str):
        raise BoxError(f"file_name: expected text, got {entry['file_name']!r}")
    short, long = (
        {language: _texts(entry, key, language) for language in LANGUAGES} for key in ("caption", "long_caption")
    )
    return Picture(folder / entry["file_name"], [], short, long)


def _region(entry: Mapping[str, Any], label: int | None, names: Mapping[Language, tuple[str, ...]]) -> Region | None:
    if len(entry["bbox"]) != 4:
        raise BoxError(f"bbox: expected x, y, width and height, got {entry['bbox']}")
    x, y, width, height = (float(side) for side in entry["bbox"])
    if not (np.isfinite([x, y, width, height]).all() and min(width, height) > MIN_SIDE):
        return None
    phrases = {language: _texts(entry, "phrase", language) for language in LANGUAGES}
    true = frozenset(text.lower() for given in (phrases, names) for texts in given.values() for text in texts)
    words = {
        language: tuple(RegionText(text, true) for text in phrases[language] or names.get(language, ()))
        for language in LANGUAGES
    }
    hard = {language: _texts(entry, "hard_negatives", language) for language in LANGUAGES}
    if wrong := [text for texts in hard.values() for text in texts if text.lower() in true]:
        raise BoxError(f"hard negative {wrong[0]!r} is also a phrase or name of it: expected what is wrong for it")
    return Region((x, y, x + width, y + height), label, words, hard)


@contextmanager
def _naming(kind: str, place: int, entry: Any) -> Iterator[None]:  # noqa: ANN401 - any JSON value
    """Say of which entry an error is: by its identifier, or by its place where it has none."""
    number = entry.get("id") if isinstance(entry, dict) else None
    which = f"{kind} {number}" if number is not None else f"{kind} at place {place} (from 0)"
    try:
        yield
    except BoxError as error:
        raise BoxError(f"{which}: {error}") from error
    except KeyError as error:
        raise BoxError(f"{which}: expected a key {error}") from error
    except (TypeError, ValueError, AttributeError) as error:
        raise BoxError(f"{which}: not as expected in COCO JSON ({error})") from error


def _put(table: dict[Any, Any], number: Any, value: Any) -> None:  # noqa: ANN401 - any JSON value
    if number in table:
        raise BoxError("expected an id of its own, got one that is listed twice")
    table[number] = value


def _listed(table: Mapping[Any, T], kind: str, number: Any) -> T:  # noqa: ANN401 - any JSON value
    if number not in table:
        raise BoxError(f"{kind} {number} is not listed")
    return table[number]


def _texts(entry: Mapping[str, Any], key: str, language: Language) -> tuple[str, ...]:
    """The field `key` in a language: a text, or a list of them; absent and empty ones are none."""
    key += _SUFFIX[language]
    value = entry.get(key)
    texts = [] if value is None else value if isinstance(value, list) else [value]
    if wrong := [text for text in texts if not isinstance(text, str)]:
        raise BoxError(f"{key}: expected text, got {wrong[0]!r}")
    return tuple(text for text in texts if text.strip())


def _fault(path: Path) -> str | None:
    """Why a file is no picture, as far as its first bytes tell."""
    try:
        with Image.open(path):
            return None
    except UnidentifiedImageError:
        return "no picture"
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return str(error)
