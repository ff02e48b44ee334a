"""What a set says is true, with all that protocols judge by: crowds, areas, and which classes were looked for.

The file is COCO's. A federated one looks for a few classes in each image (LVIS: Gupta et al. 2019, arXiv:1908.03195,
section 2): those that it annotates there and those of `neg_category_ids`, and in `not_exhaustive_category_ids` not for
all objects of them. A set put together from several says it once a source: `sources[image.source].category_ids`.

Letters: N boxes.
"""

import hashlib
import json
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from regionclip.errors import BoxError, ConfigError, ImageFileError, PromptError, few
from regionclip.scenes.language.sentences import Language
from regionclip.words.phrase import language_of
from regionclip.words.vocabulary import Label, Vocabulary, parse_label

COCO: Mapping[str, Any] = tomllib.loads((files(__package__) / "coco.toml").read_text("utf-8"))
"""Chinese names of COCO's classes, and the split of them into base and novel ones."""


@dataclass(frozen=True, slots=True)
class Category:
    """A class: its `id` and name in the file, the Chinese name where it is known, and LVIS's frequency r, c or f."""

    id: int
    en: str
    zh: str | None
    frequency: str


@dataclass(frozen=True, slots=True)
class TrueBox:
    """An annotation: `xywh` in pixels, `area` as the file states it (of a mask, where there is one).

    `false` are classes that it is not, where the file names such (FG-OVD).
    """

    id: int
    category: int
    xywh: tuple[float, float, float, float]
    area: float
    crowd: bool
    false: tuple[int, ...] = ()

    @property
    def xyxy(self) -> tuple[float, float, float, float]:
        """Corners in pixels."""
        x, y, width, height = self.xywh
        return x, y, x + width, y + height


@dataclass(frozen=True, slots=True)
class TrueImage:
    """An image.

    Attributes:
        id: in the file.
        path: of the picture.
        boxes: all of them, crowds too.
        judged: ids of the classes that were looked for; None for all.
        partial: ids of those of which more may be there than is annotated.
        captions: what people said of it.
    """

    id: int
    path: Path
    boxes: tuple[TrueBox, ...]
    judged: frozenset[int] | None = None
    partial: frozenset[int] = frozenset()
    captions: tuple[str, ...] = ()

    def judges(self, category: int) -> bool:
        """Whether the image says anything of a class."""
        return self.judged is None or category in self.judged


