"""Result JSON of a search (docs/formats.md)."""

import json
from collections.abc import Sequence
from typing import Any

from regionclip.answers.records import made_by, plain_value, readable
from regionclip.archive.rows import FrameKey
from regionclip.archive.search import Hit
from regionclip.towers.card import TowerCard

SEARCH_SCHEMA = "regionclip.search/1"
"""Layout of the file of `regionclip search --json`."""


def search_json(card: TowerCard, hits: Sequence[Hit]) -> str:
    """The file of `regionclip search --json` as text; `card` is of the tower that was asked."""
    return json.dumps(search_record(card, hits), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def search_record(card: TowerCard, hits: Sequence[Hit]) -> dict[str, Any]:
    """What is in that file."""
    return {"schema": SEARCH_SCHEMA, **made_by(card), "hits": [_hit(hit) for hit in hits]}


def _hit(hit: Hit) -> dict[str, Any]:
    return {
        "label": hit.label,
        "confidence": plain_value(hit.confidence),
        "score": plain_value(hit.score),
        "prompt": hit.prompt,
        **_frame(hit.best.key),
        "region": hit.region,
        "box": [round(side, 2) for side in hit.best.box],
        "track": hit.track,
        "sights": [{**_frame(sight.key), "box": [round(side, 2) for side in sight.box]} for sight in hit.sights],
    }


def _frame(key: FrameKey) -> dict[str, Any]:
    names = {"file": readable(key.source), "camera": readable(key.camera), "index": key.index}
    return {**names, "seconds": plain_value(key.seconds), "utc_seconds": plain_value(key.utc_seconds)}
