"""Pictures of errors: classes taken for each other, and the images on which most goes wrong."""

import io
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import supervision as sv
from matplotlib.figure import Figure

from regionclip.drawing.picture import annotate
from regionclip.drawing.style import Style
from regionclip.evaluation.protocols.errors import Judged
from regionclip.evaluation.protocols.truth import TrueSet
from regionclip.formats.pictures import write_picture
from regionclip.frames import read_frame

_MOST = 20
"""Classes of a confusion picture: more cannot be read."""
_NONE = "(nothing)"
_DRAWN = 8
"""Errors drawn in one image: more hide one another."""


def confusion(truth: TrueSet, found: Sequence[Judged], threshold: float) -> bytes:
    """PNG: true classes against what rows of the threshold or more took them for, of the classes with most boxes."""
    names = {each.id: each.en for each in truth.categories}
    pairs = Counter(
        (
            names[each.box.category] if each.box and each.kind in ("right", "class", "missed") else _NONE,
            names[each.row["category_id"]] if each.row else _NONE,
        )
        for each in found
        if each.kind in ("right", "class", "missed", "background")
        and (each.row is None or each.row["score"] >= threshold)
    )
    weight: Counter[str] = Counter()
    for (true, said), count in pairs.items():
        if true != _NONE:
            weight.update({true: count} if said in (true, _NONE) else {true: count, said: count})
    shown = [name for name, _ in weight.most_common(_MOST)] + [_NONE]
    table = np.array([[pairs[true, said] for said in shown] for true in shown], float)  # (classes, classes)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    side = 2.5 + 0.38 * len(shown)
    figure = Figure(figsize=(side, side), dpi=100)
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(len(shown)), shown, rotation=90)
    axes.set_yticks(range(len(shown)), shown)
    axes.set(xlabel=f"rows of {threshold:g} or more, at IoU 0.5", ylabel="true", title="share of each true class")
    for (row, column), count in np.ndenumerate(table):
        if count:
            dark = shares[row, column] > 0.5
            axes.text(
                column, row, f"{count:.0f}", ha="center", va="center", fontsize=7, color="white" if dark else "black"
            )
    figure.tight_layout()
    content = io.BytesIO()
    figure.savefig(content, format="png")
    return content.getvalue()


def write_worst(truth: TrueSet, found: Sequence[Judged], threshold: float, folder: Path, count: int) -> list[Path]:
    """Draw the images with the most errors, the worst first: what is wrong in red, what is missed in yellow, 8 at most.

    An image weighs as much as the scores of its wrong rows of the threshold or more, and one for each missed box.
    """
    wrong: defaultdict[int, list[Judged]] = defaultdict(list)
    for each in found:
        if each.kind != "right" and (each.row is None or each.row["score"] >= threshold):
            wrong[each.image].append(each)
    order = sorted(wrong, key=lambda image: sum(map(_weight, wrong[image])))
    images, names = {image.id: image for image in truth.images}, {each.id: each.en for each in truth.categories}
    paths = []
    for place, number in enumerate(order[:count], 1):
        paths.append(folder / f"{place:02d}-{images[number].path.stem}.jpg")
        rows = [_told(each, names) for each in sorted(wrong[number], key=_weight)[:_DRAWN]]
        drawn = sv.Detections(
            xyxy=np.array([box for box, *_ in rows], np.float32),
            confidence=np.array([score for _, _, score in rows], np.float32),
            class_id=np.zeros(len(rows), int),
            data={"class_name": np.array([text for _, text, _ in rows])},
        )
        style = Style(colours={text: "ffd000" if score < 0 else "e03030" for _, text, score in rows})
        write_picture(paths[-1], annotate(read_frame(images[number].path), drawn, style=style))
    return paths


def _weight(each: Judged) -> float:
    """The worse, the less."""
    return -each.row["score"] if each.row else -1.0


def _told(each: Judged, names: dict[int, str]) -> tuple[tuple[float, ...], str, float]:
    """Box, text and score of an error."""
    true = f" ({names[each.box.category]})" if each.box is not None and each.kind in ("class", "both") else ""
    if each.row is None:
        assert each.box is not None
        return each.box.xyxy, f"missed: {names[each.box.category]}", -1.0
    x, y, width, height = each.row["bbox"]
    return (x, y, x + width, y + height), f"{each.kind}: {names[each.row['category_id']]}{true}", each.row["score"]
