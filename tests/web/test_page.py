"""The page, by clicks in a browser that reaches nothing but this machine."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browser import find_browser
from footage import frame_count, write_clip
from toy import ToyTower, planted, toy_detector
from waiting import until

from regionclip import Vocabulary, load
from regionclip.detector import Detector
from regionclip.formats.pictures import write_picture
from regionclip.scenes.render import render_scene

pytest.importorskip("gradio", reason='the page needs pip install "regionclip[web]"')
pytest.importorskip("playwright", reason="clicks need playwright")
if find_browser() is None:
    pytest.skip("no Chromium on this machine (Debian: apt-get install chromium)", allow_module_level=True)

from shown import ask, chromium, served, table

WORDS = ("person", "bottle", "yellow barrier", "robot=mobile robot|移动机器人")


@pytest.fixture(scope="module")
def tiny() -> Detector:
    return load("tiny")


@pytest.fixture
def site(tiny: Detector) -> Iterator[str]:
    with served(tiny) as address:
        yield address


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rendered scene with an orange bottle, a yellow barrier and a green mobile robot."""
    path = tmp_path_factory.mktemp("scene") / "scene.png"
    write_picture(path, render_scene(2, 3, (480, 640)).frame)
    return path


def test_a_picture_is_asked_again_and_its_vocabulary_downloaded(site: str, scene: Path, tmp_path: Path) -> None:
    with chromium() as (page, outside):
        page.goto(site)
        assert ask(page, scene, *WORDS).startswith("3 found in 6 regions; encoded and asked in")
        head, *rows = table(page)
        assert head == ["found", "region", "label", "phrase", "score", "margin", "confidence", "reason"]
        assert [row[2] for row in rows if row[0] == "✓"] == ["bottle", "robot", "yellow barrier"]
        assert rows[1][3] == "mobile robot"
        assert {row[7].partition(" by")[0] for row in rows[3:]} == {"below threshold 0.60"}
        answer = page.get_attribute("#answer img", "src")
        heat = page.get_attribute("#heat img", "src")

        assert ask(page, None, "green mobile robot", "瓶子").endswith("without encoding the picture again")
        until(lambda: {row[2] for row in table(page)[1:] if row[0]} == {"green mobile robot", "瓶子"})
        until(lambda: page.get_attribute("#answer img", "src") != answer)
        until(lambda: page.get_attribute("#heat img", "src") != heat)

        page.fill("#threshold input[type=number]", "0.99")
        page.press("#threshold input[type=number]", "Tab")
        page.wait_for_function("() => document.querySelector('#status').innerText.startsWith('0 found')")
        with page.expect_download() as download:
            page.click("#download")
        download.value.save_as(tmp_path / "vocabulary.toml")
        words = Vocabulary(["green mobile robot", "瓶子"], threshold=0.99)
        assert Vocabulary.load(tmp_path / "vocabulary.toml") == words

        page.click("text=中文")
        page.wait_for_selector("text=查找")
        page.wait_for_function("() => document.querySelector('#words textarea').value === 'green mobile robot\\n瓶子'")
        assert ask(page, scene, *WORDS).startswith("在 6 个区域中找到 3 个")
        head, *rows = table(page)
        assert head[0] == "命中"
        assert rows[0][7] == "保留"
        assert "低于阈值 0.60" in rows[3][7]
        assert outside == []


def test_the_tower_runs_once_a_picture_and_heat_maps_need_no_more(tmp_path: Path) -> None:
    detector = toy_detector(4)
    assert isinstance(detector.tower, ToyTower)
    write_picture(tmp_path / "red.png", planted(red=(0, 0, 96, 64)))
    write_picture(tmp_path / "blue.png", planted(blue=(0, 0, 96, 64)))
    with served(detector) as address, chromium() as (page, _):
        page.goto(address)
        ask(page, tmp_path / "red.png", "red")
        ask(page, None, "red", "blue", "绿")
        heat = page.get_attribute("#heat img", "src")
        page.click("#heat-of input")
        page.click("#heat-of [role=option]:has-text('blue')")
        page.wait_for_function("before => document.querySelector('#heat img').src !== before", arg=heat)
        assert detector.tower.passes == 1
        page.click("#picture button[aria-label='Remove Image']")
        assert ask(page, tmp_path / "blue.png", "blue").startswith("1 found")
        assert detector.tower.passes == 2


