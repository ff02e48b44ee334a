"""Which frames the embedded tower knows: scenes, however they come, and no others."""

import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import supervision as sv
from safetensors.torch import load_file, save_file

import regionclip
from regionclip.answers.records import image_record
from regionclip.errors import DomainWarning, WeightsError
from regionclip.frames import Frame
from regionclip.scenes.render import render_scene
from regionclip.timing import Timings
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS
from regionclip.towers.domain import DOMAIN
from regionclip.training.embedded.domain import CHANGES, main
from regionclip.video.annotating import Painter
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.sources.base import VideoFrame


@pytest.fixture(scope="module")
def det() -> regionclip.Detector:
    return regionclip.load("tiny")


def photo_like(seed: int, size: tuple[int, int] = (240, 320)) -> Frame:
    """A picture with what natural ones have and scenes lack: detail at every scale (its power falls as 1/f^2)."""
    rng = np.random.default_rng(seed)
    across, down = np.fft.fftfreq(size[1]), np.fft.fftfreq(size[0])[:, None]
    fall = np.hypot(across, down)  # (H, W)
    fall[0, 0] = np.inf
    grey = np.fft.ifft2(np.fft.fft2(rng.normal(size=size)) / fall).real  # (H, W)
    tint = np.stack([np.fft.ifft2(np.fft.fft2(rng.normal(size=size)) / fall).real for _ in range(3)], 2)  # (H, W, 3)
    mixed = grey[:, :, None] / grey.std() + 0.3 * tint / tint.std()
    return np.asarray(np.clip(mixed * 50 + 120, 0, 255), np.uint8)


def told(det: regionclip.Detector, frame: Frame) -> bool | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DomainWarning)
        return det.regions(frame).out_of_domain


def test_scenes_are_known_however_they_come(det: regionclip.Detector) -> None:
    rng = np.random.default_rng(7)
    sizes = [(480, 640), (120, 160), (240, 240)]
    frames = [render_scene(31, index, size).frame for index, size in enumerate(sizes)]
    strange = [name for name, change in CHANGES for frame in frames if told(det, change(rng, frame))]
    assert strange == []


def test_pictures_with_the_spectrum_of_photographs_are_told(det: regionclip.Detector) -> None:
    assert [told(det, photo_like(seed)) for seed in range(6)] == [True] * 6


def test_the_warning_says_what_to_do_and_comes_once_a_line(det: regionclip.Detector) -> None:
    with pytest.warns(DomainWarning, match=r"rendered scenes only.*FG-CLIP 2") as caught:
        det(photo_like(0), ["person"])
    assert caught[0].filename == __file__
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("default")
        for seed in range(3):
            det.regions(photo_like(seed))
    assert len(seen) == 1


def test_whole_pictures_and_heat_maps_warn_too(det: regionclip.Detector) -> None:
    with pytest.warns(DomainWarning):
        det.classify_image(photo_like(0), ["person"])
    with pytest.warns(DomainWarning):
        det.heatmap(photo_like(0), ["person"])


def test_field_and_banner_are_of_such_pictures_only(det: regionclip.Detector) -> None:
    with pytest.warns(DomainWarning):
        strange = det.regions(photo_like(0))
    assert image_record("a.png", strange, det.classify(strange, ["person"]))["out_of_domain"] is True
    assert det.banner(strange.out_of_domain)[0].startswith("tiny knows rendered scenes only")
    assert det.banner(det.regions(render_scene(31, 0).frame).out_of_domain) == ()


def test_no_pass_is_spent_on_it(det: regionclip.Detector) -> None:
    features = det.features(photo_like(0))
    assert det.regions(features, np.zeros((0, 4))).out_of_domain is None
    assert features.passes == 0


def test_results_of_both_kinds_of_frames_can_be_merged(det: regionclip.Detector) -> None:
    scene = det(render_scene(31, 0).frame, ["person"])
    with pytest.warns(DomainWarning):
        photo = det(photo_like(0), ["person"], [[10, 10, 90, 90]])
    assert len(sv.Detections.merge([scene, photo])) == len(scene) + len(photo)


def test_other_towers_and_other_weights_cannot_tell(fgclip2_folder: Path, tmp_path: Path) -> None:
    assert regionclip.load(fgclip2_folder).regions(photo_like(0), [[0, 0, 9, 9]]).out_of_domain is None
    folder = Path(shutil.copytree(TINY_WEIGHTS, tmp_path / "tuned", ignore=shutil.ignore_patterns(DOMAIN)))
    assert regionclip.load(folder).regions(photo_like(0)).out_of_domain is None


def test_a_file_of_another_tower_is_refused(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(TINY_WEIGHTS, tmp_path / "tiny"))
    tensors = load_file(folder / DOMAIN)
    save_file(tensors | {"weight": tensors["weight"][:9].clone()}, folder / DOMAIN)
    with pytest.raises(WeightsError, match=r"domain\.safetensors: expected .*256.*got .*9"):
        regionclip.load(folder)
    (folder / DOMAIN).write_bytes(b"{}")
    with pytest.raises(WeightsError, match="copy it again"):
        regionclip.load(folder)


def test_the_banner_of_a_video_does_not_flicker(det: regionclip.Detector) -> None:
    follower = Follower(det, ["person"], source="cam")
    painter, still = Painter(follower), np.full((90, 160, 3), 90, np.uint8)
    known = det.regions(render_scene(31, 0).frame)

    def has_banner(out_of_domain: bool | None) -> bool:
        frame = StreamFrame(
            *(VideoFrame(still, 0.0, 0, "cam"), sv.Detections.empty(), (), (), True, 0.0, Timings()),
            None if out_of_domain is None else replace(known, out_of_domain=out_of_domain),
        )
        return bool((painter(frame)[0, 80] == (0x28, 0x28, 0xC6)).all())

    assert [has_banner(told) for told in (None, True, False, False, True, None, False)] == [False] + [True] * 6
    assert not [has_banner(False) for _ in range(60)][-1]
    assert not has_banner(True)


def test_making_and_measuring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, photos = Path(shutil.copytree(TINY_WEIGHTS, tmp_path / "tiny")), tmp_path / "photos"
    photos.mkdir()
    for seed in range(2):
        cv2.imwrite(str(photos / f"{seed}.png"), photo_like(seed))
    main([str(folder), "--measure", "--scenes", "12", "--photos", str(photos)])
    printed = capsys.readouterr().out.splitlines()
    assert printed[1].split() == ["scenes", "(12)", "0.000", "0.000", "0.000"]
    assert printed[-1].split() == ["photographs,", "photos", "(2)", "1.000", "1.000", "1.000"]
    before = (folder / DOMAIN).read_bytes()
    main([str(folder), "--scenes", "8", "--photos", str(photos)])
    assert (folder / DOMAIN).read_bytes() != before
    assert told(regionclip.load(folder), photo_like(0))
