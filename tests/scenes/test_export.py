import contextlib
import io
import json
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from pycocotools.coco import COCO

from regionclip.data.coco_file import CocoFile
from regionclip.data.rendered import AnnotationFile, VideoEncoder, export_clips, export_scenes
from regionclip.data.settings import DataSettings
from regionclip.errors import FileError, FrameError
from regionclip.formats.coco import BoxFile
from regionclip.frames import read_frame
from regionclip.scenes.clips import Clip, render_clip
from regionclip.scenes.kinds.colours import trained_colours
from regionclip.scenes.language.phrases import KINDS, phrase
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.scenes.language.statements import false_phrases, possible_phrases, true_phrases
from regionclip.scenes.render import Scene, render_scene
from regionclip.scenes.stage import SceneObject

SIZE = (96, 128)


def scene(index: int) -> Scene:
    return render_scene(8, index, SIZE)


def clip(index: int) -> Clip:
    return render_clip(8, index, SIZE, seconds=3, fps=5, event="left object", camera="moving")


@pytest.fixture(scope="module")
def scenes_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("scenes")
    export_scenes(out, range(3, 6), scene, suffix=".png", info={"seed": 8})
    return out


@pytest.fixture(scope="module")
def clips_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clips")
    export_clips(out, range(2), clip)
    return out


def read(folder: Path) -> Any:  # noqa: ANN401
    return json.loads((folder / "annotations.json").read_text(encoding="utf-8"))


def coco(folder: Path) -> Any:  # noqa: ANN401 - pycocotools has no types
    with contextlib.redirect_stdout(io.StringIO()):
        return COCO(str(folder / "annotations.json"))


def test_pycocotools_reads_the_scenes_back(scenes_folder: Path) -> None:
    truth = coco(scenes_folder)
    assert len(truth.getImgIds()) == 3
    for number, image in zip(range(3, 6), truth.loadImgs(sorted(truth.getImgIds())), strict=True):
        want = scene(number)
        assert (image["file_name"], image["index"], image["place"]) == (f"images/{number:06d}.png", number, want.place)
        assert np.array_equal(read_frame(scenes_folder / image["file_name"]), want.frame)
        found = truth.loadAnns(truth.getAnnIds(imgIds=image["id"]))
        assert len(found) == len(want.objects)
        for entry, item in zip(found, want.objects, strict=True):
            x, y, width, height = entry["bbox"]
            assert (x, y, x + width, y + height) == item.xyxy
            assert entry["area"] == width * height
            assert truth.loadCats(entry["category_id"])[0]["name"] == item.kind
            assert entry["attributes"]["colour"] == item.colour
            assert {trait for trait, holds in entry["attributes"]["traits"].items() if holds} == item.traits


def test_names_are_in_both_languages(scenes_folder: Path) -> None:
    names = {entry["name"]: entry["name_zh"] for entry in read(scenes_folder)["categories"]}
    assert len(names) == 36
    assert names["fire extinguisher"] == "灭火器"
    assert names["person"] == "人"


def test_our_own_readers_take_the_file(scenes_folder: Path) -> None:
    boxes = BoxFile(scenes_folder / "annotations.json").of(scenes_folder / "images/000004.png")
    assert boxes.xyxy.tolist() == [list(item.xyxy) for item in scene(4).objects]
    training = CocoFile(
        DataSettings(kind="coco", annotations=f"{scenes_folder}/annotations.json", images=str(scenes_folder))
    )
    assert training.names["zh"][training.names["en"].index("dog")] == "狗"
    assert all(picture.speaks(language, "regions") for picture in training.pictures for language in ("en", "zh"))


def test_what_is_said_of_an_object() -> None:
    item = SceneObject("person", "red", (0, 0, 30, 60), frozenset({"helmet"}), 0.5, True)
    assert true_phrases(item, "en") == [
        "person", "person in red", "person with a helmet", "person without a safety vest", "person without a backpack"
    ]  # fmt: skip
    assert true_phrases(item, "zh")[:3] == ["人", "穿红色衣服的人", "戴安全帽的人"]
    wrong = false_phrases(item, "en")
    assert wrong[3:] == ["person without a helmet", "person in a safety vest", "person with a backpack"]
    assert len({*wrong[:3], "person in red"}) == 4
    assert not any("purple" in text for text in wrong)  # a pair that training never shows
    far = SceneObject("door", None, (0, 0, 9, 9), frozenset({"open"}), 0.1, False)
    assert true_phrases(far, "en") == ["door"]
    assert false_phrases(far, "zh") == []