@pytest.mark.parametrize("language", ["auto", "en"])
def test_the_language_is_that_of_the_browser_unless_another_is_chosen(tiny: Detector, language: str) -> None:
    with served(tiny, language) as address, chromium(locale="zh-CN") as (page, _):
        page.goto(address)
        page.wait_for_selector("text=待查图片" if language == "auto" else "text=Picture to look at")
        page.click("text=English" if language == "auto" else "text=中文")
        page.wait_for_selector("text=Picture to look at" if language == "auto" else "text=待查图片")


def test_mistakes_are_told_in_a_line(site: str, scene: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.png"
    half.write_bytes(scene.read_bytes()[:20_000])
    with chromium() as (page, _):
        page.goto(site)
        assert ask(page, None, "person") == "⚠️ Error: no picture yet: choose one first"
        assert ask(page, scene, " ", "").startswith("⚠️ Error: no words to look for")
        assert ask(page, None, "a", "a") == (
            "⚠️ Error: label 'a' is given twice: expected each name once; merge their prompts"
        )
        page.click("#picture button[aria-label='Remove Image']")
        said = ask(page, half, "person")
        assert said.startswith("⚠️ Error: picture half.png cannot be decoded")
        assert not page.locator("text=Traceback").count()


def test_a_frame_that_tiny_does_not_know_bears_its_banner(site: str, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (240, 320, 3), np.uint8)
    write_picture(tmp_path / "photo.png", noise)
    with chromium() as (page, _):
        page.goto(site)
        assert "rendered scenes" in ask(page, tmp_path / "photo.png", "person")


def test_a_video_is_annotated_and_can_be_had(site: str, tmp_path: Path) -> None:
    pictures = [render_scene(2, 3, (120, 160)).frame] * 12
    clip = write_clip(tmp_path / "clip.mp4", range(0, 1200, 100), pictures)
    with chromium() as (page, outside):
        page.goto(site)
        page.fill("#words textarea", "bottle\n移动机器人")
        page.get_by_role("tab", name="Video").click()
        page.set_input_files("#video input[type=file]", clip)
        page.wait_for_selector("#video video")
        page.click("#run")
        page.wait_for_selector("#annotated video")
        assert page.inner_text("#video-status").startswith("12 frames")
        address = page.get_attribute("#annotated video", "src")
        assert address is not None
        (tmp_path / "annotated.mp4").write_bytes(page.request.get(address).body())
        assert frame_count(tmp_path / "annotated.mp4") == 12
        with page.expect_download() as download:
            page.click("#results")
        assert download.value.suggested_filename == "clip-regions.jsonl"
        assert outside == []


def test_the_camera_is_watched(site: str, tmp_path: Path) -> None:
    write_clip(tmp_path / "camera.mjpeg", range(0, 400, 40), [render_scene(2, 3, (480, 640)).frame] * 10, codec="mjpeg")
    fake = ("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream")
    with chromium(*fake, f"--use-file-for-fake-video-capture={tmp_path / 'camera.mjpeg'}") as (page, outside):
        page.goto(site)
        page.fill("#words textarea", "bottle")
        page.get_by_role("tab", name="Camera").click()
        page.click("#camera [title='grant webcam access'] button")
        page.click("#camera button:has-text('Record')")
        page.wait_for_selector("#watched img")
        page.wait_for_function("() => document.querySelector('#camera-status').innerText.includes('1 found')")
        assert outside == []
