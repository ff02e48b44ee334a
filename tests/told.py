"""Events as sinks are told them, their lines, and a picture of one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
from watching import SIZE

from regionclip.frames import Frame
from regionclip.video.rules.watch import Event


def event(number: int = 1, **fields: Any) -> Event:  # noqa: ANN401 - fields of several types
    usual: dict[str, Any] = {
        "phase": "start",
        "incident": f"{number:012x}",
        "rule": "闯入 / night",
        "kind": "in",
        "source": "cam",
        "place": "院内",
        "t_seconds": 12.4,
        "index": 124,
        "utc_seconds": 1_764_000_000.25,
        "timezone": "Asia/Shanghai",
        "since_seconds": 11.4,
        "label": "人员",
        "tracks": (number,),
        "box": (100.0, 60.0, 160.0, 180.0),
        "confidence": 0.87,
    }
    return Event(**{**usual, **fields})


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def picture() -> Frame:
    image = np.full((*SIZE, 3), 90, np.uint8)
    image[60:180, 100:160] = (0, 160, 0)
    return image
