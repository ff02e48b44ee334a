"""AP on federated sets against lvis-api, on synthetic truth and rows."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from plantedset import NAMES, write_set
from toy import toy_detector

from regionclip.errors import BoxError
from regionclip.evaluation.protocols import coco, lvis
from regionclip.evaluation.protocols.federated import Evaluated, best_per_class, best_per_image
from regionclip.evaluation.protocols.rows import Row
from regionclip.evaluation.protocols.truth import TrueSet, ask

CLASSES, IMAGES = 9, 40


def synthetic(folder: Path, seed: int) -> tuple[Path, TrueSet, list[Row]]:
    """A federated set whose every image was looked through for a few classes, some of them not to the end."""
    rng = np.random.default_rng(seed)
    folder.mkdir(exist_ok=True)
    notes: dict[str, Any] = {
        "images": [],
        "annotations": [],
        "categories": [
            {"id": each + 1, "name": f"class_{each}", "frequency": "rcf"[each % 3]} for each in range(CLASSES)
        ],
    }
    rows: list[Row] = []
    for image in range(1, IMAGES + 1):
        (folder / f"{image}.jpg").touch()
        shown = rng.choice(CLASSES, 3, replace=False) + 1
        others = [each for each in range(1, CLASSES + 1) if each not in shown]
        notes["images"].append(
            {
                "id": image,
                "coco_url": f"http://somewhere/val2017/{image}.jpg",
                "width": 640,
                "height": 480,
                "neg_category_ids": [int(each) for each in rng.choice(others, 2, replace=False)],
                "not_exhaustive_category_ids": [int(shown[0])] if rng.random() < 0.4 else [],
            }
        )
        for category in shown:
            for _ in range(int(rng.integers(1, 4))):
                x, y, width, height = rng.uniform(2, 250, 4)
                box = [x, y, width, height]
                number = len(notes["annotations"]) + 1
                entry = {"id": number, "image_id": image, "category_id": int(category), "area": width * height * 0.7}
                notes["annotations"].append(
                    {**entry, "bbox": box, "segmentation": [[x, y, x + width, y, x, y + height]]}
                )
                for _ in range(int(rng.integers(0, 3))):
                    said = int(category) if rng.random() < 0.7 else int(rng.integers(1, CLASSES + 1))
                    moved = [x + rng.normal(0, width / 8), y + rng.normal(0, height / 8), width, height]
                    rows.append({"image_id": image, "category_id": said, "bbox": moved, "score": float(rng.random())})
        for _ in range(12):
            box = rng.uniform(2, 250, 4).tolist()
            said = int(rng.integers(1, CLASSES + 1))
            rows.append({"image_id": image, "category_id": said, "bbox": box, "score": float(rng.random()) ** 2})
    path = folder / "lvis.json"
    path.write_text(json.dumps(notes))
    return path, TrueSet.read(path, folder), rows


@pytest.mark.filterwarnings("ignore:The 'warn' method is deprecated:DeprecationWarning")
@pytest.mark.parametrize(("seed", "most"), [(1, 300), (2, 10), (3, 300)])
def test_equal_to_lvis_api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, most: int) -> None:
    official = pytest.importorskip("lvis")
    monkeypatch.setattr(np, "float", float, raising=False)  # what lvis 0.5.3 was written for
    logging.getLogger("lvis").setLevel(logging.ERROR)
    path, truth, rows = synthetic(tmp_path, seed)
    truth_of = official.LVIS(str(path))
    results = official.LVISResults(truth_of, [dict(row) for row in rows], max_dets=most)
    outside = official.LVISEval(truth_of, results, "bbox")
    outside.params.max_dets = most
    outside.run()
    expected = outside.get_results()
    found = Evaluated(truth, best_per_image(rows, most), None)
    of = {key: [each.id for each in truth.categories if each.frequency == key] for key in "rcf"}
    got = {"AP": found.ap(), "AP50": found.ap(iou=0.5), "AP75": found.ap(iou=0.75)}
    got |= {f"AP{size[0]}": found.ap(size=size) for size in ("small", "medium", "large")}
    got |= {f"AP{key}": found.ap(of[key]) for key in "rcf"}
    assert 0.05 < expected["AP"] < 0.9
    for name, value in got.items():
        assert value == pytest.approx(expected[name], abs=1e-9), name
    assert found.ar() == pytest.approx(expected[f"AR@{most}"], abs=1e-9)


def test_fixed_ap_has_no_limit_an_image(tmp_path: Path) -> None:
    """A class whose row is pushed out of an image by better rows of another class counts all the same."""
    path = write_set(tmp_path, [{"red": (16, 16, 48, 48), "green": (96, 32, 160, 96)}])
    truth = TrueSet.read(path, tmp_path / "images")
    rows = [{"image_id": 0, "category_id": 1, "bbox": [n, 0, 20, 20], "score": 0.9} for n in range(lvis.PER_IMAGE)]
    rows.append({"image_id": 0, "category_id": 0, "bbox": [16, 16, 32, 32], "score": 0.1})
    assert Evaluated(truth, best_per_image(rows, lvis.PER_IMAGE), None).ap([0]) == 0
    assert Evaluated(truth, best_per_class(rows, lvis.PER_CLASS), None).ap([0]) == pytest.approx(1)
    assert [row["score"] for row in best_per_class(rows, 2)] == [0.9, 0.9, 0.1]


def test_report(tmp_path: Path) -> None:
    rare = [{"id": n, "name": name, "frequency": "rcff"[n]} for n, name in enumerate(NAMES)]
    path = write_set(tmp_path, [{"red": (16, 16, 48, 48)}, {"green": (96, 32, 160, 96)}], categories=rare)
    truth = TrueSet.read(path, tmp_path / "images")
    lvis.check(truth, path)
    detector = toy_detector([(16, 16, 48, 48)], **coco.SETTINGS)
    run = coco.find(detector, truth, ask(truth, [], "en")[1], tmp_path / "run", boxes="proposals", watch=iter)
    rows = {row["classes"]: row["AP"] for row in lvis.report(detector, truth, run).parts["classes"]}
    assert rows == {"all": pytest.approx(0.5), "rare": pytest.approx(1), "common": 0, "frequent": None}
    rows = {row["classes"]: row["AP fixed"] for row in lvis.report(detector, truth, run, novel=True).parts["classes"]}
    assert rows == {"all": pytest.approx(0.5), "novel (rare)": pytest.approx(1), "base (common, frequent)": 0}


def test_frequencies_are_needed(tmp_path: Path) -> None:
    path = write_set(tmp_path, [{}])
    with pytest.raises(BoxError, match="expected `frequency` r, c or f of each category, none of 'red'"):
        lvis.check(TrueSet.read(path, tmp_path / "images"), path)
