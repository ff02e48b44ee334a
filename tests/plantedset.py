"""Small sets in COCO's format whose pictures show squares of pure colour, which the toy tower names without error."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from toy import CHINESE, planted

from regionclip.formats.pictures import write_picture

NAMES = ("red", "green", "blue", "grey")
_ZH = {english: chinese for chinese, english in CHINESE.items()}
Squares = Mapping[str, tuple[int, int, int, int]]


def write_set(folder: Path, pictures: Sequence[Squares], **changed: Any) -> Path:  # noqa: ANN401 - JSON
    """Write `annotations.json` and `images/N.png`; ids count from 0, where COCO's own tools stumble.

    Args:
        folder: where.
        pictures: what each shows: colour to x1 y1 x2 y2.
        changed: further or other keys of the file.
    """
    notes: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [{"id": place, "name": name, "name_zh": _ZH[name]} for place, name in enumerate(NAMES)],
    }
    for number, squares in enumerate(pictures):
        write_picture(folder / "images" / f"{number}.png", planted(128, 192, **squares))
        notes["images"].append({"id": number, "file_name": f"{number}.png", "width": 192, "height": 128})
        for name, (x1, y1, x2, y2) in squares.items():
            box = [x1, y1, x2 - x1, y2 - y1]
            entry = {"image_id": number, "category_id": NAMES.index(name), "bbox": box, "area": box[2] * box[3]}
            notes["annotations"].append({"id": len(notes["annotations"]), "iscrowd": 0} | entry)
    path = folder / "annotations.json"
    path.write_text(json.dumps(notes | changed, ensure_ascii=False), encoding="utf-8")
    return path