def test_what_cannot_be_told_is_neither_said_nor_denied() -> None:
    vest = SceneObject("person", "blue", (5, 0, 30, 60), frozenset({"vest"}), 0.5, True)
    for colour in ("orange", "yellow", "green"):  # of a safety vest
        assert f"person in {colour}" not in true_phrases(vest, "en") + false_phrases(vest, "en")
        assert f"person in {colour}" in possible_phrases(vest, "en")
    assert "person in red" not in possible_phrases(vest, "en")
    far = SceneObject("person", None, (0, 0, 9, 9), frozenset({"helmet"}), 0.1, False)
    assert {"person in red", "person with a helmet", "person without a helmet"} < set(possible_phrases(far, "en"))
    odd = SceneObject("person", "purple", (0, 0, 9, 9), certain=False)  # `pairs="held out"`
    assert true_phrases(odd, "en") == ["person", "person in purple"]


def test_no_colour_is_denied_that_training_never_shows() -> None:
    for kind in KINDS:
        for left in range(10):
            item = SceneObject(kind, trained_colours(kind)[0], (left, 0, 30, 60), certain=False)
            for language in LANGUAGES:
                shown = {phrase(kind, colour, language) for colour in trained_colours(kind)[1:]}
                assert set(false_phrases(item, language)) <= shown


def test_clips_keep_tracks_times_and_events(clips_folder: Path) -> None:
    truth, content = coco(clips_folder), read(clips_folder)
    assert [video["file_name"] for video in content["videos"]] == ["clips/000000.mp4", "clips/000001.mp4"]
    for video in content["videos"]:
        want = clip(video["index"])
        assert (video["fps"], video["length"], video["camera"]) == (5, 15, "moving")
        assert [event["track_ids"] for event in video["events"]] == [list(event.tracks) for event in want.events]
        images = [image for image in content["images"] if image["video_id"] == video["id"]]
        assert [image["frame_index"] for image in images] == list(range(15))
        for image in images[::7]:
            shot = want[image["frame_index"]]
            assert image["seconds"] == shot.seconds
            assert np.allclose(image["camera_motion"], shot.motion, atol=1e-5)
            assert [entry["track_id"] for entry in truth.loadAnns(truth.getAnnIds(imgIds=image["id"]))] == [
                *shot.tracks
            ]


def test_a_video_shows_the_frames(clips_folder: Path) -> None:
    want = clip(1)
    with av.open(str(clips_folder / "clips/000001.mp4")) as video:
        stream = video.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.average_rate or 0) == want.fps
        decoded = [frame.to_ndarray(format="bgr24") for frame in video.decode(stream)]
    assert len(decoded) == len(want)
    for shot, frame in zip(want, decoded, strict=True):
        assert np.abs(shot.frame.astype(int) - frame).mean() < 5
    written = read_frame(clips_folder / "clips/000001/000010.jpg")
    assert np.abs(want[10].frame.astype(int) - written).mean() < 5


def test_an_empty_picture_is_no_error(tmp_path: Path) -> None:
    truth = AnnotationFile()
    truth.add_image("nothing.png", np.zeros((64, 80, 3), np.uint8), [])
    truth.write(tmp_path)
    assert coco(tmp_path).getAnnIds() == []
    assert len(BoxFile(tmp_path / "annotations.json").of("nothing.png").xyxy) == 0
    export_scenes(tmp_path / "none", [], scene)
    assert read(tmp_path / "none")["images"] == []


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="cannot be written"):
        export_scenes(tmp_path / "file", [0], scene)
    with pytest.raises(FrameError, match="even width and height"):
        VideoEncoder((97, 128), 8)