@dataclass(frozen=True, slots=True)
class TrueSet:
    """Images and classes in the order of the file; `identity` says in a line which file that is."""

    identity: str
    categories: tuple[Category, ...]
    images: tuple[TrueImage, ...]

    @classmethod
    def read(cls, annotations: Path, images: Path, split: str | None = None, first: int | None = None) -> Self:
        """The images of a file, or of one `split` of it, or the `first` of these.

        Raises:
            BoxError: the file is missing, no JSON, or an entry is not as COCO has it.
            ImageFileError: pictures are missing.
        """
        try:
            content = annotations.read_bytes()
            notes = json.loads(content)
            found = _read(notes, images, split)
        except OSError as error:
            raise BoxError(f"annotations {annotations} cannot be read: {error.strerror}") from error
        except KeyError as error:
            raise BoxError(f"annotations {annotations}: expected COCO JSON, got an entry without {error}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise BoxError(f"annotations {annotations}: expected COCO JSON: {error}") from error
        if not found[1]:
            raise BoxError(f"annotations {annotations}: no images" + ("" if split is None else f" of split {split!r}"))
        shown = found[1][:first]
        if absent := [str(image.path) for image in shown if not image.path.is_file()]:
            raise ImageFileError(
                f"annotations {annotations}: {len(absent)} of {len(shown)} pictures missing: {few(absent, 3)}"
            )
        digest = hashlib.sha256(content).hexdigest()[:16]
        part = "" if split is None else f", split {split}"
        return cls(f"{annotations.name}, sha256 {digest}{part}", found[0], shown)

    @property
    def title(self) -> str:
        """What it is, in words."""
        return f"{self.identity}, {len(self.images)} images"

    @property
    def is_federated(self) -> bool:
        """Whether some image says nothing of some class."""
        return any(image.judged is not None for image in self.images)

    @property
    def languages(self) -> tuple[Language, ...]:
        """The languages that all classes have a name in."""
        if all(each.zh == each.en for each in self.categories):
            return ("zh",)  # the file is in Chinese
        return ("en", "zh") if all(each.zh for each in self.categories) else ("en",)

    def only(self, ids: Collection[int]) -> Self:
        """The set as if it had no other classes; their boxes are gone, the images stay."""
        images = tuple(
            replace(image, boxes=tuple(box for box in image.boxes if box.category in ids)) for image in self.images
        )
        return replace(self, images=images, categories=tuple(each for each in self.categories if each.id in ids))

    def named(self, names: Sequence[str]) -> list[Category]:
        """The classes of these English or Chinese names, in their order.

        Raises:
            PromptError: where a name is none of the set's; says which.
        """
        known = {name.casefold(): each for each in self.categories for name in (each.en, each.zh) if name}
        if absent := [name for name in names if name.casefold() not in known]:
            raise PromptError(
                f"{absent[0]!r} is no class of {self.identity}: expected names of it, as "
                f"{few([each.en for each in self.categories], 8)}; name=phrase|phrase asks a class in other words"
            )
        return [known[name.casefold()] for name in names]


def ask(truth: TrueSet, prompts: Sequence[str], language: str, templates: str = "none") -> tuple[TrueSet, Vocabulary]:
    """The classes to ask for and their words, in one order.

    Args:
        truth: the set.
        prompts: as `-p` gives them, each named like a class; none for all classes by their names.
        language: of these names, `en`, `zh` or `both`.
        templates: a set of templates for the languages that it has.

    Raises:
        PromptError: for a prompt that names no class, a class named twice, or a set of templates that does not exist.
        ConfigError: where the set has no names in that language.
    """
    if prompts:
        labels = [parse_label(prompt) for prompt in prompts]
        chosen = truth.named([label.name for label in labels])
        if twice := [each.en for place, each in enumerate(chosen) if each in chosen[:place]]:
            raise PromptError(f"{twice[0]!r} is asked twice: give one -p all its phrases, name=phrase|phrase")
        truth = replace(truth.only({each.id for each in chosen}), categories=tuple(chosen))
    else:
        if language != "en" and "zh" not in truth.languages:
            absent = [each.en for each in truth.categories if not each.zh]
            raise ConfigError(f"{truth.identity}: no Chinese name (`name_zh`) of {few(absent, 5)}; ask in English")
        labels = [Label(each.en, _phrases(each, language)) for each in truth.categories]
    return truth, Vocabulary(labels, templates=templates)


def _phrases(category: Category, language: str) -> tuple[str, ...]:
    chosen = {"en": (category.en,), "zh": (category.zh,), "both": (category.en, category.zh)}[language]
    return tuple(dict.fromkeys(name for name in chosen if name))


def given_boxes(boxes: Sequence[TrueBox]) -> NDArray[np.float32]:
    """`(N, 4)` xyxy in pixels."""
    return np.array([box.xyxy for box in boxes], np.float32).reshape(-1, 4)


def _read(
    notes: Mapping[str, Any], folder: Path, split: str | None
) -> tuple[tuple[Category, ...], tuple[TrueImage, ...]]:
    categories = tuple(_category(entry) for entry in notes.get("categories", []))
    boxes: dict[int, list[TrueBox]] = {entry["id"]: [] for entry in notes["images"]}
    captions: dict[int, list[str]] = {number: [] for number in boxes}
    for part in ("images", "annotations", "categories"):
        if len({entry["id"] for entry in notes.get(part, [])}) < len(notes.get(part, [])):
            raise ValueError(f"{part}: expected an id of its own of each, got one twice")
    known = {each.id for each in categories}
    for entry in notes["annotations"]:
        if "caption" in entry:
            captions[entry["image_id"]].append(str(entry["caption"]))
            continue
        if entry["category_id"] not in known:
            raise ValueError(f"annotation {entry.get('id')} is of category {entry['category_id']}, which is not listed")
        boxes[entry["image_id"]].append(_box(entry))
    of_source = {name: frozenset(each["category_ids"]) for name, each in notes.get("sources", {}).items()}
    images = (
        replace(_image(entry, folder, boxes[entry["id"]], of_source), captions=tuple(captions[entry["id"]]))
        for entry in notes["images"]
        if split in (None, entry.get("split"))
    )
    return categories, tuple(images)


def _category(entry: Mapping[str, Any]) -> Category:
    name = str(entry["name"]).replace("_", " ")  # LVIS writes fire_hydrant
    chinese = entry.get("name_zh") or COCO["zh"].get(name) or (name if language_of(name) == "zh" else None)
    return Category(entry["id"], name, chinese, entry.get("frequency", ""))


def _box(entry: Mapping[str, Any]) -> TrueBox:
    x, y, width, height = map(float, entry["bbox"])
    area = float(entry.get("area", width * height))
    false = tuple(entry.get("neg_category_ids", ()))
    return TrueBox(entry["id"], entry["category_id"], (x, y, width, height), area, bool(entry.get("iscrowd")), false)


def _image(
    entry: Mapping[str, Any], folder: Path, boxes: Sequence[TrueBox], of_source: Mapping[str, frozenset[int]]
) -> TrueImage:
    judged = of_source.get(entry.get("source", ""))
    if "neg_category_ids" in entry:
        judged = frozenset(entry["neg_category_ids"]) | {box.category for box in boxes}
    file = entry.get("file_name") or "/".join(str(entry["coco_url"]).split("/")[-2:])  # LVIS names the URL alone
    partial = frozenset(entry.get("not_exhaustive_category_ids", ()))
    return TrueImage(entry["id"], _picture(folder, file), tuple(boxes), judged, partial)


def _picture(folder: Path, file: str) -> Path:
    """LVIS takes its pictures from two folders of COCO; either the folder above is given, or the one they lie in."""
    path = folder / file
    return path if path.is_file() else folder / Path(file).name
