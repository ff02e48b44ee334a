"""Pictures on a pipe."""

import io
import os
import subprocess
import sys
import threading
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import pytest
from footage import number_of, numbered
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from waiting import until

from regionclip.errors import SourceError, SourceWarning
from regionclip.video.sources.every import RecordedSource
from regionclip.video.sources.live import LiveSource
from regionclip.video.sources.options import Naming
from regionclip.video.sources.stdin import PictureSplitter, StdinReader


def encoded(number: int, kind: str) -> bytes:
    return cv2.imencode(kind, numbered(number))[1].tobytes()


def with_thumbnail(number: int) -> bytes:
    """A progressive JPEG that carries a whole JPEG in its EXIF."""
    exif = Image.Exif()
    exif[0x010E] = "x" * 300
    out = io.BytesIO()
    picture = Image.fromarray(numbered(number)[:, :, ::-1].copy())
    thumbnail = b"\xff\xe2" + (len(encoded(0, ".jpg")) + 2).to_bytes(2, "big") + encoded(0, ".jpg")
    picture.save(out, "JPEG", quality=95, progressive=True, exif=exif)
    content = out.getvalue()
    return content[:2] + thumbnail + content[2:]


PICTURES = [encoded(1, ".jpg"), encoded(2, ".png"), with_thumbnail(3), encoded(4, ".png"), encoded(5, ".jpg")]
STREAM = b"noise" + PICTURES[0] + PICTURES[1] + b"\r\n--frame\r\n\xff\x00" + b"".join(PICTURES[2:]) + b"\n"


@given(cuts=st.lists(st.integers(0, len(STREAM)), max_size=30))
def test_pictures_come_out_whole_however_the_bytes_come_in(cuts: list[int]) -> None:
    splitter = PictureSplitter()
    edges = [0, *sorted(cuts), len(STREAM)]
    found = [picture for start, end in pairwise(edges) for picture in splitter.feed(STREAM[start:end])]
    assert found == PICTURES
    assert splitter.rest == 0


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(data: bytes) -> None:
    splitter = PictureSplitter()
    for place in range(0, len(data), 7):
        splitter.feed(data[place : place + 7])
    assert splitter.rest <= len(data)


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_open_source_reads_standard_input(tmp_path: Path, kind: str) -> None:
    code = (
        "import sys; from footage import number_of; from regionclip.video.sources.opening import open_source\n"
        "for frame in open_source('-', fps=10):\n"
        "    print(frame.source, frame.index, frame.t_seconds, frame.image.shape, number_of(frame.image))"
    )
    command = [sys.executable, "-c", code]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    (tmp_path / "all").write_bytes(STREAM)
    with (tmp_path / "all").open("rb") as file:
        given: dict[str, Any] = {"input": STREAM} if kind == "pipe" else {"stdin": file}
        done = subprocess.run(command, capture_output=True, check=True, env=environment, **given)
    lines = done.stdout.decode().splitlines()
    assert lines == [f"stdin {index} {index / 10} (64, 96, 3) {index + 1}" for index in range(5)]


def reader_of(data: bytes) -> StdinReader:
    read, write = os.pipe()
    os.write(write, data)
    os.close(write)
    return StdinReader(read, fps=25)


@pytest.mark.parametrize("data", [b"", b"only text\n" * 100])
def test_a_pipe_without_pictures_is_an_error(data: bytes) -> None:
    with pytest.raises(SourceError, match="without a JPEG or PNG"):
        RecordedSource(reader_of(data), Naming(id="pipe")).read()


def test_a_pipe_that_ends_inside_a_picture() -> None:
    source = RecordedSource(reader_of(PICTURES[0] + PICTURES[1][:-9]), Naming(id="pipe"))
    with pytest.warns(SourceWarning, match="ended inside picture 2"):
        assert [number_of(frame.image) for frame in source] == [1]


def test_the_latest_picture_of_a_pipe_and_its_end() -> None:
    read, write = os.pipe()
    pipe = StdinReader(read, live=True)
    with LiveSource(lambda: pipe, Naming(id="pipe"), kind="pipe") as source:
        for number in range(1, 6):
            os.write(write, encoded(number, ".png"))
        until(lambda: source.status().arrived == 5)
        frame = source.read(5)
        assert frame is not None
        assert (number_of(frame.image), frame.index, source.status().dropped) == (5, 4, 4)
        assert source.read(timeout=0) is None
        assert not source.ended
        os.close(write)
        assert list(source) == []
        assert source.ended
    os.close(read)


def test_closing_does_not_wait_for_the_pipe() -> None:
    read, write = os.pipe()
    pipe = StdinReader(read, live=True)
    source = LiveSource(lambda: pipe, Naming(id="silent pipe"), kind="pipe")
    source.close()
    assert "source silent pipe" not in [thread.name for thread in threading.enumerate()]
    os.close(read)
    os.close(write)
