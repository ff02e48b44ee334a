"""Result JSON of an archive: frames asked again, and search (docs/formats.md)."""

import json
from collections.abc import Sequence
from typing import Any

import supervision as sv

from regionclip.answers.records import image_record, made_by, plain_value, readable
from regionclip.answers.regions import Regions
from regionclip.archive.search import Hit
from regionclip.archive.store import FrameKey
from regionclip.towers.card import TowerCard
from regionclip.words.vocabulary import Vocabulary

SEARCH_SCHEMA = "regionclip.search/1"
"""Layout of the file of `regionclip ask --top`."""


def frame_record(key: FrameKey, regions: Regions, detections: sv.Detections) -> dict[str, Any]:
    """One stored frame's entry of the result file: that of a picture, with its place in its source."""
    return image_record(key.source, regions, detections) | _frame(key)


def search_json(card: TowerCard, vocabulary: Vocabulary, hits: Sequence[Hit]) -> str:
    """The file of `regionclip ask --top` as text; `card` is of the tower that was asked."""
    found = [
        {
            "label": hit.label,
            "confidence": plain_value(hit.confidence),
            "score": plain_value(hit.score),
            "prompt": hit.prompt,
            **_frame(hit.key),
            "region": hit.region,
            "box": [round(side, 2) for side in hit.box],
        }
        for hit in hits
    ]
    content = {
        "schema": SEARCH_SCHEMA,
        **made_by(card),
        "labels": list(vocabulary.names),
        "hits": found,
    }
    return json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def _frame(key: FrameKey) -> dict[str, Any]:
    return {"file": readable(key.source), "index": key.index, "seconds": plain_value(key.seconds)}
