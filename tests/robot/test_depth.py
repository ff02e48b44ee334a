"""Positions from depth, in worlds whose depth follows from geometry: planes, boxes and spheres before a wall."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray
from toy import planted, toy_detector

from regionclip.errors import MessageError
from regionclip.robot.answers import detection3d_array, detection_array, status
from regionclip.robot.core import PerceptionCore
from regionclip.robot.depth import Camera, Places, View
from regionclip.robot.images import depth_of
from regionclip.robot.messages import CAMERA_INFO, DETECTIONS_3D, IMAGE, Header, decode, encode

SIZE = (240, 320)
K = (250.0, 0.0, 161.5, 0.0, 260.0, 117.0, 0.0, 0.0, 1.0)
HEADER = Header(1_700_000_000_000_000_001, "camera_color_optical_frame")


def info(**fields: Any) -> Any:  # noqa: ANN401
    """A CameraInfo as it comes over the wire."""
    known = {"height": SIZE[0], "width": SIZE[1], "k": np.array(K), **fields}
    return decode(encode(CAMERA_INFO, known), CAMERA_INFO)


class World:
    """What a camera sees, ray by ray; every thing hides what lies behind it."""

    def __init__(self, wall: float | None = None) -> None:
        rows, columns = np.mgrid[: SIZE[0], : SIZE[1]].astype(float)
        self.rays = np.dstack([(columns - K[2]) / K[0], (rows - K[5]) / K[4], np.ones(SIZE)])  # (H, W, 3), z = 1
        self.depth = np.full(SIZE, np.inf if wall is None else wall)

    def put(self, depth: NDArray[np.float64], shown: NDArray[np.bool_]) -> NDArray[np.float32]:
        """Take a surface; the box of its pixels, `(4,)`."""
        rows, columns = np.nonzero(shown)
        self.depth[shown] = np.minimum(self.depth, depth)[shown]
        return np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1], np.float32)

    def panel(self, center: tuple[float, float, float], size: tuple[float, float]) -> NDArray[np.float32]:
        """An upright rectangle that faces the camera; the front of a box looks no other."""
        points = self.rays * center[2]
        inside = np.all(np.abs(points[..., :2] - center[:2]) <= np.divide(size, 2), axis=-1)
        return self.put(np.full(SIZE, center[2]), inside)

    def sphere(self, center: tuple[float, float, float], radius: float) -> NDArray[np.float32]:
        square, along = (self.rays**2).sum(-1), self.rays @ np.array(center)
        root = along**2 - square * (np.dot(center, center) - radius**2)
        return self.put((along - np.sqrt(np.maximum(root, 0))) / square, root > 0)

    def holes(self, share: float, seed: int = 0) -> None:
        """Depth that was not measured."""
        self.depth[np.random.default_rng(seed).random(SIZE) < share] = np.nan

    def view(self, encoding: str = "32FC1") -> View:
        """As from a message."""
        known = np.nan_to_num(self.depth, nan=0, posinf=0)
        values = np.round(known * 1000).astype("<u2") if encoding == "16UC1" else known.astype("<f4")
        fields = {"height": SIZE[0], "width": SIZE[1], "encoding": encoding, "step": values.itemsize * SIZE[1]}
        message = decode(encode(IMAGE, {**fields, "data": values.tobytes()}), IMAGE)
        return View.of(depth_of(message), info(), SIZE)


def places(view: View, *boxes: NDArray[np.float32]) -> Places:
    return view.locate(np.array(boxes, np.float32).reshape(-1, 4))


@pytest.mark.parametrize("encoding", ["16UC1", "32FC1"])
@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("z", [1.0, 2.0, 3.5, 5.0])
@pytest.mark.parametrize("behind", [0.25, 1.5, None])
def test_a_panel(z: float, behind: float | None, missing: float, encoding: str) -> None:
    world = World(None if behind is None else z + behind)
    center, size = (0.11 * z, -0.07 * z, z), (0.4, 0.55)
    box = world.panel(center, size)
    world.holes(missing)
    found = places(world.view(encoding), box)
    assert found.valid.tolist() == [True]
    assert np.linalg.norm(found.centers[0] - center) < 0.02 * z
    assert found.centers[0, 2] == pytest.approx(z, rel=0.001)
    pixel = z / K[0]
    assert found.sizes[0] == pytest.approx([*size, 0.01], abs=2 * pixel)


@pytest.mark.parametrize("missing", [0.0, 0.3])
@pytest.mark.parametrize("z", [1.0, 2.0, 3.5, 5.0])
def test_a_sphere(z: float, missing: float) -> None:
    """Its surface is nearer than its middle, and is what is told."""
    world, radius = World(z + 0.5), 0.12
    box = world.sphere((-0.1 * z, 0.12 * z, z), radius)
    world.holes(missing)
    found = places(world.view(), box)
    surface = np.array([-0.1, 0.12, 1]) * z
    surface *= 1 - radius / np.linalg.norm(surface)
    assert np.linalg.norm(found.centers[0] - surface) < 0.02 * z
    assert found.sizes[0, :2] == pytest.approx([2 * radius] * 2, rel=0.15)
    assert 0.005 < found.sizes[0, 2] < radius


@pytest.mark.parametrize("turn", [-50, -20, 35, 60])
def test_the_side_of_a_box_seen_at_a_slant(turn: float) -> None:
    """A wall 0.6 m wide, turned about the upright axis: its middle is told, and how deep it goes."""
    world, angle, middle = World(4.0), np.radians(turn), np.array([0.2, 0.1, 2.0])
    normal, along = np.array([np.sin(angle), 0, -np.cos(angle)]), np.array([np.cos(angle), 0, np.sin(angle)])
    depth = (middle @ normal) / (world.rays @ normal)
    points = world.rays * depth[..., None] - middle
    box = world.put(depth, (np.abs(points @ along) < 0.3) & (np.abs(points[..., 1]) < 0.25) & (depth > 0))
    found = places(world.view(), box)
    assert np.linalg.norm(found.centers[0] - middle) < 0.02 * 2.0 + 0.03  # its near half fills more of the picture
    assert found.sizes[0, 2] == pytest.approx(max(0.55 * 0.9 * 0.6 * abs(np.sin(angle)), 0.01), rel=0.25)


def test_stray_depth_before_a_thing_and_a_thing_with_gaps() -> None:
    world = World(3.0)
    box = world.panel((0.0, 0.0, 2.0), (0.5, 0.5))
    x1, y1, x2, y2 = box.astype(int)
    world.depth[y1:y2, x1 : x1 + 20] = 1.2  # something else before it, at its border
    world.depth[(y1 + y2) // 2, x1:x2] = 0.4  # a line of stray values across
    world.depth[y1:y2:2, x1:x2] = 3.0  # the wall shows between slats
    assert places(world.view(), box).centers[0, 2] == pytest.approx(2.0)


def test_what_cannot_be_placed() -> None:
    world = World()
    box = world.panel((0.0, 0.0, 2.0), (0.4, 0.4))
    world.panel((0.6, 0.0, 2.0), (0.2, 0.2))
    nan, far = float("nan"), float("inf")
    boxes = [
        *([5, 5, 30, 40], [-90, 20, -10, 60], [nan, 0, 10, 10], [0, 0, far, 10], [50, 50, 50, 80], [90, 90, 80, 80]),
        *([320, 0, 340, 10], [0, 240, 50, 260]),
    ]
    found = places(world.view(), box, *np.array(boxes, np.float32))
    assert found.valid.tolist() == [True] + [False] * len(boxes)
    assert not found.centers[1:].any()
    assert not found.sizes[1:].any()
    none = places(world.view())
    assert [column.shape for column in none] == [(0, 3), (0, 3), (0,)]


def test_a_box_that_reaches_out_of_the_picture_is_that_of_its_part_inside() -> None:
    world = World(4.0)
    box = world.panel((-1.2, 0.0, 2.0), (0.6, 0.6))
    wider = box - np.array([80, 0, 0, 0], np.float32)
    assert box[0] == 0
    assert np.array_equal(places(world.view(), wider).centers, places(world.view(), box).centers)


@given(
    arrays.arrays(np.float32, (12, 16), elements=st.sampled_from([np.nan, np.inf, -1, 0, 0.5, 1, 1.02, 3, 7e4])),
    arrays.arrays(np.float32, st.tuples(st.integers(0, 4), st.just(4)), elements=st.floats(width=32)),
)
def test_never_anything_but_finite_numbers(depth: NDArray[np.float32], boxes: NDArray[np.float32]) -> None:
    found = View(depth, Camera(10, 10, 8, 6)).locate(boxes)
    assert np.isfinite(found.centers).all()
    assert np.isfinite(found.sizes).all()
    assert (found.sizes[found.valid, 2] >= 0.01).all()
    assert (found.centers[found.valid, 2] > 0).all()


def test_intrinsics() -> None:
    camera = Camera.of(info(), SIZE)
    assert camera == (250, 260, 162, 117.5)
    doubled = Camera.of(info(), (480, 640))
    assert doubled == (500, 520, 324, 235)
    p = np.array([300.0, 0, 160, 0, 0, 310, 120, 0, 0, 0, 1, 0])
    assert Camera.of(info(p=p), SIZE, rectified=True) == (300, 310, 160.5, 120.5)
    # half of the sensor, every second pixel of it
    roi = {"x_offset": 40, "y_offset": 20, "width": 160, "height": 120}
    assert Camera.of(info(roi=roi, binning_x=2, binning_y=2), (60, 80)) == (125, 130, 61, 48.75)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"k": np.zeros(9)}, "focal lengths above 0 in K, got 0 and 0"),
        ({"k": np.array([250, 0, np.nan, 0, 250, 1, 0, 0, 1])}, "focal lengths above 0 in K"),
        ({"width": 0, "height": 0}, "expected that of frames of 320 x 240, or of their shape, got 0 x 0"),
        ({"width": 640, "height": 360}, "got 640 x 360"),
    ],
)
def test_a_camera_info_that_is_of_no_use(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(MessageError, match=said):
        Camera.of(info(**fields), SIZE)
    with pytest.raises(MessageError, match="in P, got 0 and 0"):
        Camera.of(info(), SIZE, rectified=True)


RED, GREEN = (16, 16, 64, 64), (96, 32, 160, 96)
FRAME = planted(red=RED, green=GREEN)
NEAR = np.full(FRAME.shape[:2], np.nan, np.float32)
NEAR[16:64, 16:64] = 2.0


def camera_info(size: tuple[int, int] = (128, 192)) -> Any:  # noqa: ANN401
    """Of rclpy or of anybody else: only the fields count."""
    roi = SimpleNamespace(x_offset=0, y_offset=0, height=0, width=0)
    k = [100.0, 0, 95.5, 0, 100.0, 63.5, 0, 0, 1]
    return SimpleNamespace(height=size[0], width=size[1], k=k, p=[0.0] * 12, roi=roi)


def test_detections_in_space() -> None:
    core = PerceptionCore(toy_detector([RED, GREEN]), ["red", "绿"])
    result = core.process(FRAME, HEADER, depth=NEAR, camera_info=camera_info())
    array = decode(encode(DETECTIONS_3D, detection3d_array(result)), DETECTIONS_3D)
    assert Header.of(array.header) == HEADER
    (thing,) = array.detections  # the green one has no depth, and is left out
    assert [each.hypothesis.class_id for each in thing.results] == ["red"]
    center = thing.bbox.center
    assert (center.position.x, center.position.y, center.position.z) == pytest.approx((-1.12, -0.48, 2.0))
    assert (thing.bbox.size.x, thing.bbox.size.y, thing.bbox.size.z) == pytest.approx((0.96, 0.96, 0.01))
    assert center.orientation.w == 1
    assert thing.results[0].pose.pose.position == center.position
    assert len(detection_array(result)["detections"]) == 2


def test_rectified_frames_have_the_intrinsics_p() -> None:
    known = camera_info()
    known.p = [200.0, 0, 95.5, 0, 0, 200.0, 63.5, 0, 0, 0, 1, 0]
    centers = []
    for rectified in (False, True):
        core = PerceptionCore(toy_detector([RED]), ["red"], rectified=rectified)
        places = core.process(FRAME, HEADER, depth=NEAR, camera_info=known).places
        assert places is not None
        centers.append(places.centers[0])
    assert centers[1] == pytest.approx(centers[0] * (0.5, 0.5, 1))


def test_no_thing_and_no_depth() -> None:
    core = PerceptionCore(toy_detector([]), ["red"])
    for depth in (None, NEAR):
        result = core.process(FRAME, HEADER, depth=depth, camera_info=camera_info())
        assert (result.places is None) == (depth is None)
        assert detection3d_array(result) == {"header": HEADER.fields(), "detections": []}


@pytest.mark.parametrize(
    ("depth", "known", "said"),
    [
        (NEAR[:64], camera_info(), r"expected it registered to the image, \(128, 192\), got \(64, 192\)"),
        (NEAR, None, "camera_info: expected one with the depth, got none"),
        (NEAR, camera_info((100, 192)), "got 192 x 100"),
    ],
)
def test_depth_that_does_not_fit_costs_the_positions_only(depth: Any, known: Any, said: str) -> None:  # noqa: ANN401
    core = PerceptionCore(toy_detector([RED, GREEN]), ["red", "绿"])
    core.statistics.arrived()
    result = core.process(FRAME, HEADER, depth=depth, camera_info=known)
    assert result.places is None
    assert len(result.detections) == 2
    told = status(core)
    assert told["level"] == 1
    with pytest.raises(MessageError, match=said):
        raise MessageError(told["message"])
    assert told["message"].startswith("no positions: ")


@pytest.mark.parametrize("track", [False, True])
def test_regions_come_with_a_result_where_the_tower_looked(track: bool) -> None:
    core = PerceptionCore(toy_detector([RED, GREEN]), ["red"], every=2, track=track)
    first, second = (core.process(FRAME, HEADER) for _ in range(2))
    assert first.regions is not None
    assert len(first.regions) == 2  # the one that no word fits as well
    assert second.regions is None
