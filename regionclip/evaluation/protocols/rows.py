"""Rows of a run, written image by image as they come: one tower pass an image, and no image twice.

In the folder of a run lie `rows.jsonl`, which grows (a line that says what made it, then a line an image), and, once
all images are done, `results.json`: all rows in COCO's result format. Figures are computed from that file, read back,
so whoever has it and the annotations can compute them too.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from regionclip.detector import Detector
from regionclip.errors import FileError, quiet
from regionclip.evaluation.protocols.truth import TrueImage, TrueSet
from regionclip.formats.files import write_file
from regionclip.formats.growing import append, lock
from regionclip.frames import read_frame
from regionclip.towers.base import ImageFeatures
from regionclip.words.vocabulary import Vocabulary

Row = dict[str, Any]
Answer = Callable[[ImageFeatures, TrueImage], Sequence[Row]]
"""What a protocol asks of one image."""
Watch = Callable[[Sequence[TrueImage]], Iterable[TrueImage]]

_SCHEMA = "regionclip.rows/1"
_NO_MATTER = {"device", "phrase_cache", "name", "weights", "revision"}
"""Settings that change no row; the tower's fingerprint stands for its weights."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """A run that is done.

    Attributes:
        rows: of all images, as they were read back from `path`.
        path: of `results.json`.
        header: what made them.
        patches: cells of the grid of each image that was looked at as a whole.
        strange: images of no kind that the tower knows; None where it cannot tell.
    """

    rows: list[Row]
    path: Path
    header: Mapping[str, Any]
    patches: tuple[int, ...]
    strange: int | None


def header_of(
    detector: Detector,
    truth: TrueSet,
    protocol: str,
    words: Mapping[str, Vocabulary],
    **more: Any,  # noqa: ANN401 - any JSON value
) -> dict[str, Any]:
    """What rows depend on, as JSON: tower, settings, set, words, and what the protocol adds."""
    card = detector.tower.card
    spoken = {name: [[label.name, *label.phrases] for label in vocabulary] for name, vocabulary in words.items()}
    content = {
        "schema": _SCHEMA,
        "regionclip": version("regionclip"),
        "protocol": protocol,
        "tower": f"{card.name}@{card.revision}",
        "placement": detector.tower.placement,
        "budget": card.budget,
        "region_mode": card.region_mode,
        "proposer": type(detector.proposer).__name__,
        "settings": detector.config.model_dump(mode="json", exclude=_NO_MATTER),
        "set": truth.identity,
        "classes": [each.id for each in truth.categories],
        "words": spoken,
        "templates": {name: dict(vocabulary.templates_of(None)) for name, vocabulary in words.items()},
        **more,
    }
    plain: dict[str, Any] = json.loads(json.dumps(content))  # as it will be read back
    return plain


def record(
    detector: Detector, truth: TrueSet, folder: Path, header: Mapping[str, Any], answer: Answer, watch: Watch
) -> Recorded:
    """Answer all images that `rows.jsonl` does not hold yet, then write `results.json` and read it.

    Args:
        detector: whose tower looks.
        truth: the images.
        folder: of the run, made where it is missing.
        header: what `header_of` says.
        answer: the rows of an image.
        watch: gets the images that are left and hands them on, as a progress bar does.

    Raises:
        FileError: where the folder holds rows of another tower, set or setting, another program writes them, or
            something cannot be written.
        ImageFileError: where a picture cannot be read; what was answered before it is kept.
    """
    path = folder / "rows.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+b", buffering=0) as file:
            lock(file, path)
            file.seek(0)
            lines = _resume(file.read(), path, header)
            file.truncate(sum(len(line) for line in lines))
            if not lines:
                lines = [_line(header)]
                append(file, lines[0])
            done = {entry["image_id"]: entry for entry in map(json.loads, lines[1:])}
            for image in watch([image for image in truth.images if image.id not in done]):
                done[image.id] = _answered(detector, image, answer)
                append(file, _line(done[image.id]))
    except OSError as error:
        if isinstance(error, FileError):
            raise
        raise FileError(f"{path} cannot be written: {error.strerror}") from error
    entries = [done[image.id] for image in truth.images]
    results = folder / "results.json"
    rows = ",\n".join(json.dumps(row, ensure_ascii=False) for entry in entries for row in entry["rows"])
    write_file(results, f"[\n{rows}\n]\n".encode())
    patches = tuple(entry["patches"] for entry in entries if entry["patches"] is not None)
    known = [entry["strange"] for entry in entries if entry["strange"] is not None]
    return Recorded(json.loads(results.read_bytes()), results, header, patches, sum(known) if known else None)


def _answered(detector: Detector, image: TrueImage, answer: Answer) -> dict[str, Any]:
    features = detector.features(read_frame(image.path))
    with quiet():  # of a frame of no known kind it is said once, in the report
        rows = list(answer(features, image))
    whole = features.passes and features.card.region_mode != "crop"
    patches = features.grid[0] * features.grid[1] if whole else None
    return {"image_id": image.id, "patches": patches, "strange": features.out_of_domain, "rows": rows}


def _resume(content: bytes, path: Path, header: Mapping[str, Any]) -> list[bytes]:
    """The whole lines of an earlier run of the same header; a last line that was cut off is left out."""
    lines = content.splitlines(keepends=True)
    if lines and not lines[-1].endswith(b"\n"):
        lines.pop()
    if not lines:
        return []
    try:
        found = dict(json.loads(lines[0]))
    except (ValueError, TypeError) as error:
        raise FileError(f"{path}: expected rows of an evaluation, got another file; give another --out") from error
    for key in dict.fromkeys((*header, *found)):
        if found.get(key) != header.get(key):
            raise FileError(
                f"{path}: holds rows of another run: {key} is {_short(found.get(key))} there and "
                f"{_short(header.get(key))} now; give another --out, or remove that folder"
            )
    return lines


def _line(entry: Mapping[str, Any]) -> bytes:
    return (json.dumps(entry, ensure_ascii=False) + "\n").encode()


def _short(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."
