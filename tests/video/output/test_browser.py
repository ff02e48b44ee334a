"""What is written plays in a browser, in its colours, at its times, with its sound."""

from typing import Any

import numpy as np
import pytest
from browser import find_browser, look
from test_sound import recording

from regionclip.video.output.codecs import CODECS
from regionclip.video.output.writer import VideoWriter

BROWSER = find_browser()
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium on this machine; scripts/browser says more")

VIDEOS = {
    "h264.mp4": 'video/mp4; codecs="avc1.64001f, mp4a.40.2"',
    "vp9.webm": 'video/webm; codecs="vp9, opus"',
    "vp9.mp4": 'video/mp4; codecs="vp09.00.20.08"',
    "av1.mp4": 'video/mp4; codecs="av01.0.01M.08"',
}
COLOURS = ((220, 30, 30), (30, 180, 60), (40, 60, 210))  # red, green, blue, of three stretches of time
GREY = (128, 128, 128)
STARTS = (0.0, 0.8, 2.0)
END = 3.0


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("browser")
    source = recording(folder / "source.mp4", "aac")
    for name in VIDEOS:
        with VideoWriter(folder / name, codec=name.split(".")[0], audio_from=source) as writer:
            for time in [0.0, 0.033, 0.4, *np.arange(0.8, 2, 0.1), *np.arange(2, END, 0.04)]:
                image = np.full((241, 321, 3), GREY, np.uint8)
                stretch = sum(time >= start for start in STARTS) - 1
                image[:, 160:] = COLOURS[stretch][::-1]
                writer.write(image, float(time))
    assert BROWSER is not None
    return look(BROWSER, folder, VIDEOS, times=[0.5, 1.5, 2.5], points=[(60, 100), (240, 100), (319, 239)])


@pytest.mark.parametrize("name", VIDEOS)
def test_it_plays_in_its_colours(seen: dict[str, Any], name: str) -> None:
    video = seen[name]
    assert "error" not in video, video
    assert video["can"] == "probably"
    assert (video["width"], video["height"]) == (322, 242)
    assert video["seconds"] == pytest.approx(END, abs=0.06)
    assert video["ended"] == pytest.approx(END, abs=0.06)
    assert video["sound"] > 0
    for frame, colour in zip(video["frames"], COLOURS, strict=True):
        for got, meant in zip(frame, (GREY, colour, colour), strict=True):
            assert np.abs(np.array(got) - meant).max() <= 8, (got, meant)


def test_every_codec_for_browsers_is_tried() -> None:
    assert {name.split(".")[0] for name in VIDEOS} == set(CODECS) - {"hevc", "mpeg4"}
