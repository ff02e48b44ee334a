import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from regionclip.errors import FrameError, ImageFileError, ImageWarning
from regionclip.frames import find_images, read_frame, to_frame

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)


def test_arrays_are_taken_as_bgr_and_not_changed() -> None:
    frozen = NOISE.copy()
    frozen.flags.writeable = False
    for array in (frozen, NOISE[:, ::-1][:, ::-1], np.asfortranarray(NOISE)):
        frame = to_frame(array)
        assert np.array_equal(frame, NOISE)
        assert frame.flags.c_contiguous


def test_pil_images_are_turned_to_bgr() -> None:
    assert np.array_equal(to_frame(Image.fromarray(NOISE[:, :, ::-1].copy())), NOISE)


def test_grey_and_alpha_are_converted_as_documented() -> None:
    grey = to_frame(NOISE[:, :, 0])
    assert grey.shape == (40, 60, 3)
    assert np.array_equal(grey[:, :, 2], NOISE[:, :, 0])
    with_alpha = np.dstack([NOISE, np.full((40, 60), 7, np.uint8)])
    assert np.array_equal(to_frame(with_alpha), NOISE)
    assert np.array_equal(to_frame(Image.fromarray(with_alpha[:, :, [2, 1, 0, 3]].copy(), "RGBA")), NOISE)


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (NOISE.astype(np.float32) / 255, "uint8"),  # float
        (NOISE.transpose(2, 0, 1), "channels last"),  # channels first
        (NOISE[None], "one frame a call"),  # a batch
        (NOISE[:0], "at least one pixel"),  # no rows
        (NOISE[:, :, :2], r"\(40, 60, 2\)"),  # two channels
        ([[1, 2], [3, 4]], "list"),  # no array
        (None, "NoneType"),
    ],
)
def test_what_is_no_frame_is_refused(frame: object, said: str) -> None:
    with pytest.raises(FrameError, match=said):
        to_frame(frame)  # type: ignore[arg-type]


def test_files_are_read_like_opencv_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "图片.png"
    Image.fromarray(NOISE[:, :, ::-1].copy()).save(path)
    assert np.array_equal(read_frame(path), NOISE)
    decoded = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert np.array_equal(read_frame(path), decoded)


def test_files_are_turned_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise to show
    path = tmp_path / "phone.jpg"
    Image.fromarray(NOISE).save(path, exif=exif)
    assert read_frame(path).shape == (60, 40, 3)


def test_sixteen_bit_grey_is_scaled(tmp_path: Path) -> None:
    path = tmp_path / "depth.png"
    cv2.imwrite(str(path), NOISE[:, :, 0].astype(np.uint16) * 257)
    assert np.array_equal(read_frame(path)[:, :, 0], NOISE[:, :, 0])


@pytest.mark.parametrize("kept", [0.5, 0.9])
@pytest.mark.parametrize("kind", ["jpeg", "png"])
def test_truncated_files_are_noticed(tmp_path: Path, kept: float, kind: str) -> None:
    whole = io.BytesIO()
    Image.fromarray(NOISE).save(whole, kind)
    path = tmp_path / f"half.{kind}"
    path.write_bytes(whole.getvalue()[: int(len(whole.getvalue()) * kept)])
    with pytest.raises(ImageFileError, match="half"):
        read_frame(path)


def test_files_that_are_no_pictures(tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("not a picture")
    with pytest.raises(ImageFileError, match=r"notes\.jpg cannot be decoded"):
        read_frame(tmp_path / "notes.jpg")
    with pytest.raises(ImageFileError, match="No such file"):
        read_frame(tmp_path / "absent.jpg")
    with pytest.raises(ImageFileError, match="Is a directory"):
        read_frame(tmp_path)


@pytest.mark.parametrize("mode", ["F", "I"])
def test_pictures_of_unknown_range_are_refused(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(NOISE[:, :, 0]).convert(mode)
    with pytest.raises(FrameError, match="range is unknown"):
        to_frame(image)
    image.save(tmp_path / "heat.tif")
    with pytest.raises(ImageFileError, match="range is unknown"):
        read_frame(tmp_path / "heat.tif")


def test_find_images(tmp_path: Path) -> None:
    for name in ("b.png", "a.jpg", "notes.txt", "[1].png"):
        (tmp_path / name).write_bytes(b"")
    a, b, bracket = tmp_path / "a.jpg", tmp_path / "b.png", tmp_path / "[1].png"
    assert find_images([tmp_path]) == [bracket, a, b]
    assert find_images([b, tmp_path]) == [b, bracket, a]  # each once, in the order asked for
    assert find_images([str(tmp_path / "*.jpg")]) == [a]
    assert find_images([bracket]) == [bracket]  # a file of that name, not a pattern
    (tmp_path / "empty").mkdir()
    (tmp_path / "folder.png").mkdir()
    assert find_images([tmp_path]) == [bracket, a, b]
    with pytest.raises(ImageFileError, match="no such file"):
        find_images(["a" * 300])
    with pytest.raises(ImageFileError, match="cannot be read"):
        to_frame("a" * 300)
    with pytest.raises(ImageFileError, match="holds no pictures"):
        find_images([tmp_path / "empty"])
    with pytest.raises(ImageFileError, match="no such file"):
        find_images([tmp_path / "*.webp"])


@pytest.mark.parametrize(
    ("kind", "way"),
    [("GIF", "`regionclip video`"), ("WEBP", "all_frames"), ("TIFF", "all_frames"), ("PNG", "all_frames")],
)
def test_of_several_pictures_the_first_is_taken_and_that_is_said(tmp_path: Path, kind: str, way: str) -> None:
    first, second = Image.new("RGB", (32, 24), (255, 0, 0)), Image.new("RGB", (32, 24), (0, 0, 255))
    path = tmp_path / f"several.{kind.lower()}"
    first.save(path, kind, save_all=True, append_images=[second])
    with pytest.warns(
        ImageWarning, match=rf"several\.\w+ holds several pictures and the first is taken; .*{way}"
    ) as told:
        frame = read_frame(path)
    assert told[0].filename == __file__
    assert abs(frame.astype(int) - (0, 0, 255)).max() < 10
    first.save(path, kind)
    read_frame(path)  # a warning would be an error


def test_the_small_copy_in_a_photograph_is_not_told(tmp_path: Path) -> None:
    first, small = Image.fromarray(NOISE), Image.fromarray(NOISE[:8, :8].copy())
    first.save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=[small])
    assert read_frame(tmp_path / "phone.jpg").shape == (40, 60, 3)


def test_warnings_of_pillow_stay_inside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "p.png"
    image = Image.fromarray(NOISE).convert("P")
    image.save(path, transparency=bytes(range(256)))  # "should be converted to RGBA images"
    assert np.array_equal(read_frame(path), to_frame(image))
    exif = b"Exif\x00\x00II*\x00\x08\x00\x00\x00\x02\x00\x12\x01\x03\x00\x01"
    Image.fromarray(NOISE).save(path, "JPEG", exif=exif)  # "Truncated File Read"
    assert read_frame(path).shape == (40, 60, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 60 - 1)  # DecompressionBombWarning; twice that is refused
    assert read_frame(path).shape == (40, 60, 3)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 40 * 60 // 2 - 1)
    with pytest.raises(ImageFileError, match="too large"):
        read_frame(path)
