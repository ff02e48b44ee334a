import pickle
from pathlib import Path

import numpy as np
import pytest
import supervision as sv
from toy import ToyTower, planted

from proposals.base import Proposals
from regionclip.answers.regions import Regions
from regionclip.errors import BoxError, FileError

FRAME = planted(red=(0, 0, 64, 64), blue=(96, 64, 192, 128))


def regions_of(boxes: object, tower: ToyTower | None = None) -> Regions:
    return Regions.pool((tower or ToyTower()).encode_image([FRAME])[0], boxes)  # type: ignore[arg-type]


def test_boxes_pool_from_where_they_are() -> None:
    regions = regions_of([[8, 8, 56, 56], [104, 72, 184, 120]])
    expected = np.array([[1, -1, -1], [-1, -1, 1]]) / np.sqrt(3)
    assert np.allclose(regions.embeddings, expected, atol=1e-6)
    assert regions.frame_size == (128, 192)
    assert regions.valid.all()


def test_unusable_boxes_keep_their_place_and_never_turn_into_nan() -> None:
    nan, inf = float("nan"), float("inf")
    boxes = [
        [8, 8, 56, 56],
        [nan, 0, 10, 10],
        [0, 0, inf, 10],
        [50, 50, 40, 60],  # inverted
        [20, 20, 20, 40],  # no width
        [500, 500, 600, 600],  # outside
        [-50, -50, 30, 30],  # over-hanging: clipped
    ]
    regions = regions_of(boxes)
    assert regions.valid.tolist() == [True, False, False, False, False, False, True]
    assert np.isfinite(regions.embeddings).all()
    assert (regions.embeddings[~regions.valid] == 0).all()
    assert np.allclose(np.linalg.norm(regions.embeddings[regions.valid], axis=1), 1, atol=1e-6)
    assert np.array_equal(regions.xyxy, np.array(boxes, np.float32), equal_nan=True)


@pytest.mark.parametrize("none", [[], np.zeros((0, 4)), sv.Detections.empty(), Proposals.empty()])
def test_no_boxes_no_tower_pass(none: object) -> None:
    tower = ToyTower()
    regions = regions_of(none, tower)
    assert len(regions) == 0
    assert regions.embeddings.shape == (0, 3)
    assert regions.valid.dtype == bool
    assert tower.passes == 0


@pytest.mark.parametrize("boxes", [[1, 2, 3, 4], [[1, 2, 3]], [[["a", "b", "c", "d"]]], [[1, 2, 3, 4], [1]], "boxes"])
def test_what_is_no_box_list_is_refused(boxes: object) -> None:
    with pytest.raises(BoxError, match="expected"):
        regions_of(boxes)


def test_columns_of_outside_detections_come_along() -> None:
    outside = sv.Detections(
        xyxy=np.array([[0, 0, 64, 64], [96, 64, 192, 128]], np.float32),
        confidence=np.array([0.9, np.nan]),
        class_id=np.array([3, 4]),
        tracker_id=np.array([7, 8]),
        data={"class_name": np.array(["a", "b"], dtype=object), "speed": np.array([1.5, 2.5])},
    )
    regions = regions_of(outside)
    assert regions.tracker_id is not None
    assert regions.tracker_id.tolist() == [7, 8]
    assert regions.objectness.tolist() == pytest.approx([0.9, 0.0])
    assert regions.data["speed"].tolist() == [1.5, 2.5]
    assert regions.data["class_id"].tolist() == [3, 4]


@pytest.mark.parametrize("boxes", [[], [[0, 0, 64, 64], [0, 0, 0, 0]]])
def test_saved_regions_come_back_bit_for_bit(tmp_path: Path, boxes: list[list[float]]) -> None:
    outside = sv.Detections(
        xyxy=np.array(boxes, np.float32).reshape(-1, 4),
        tracker_id=np.arange(len(boxes)),
        data={"名字": np.array(["红"] * len(boxes), dtype=object)},
    )
    regions = regions_of(outside)
    regions.save(tmp_path / "r.npz")
    again = Regions.load(tmp_path / "r.npz")
    for field in ("xyxy", "objectness", "embeddings", "valid", "tracker_id"):
        assert np.array_equal(getattr(again, field), getattr(regions, field))
        assert getattr(again, field).dtype == getattr(regions, field).dtype
    assert (again.frame_size, again.fingerprint, again.given) == (regions.frame_size, "toy-1", True)
    assert again.data["名字"].tolist() == ["红"] * len(boxes)


def test_files_that_are_no_regions(tmp_path: Path) -> None:
    path = tmp_path / "r.npz"
    regions_of([[0, 0, 64, 64]]).save(path)
    content = path.read_bytes()
    for damaged in (content[: len(content) // 2], b"", b"text", pickle.dumps({"xyxy": 1})):
        path.write_bytes(damaged)
        with pytest.raises(FileError, match="cannot be read"):
            Regions.load(path)
    np.savez(path, xyxy=np.zeros((1, 4)))
    with pytest.raises(FileError, match="no entry"):
        Regions.load(path)
    np.savez(path, format=np.array({"a": 1}, dtype=object), allow_pickle=True)
    with pytest.raises(FileError, match="cannot be read"):
        Regions.load(path)
    with pytest.raises(FileError):
        Regions.load(tmp_path / "absent.npz")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("xyxy", np.zeros((2, 4), "U3"), r"xyxy: expected float of shape \(N = 2, 4\), got <U3"),
        ("embeddings", np.zeros((2, 3), complex), "embeddings: expected float"),
        ("valid", np.zeros(3, bool), r"valid: expected bool of shape \(N = 2\)"),
        ("frame_size", np.array([0, 5]), "heights and widths of at least 1"),
        ("tracker_id", np.zeros((2, 1), int), "tracker_id: expected int"),
        ("data.speed", np.zeros(()), "data.speed: expected 2 values"),
        ("format", np.array([1, 1]), "format: expected int"),
    ],
)
def test_arrays_that_do_not_belong_together(tmp_path: Path, name: str, value: np.ndarray, said: str) -> None:
    path = tmp_path / "r.npz"
    regions_of([[0, 0, 64, 64], [0, 0, 1, 1]]).save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **(arrays | {name: value}))
    with pytest.raises(FileError, match=said):
        Regions.load(path)


def test_python_objects_are_not_saved(tmp_path: Path) -> None:
    outside = sv.Detections(
        xyxy=np.array([[0, 0, 64, 64]], np.float32), data={"extra": np.array([{"a": 1}], dtype=object)}
    )
    with pytest.raises(BoxError, match="extra"):
        regions_of(outside).save(tmp_path / "r.npz")
    assert not (tmp_path / "r.npz").exists()


def test_printed_regions_are_a_line() -> None:
    assert repr(regions_of([])) == "<0 regions of 192x128, tower toy-1>"
    outside = sv.Detections(np.array([[0, 0, 64, 64], [9, 9, 9, 9]], np.float32), tracker_id=np.array([1, 2]))
    outside.data["speed"] = np.array([1, 2])
    assert str(regions_of(outside)) == "<2 regions of 192x128, tower toy-1, 1 invalid, with tracks, with speed>"
    features = ToyTower().encode_image([FRAME])[0]
    assert repr(features) == "<features of 192x128, toy@toy-1, tower has not run yet>"
    Regions.pool(features, [[0, 0, 64, 64]])
    assert repr(features) == "<features of 192x128, toy@toy-1, tower has run>"
