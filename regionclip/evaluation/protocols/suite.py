"""`eval suite`: many sets in COCO's format, each with classes of its own, and the mean over them.

As ODinW (Li et al. 2022, arXiv:2112.03857) and Roboflow100-VL (Robicheaux et al. 2025, arXiv:2505.20612) are reported:
AP of each set in its own words, then the plain mean, in which a small set counts as much as a large one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regionclip.errors import ConfigError
from regionclip.evaluation.protocols.report import Report

_FILES = ("_annotations.coco.json", "annotations.json")
"""What Roboflow calls the file, its pictures beside it, and what we do, its pictures in `images`."""


def find_sets(folder: Path, split: str) -> dict[str, tuple[Path, Path]]:
    """Annotation file and pictures of each set, by the name of its folder: `SET/FILE` or `SET/SPLIT/FILE`.

    Raises:
        ConfigError: where there are none.
    """
    found = {}
    for each in sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else ():
        files = [place / name for place in (each / split, each) for name in _FILES if (place / name).is_file()]
        if files:
            images = files[0].parent / "images"
            found[each.name] = files[0], images if images.is_dir() else files[0].parent
    if not found:
        raise ConfigError(
            f"suite {folder}: expected folders with {' or '.join(_FILES)}, or with a folder {split!r} of these"
        )
    return found


def report(reports: Mapping[str, Report], folder: Path) -> Report:
    """The sets side by side, and their mean."""
    rows = [
        {"set": name, **{key: value for key, value in each.parts["classes"][0].items() if key != "classes"}}
        for name, each in reports.items()
    ]
    means: dict[str, Any] = {"set": f"mean of {len(rows)}"}
    for figure in list(rows[0])[1:]:
        known = [row[figure] for row in rows if row[figure] is not None]
        means[figure] = sum(known) / len(known) if known else None
    one = next(iter(reports.values()))
    notes = (*one.notes[:-1], "patches and classes are those of the first set; each set's own stand in its folder")
    header = {name: each.header for name, each in reports.items()}
    return Report("suite", f"{folder.name}, {len(rows)} sets", notes, {"sets": [*rows, means]}, header)
