"""The result files of `regionclip detect` and `classify`: JSON of a documented, versioned layout (docs/formats.md)."""

import json
from collections.abc import Sequence
from importlib.metadata import version
from typing import Any

import numpy as np
import supervision as sv
from numpy.typing import NDArray

from regionclip.answers.detections import OWN_COLUMNS, VERIFIED
from regionclip.answers.regions import Regions
from regionclip.towers.base import ImageFeatures
from regionclip.towers.card import TowerCard
from regionclip.words.vocabulary import Vocabulary

SCHEMA = "regionclip.detections/1"
"""Grows by new keys only; a key that changes its meaning raises the number."""


def image_record(file: str, regions: Regions, detections: sv.Detections) -> dict[str, Any]:
    """One picture's entry of the result file."""
    height, width = regions.frame_size
    return {
        "file": readable(file),
        "width": width,
        "height": height,
        "regions": len(regions),
        "out_of_domain": regions.out_of_domain,
        "invalid_regions": np.flatnonzero(~regions.valid).tolist(),
        "detections": detection_records(detections),
    }


def failed_record(file: str, error: Exception) -> dict[str, Any]:
    """The entry of a picture that could not be read."""
    return {"file": readable(file), "error": readable(str(error)), "detections": []}


def detection_records(detections: sv.Detections) -> list[dict[str, Any]]:
    """Detections of a detector as JSON-ready dictionaries, the most confident first."""
    records, own = [], (*OWN_COLUMNS, *({VERIFIED} & detections.data.keys()))
    for row in range(len(detections)):
        columns = {name: plain_value(column[row]) for name, column in detections.data.items()}
        record = {
            "box": [round(float(side), 2) for side in detections.xyxy[row]],
            "label": columns["class_name"],
            "label_id": int(_row(detections.class_id, row)),
            "confidence": plain_value(_row(detections.confidence, row)),
            **{name: columns[name] for name in own if name != "class_name"},
        }
        if detections.tracker_id is not None:
            record["tracker_id"] = int(detections.tracker_id[row])
        extra = {name: value for name, value in columns.items() if name not in own}  # groups too
        records.append(record | ({"data": extra} if extra else {}))
    return records


def result_json(asked: dict[str, Any], images: Sequence[dict[str, Any]]) -> str:
    """The whole result file as text; `asked` is what `asked_record` gives."""
    content = {"schema": SCHEMA, **asked, "images": list(images)}
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def asked_record(card: TowerCard, vocabulary: Vocabulary, thresholds: NDArray[np.float64]) -> dict[str, Any]:
    """Which tower was asked for which labels, with which thresholds `(C,)`: what result files begin with."""
    labels = [
        {
            "name": label.name,
            "name_zh": label.name_zh,
            "prompts": list(label.phrases),
            "threshold": plain_value(threshold),
            "group": label.group,
            "of": list(label.of),
        }
        for label, threshold in zip(vocabulary, thresholds, strict=True)
    ]
    return {**made_by(card), "labels": labels}


def classified_record(file: str, features: ImageFeatures, labels: Sequence[tuple[str, float]]) -> dict[str, Any]:
    """One picture's entry of the file of `regionclip classify`: its features, its labels and their confidence."""
    height, width = features.frame_size
    rows = [{"label": name, "confidence": plain_value(confidence)} for name, confidence in labels]
    size = {"width": width, "height": height, "out_of_domain": features.out_of_domain}
    return {"file": readable(file), **size, "labels": rows}


def classification(card: TowerCard, vocabulary: Vocabulary, images: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The whole file of `regionclip classify`."""
    labels = [vocabulary.names[place] for place in vocabulary.plain]
    return {"schema": "regionclip.classification/1", **made_by(card), "labels": labels, "images": list(images)}


def made_by(card: TowerCard) -> dict[str, Any]:
    """Which regionclip and which tower a file comes from."""
    return {
        "regionclip": version("regionclip"),
        "tower": {"name": card.name, "revision": card.revision, "notice": card.notice},
    }


def readable(text: str) -> str:
    """`text` with what is not valid Unicode, as in file names of other encodings, written as escapes."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _row(column: np.ndarray[Any, Any] | None, row: int) -> Any:  # noqa: ANN401 - an entry of any column
    if column is None:
        raise ValueError("detections: expected those of a detector, got some without class_id or confidence")
    return column[row]


def plain_value(value: Any) -> Any:  # noqa: ANN401 - an entry of any column
    """An entry of any column as JSON takes it: numbers rounded to 4 digits, None for what is not finite."""
    if isinstance(value, np.ndarray):
        return [plain_value(entry) for entry in value]
    plain = value.item() if isinstance(value, np.generic) else value
    if isinstance(plain, float):
        return round(plain, 4) if np.isfinite(plain) else None
    return plain if isinstance(plain, int | str | bool | type(None)) else str(plain)
