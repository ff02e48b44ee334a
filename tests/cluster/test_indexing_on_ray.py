"""`regionclip index --engine ray`: the rows of a local run, on a cluster of two machines, an actor killed."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from ray_served import environment, ray_cluster, workers
from waiting import until

from regionclip.archive.store import Archive
from regionclip.cli.terminal import exits
from regionclip.scenes.clips import render_clip
from regionclip.scenes.render import render_scene
from regionclip.video.output.writer import VideoWriter


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """Six pictures, three videos, and a file that is damaged."""
    folder = tmp_path / "media"
    folder.mkdir()
    for index in range(6):
        cv2.imwrite(str(folder / f"{index}.png"), render_scene(index, 0, (240, 320)).frame)
    for index in range(3):
        with VideoWriter(folder / f"{index}.mp4") as writer:
            for shot in render_clip(index, 1, (120, 160), seconds=3, fps=8, event="pass", camera="still"):
                writer.write(shot.frame, shot.seconds)
    (folder / "bad.jpg").write_bytes(b"no picture")
    return folder


@contextmanager
def index(media: Path, out: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    sources = [str(media), "--out", str(out), "--every", "2", "--tower", "tiny", "--proposer", "grid", *options]
    command = [sys.executable, "-m", "regionclip", "index", *sources]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment()) as process:
        yield process


def rows(archive: Archive) -> pa.Table:
    """All regions with all that is known of them, whatever the order in which files were done."""
    table = archive.table.to_arrow()
    order = [(name, "ascending") for name in ("source", "index", "region")]
    return table.filter(pc.is_null(table["note"])).sort_by(order)


@pytest.mark.slow
def test_rows_are_those_of_a_local_run_also_where_an_actor_is_killed(media: Path, tmp_path: Path) -> None:
    with index(media, tmp_path / "local") as local:
        assert "9 files added, 0 were there, 1 unreadable" in local.communicate(timeout=120)[1]
    busy = "ray::MapWorker(FlatMap(Looker)).submit"
    with (
        ray_cluster() as (address, cluster),
        index(media, tmp_path / "cluster", "--engine", "ray", "--address", address) as process,
    ):
        until(lambda: bool(workers(cluster, busy)), seconds=120)
        os.kill(workers(cluster, busy)[0], signal.SIGKILL)
        assert "9 files added, 0 were there, 1 unreadable" in process.communicate(timeout=120)[1]
        assert process.returncode == exits.PARTLY
    with index(media, tmp_path / "cluster", "--engine", "ray", "--resume") as again:
        assert "0 files added, 10 were there" in again.communicate(timeout=120)[1]
    by_ray, here = Archive(tmp_path / "cluster"), Archive(tmp_path / "local")
    assert by_ray.files() == here.files()
    expected, found = rows(here), rows(by_ray)
    assert expected.num_rows > 1000
    assert [name for name in expected.column_names if not found[name].equals(expected[name])] == []


def test_what_an_actor_cannot_load_is_told(media: Path, tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from regionclip.errors import FileError
from regionclip.cluster.joining import joined
from regionclip.cluster.indexing import IndexOptions, index_files
from regionclip.archive.indexing import unfinished
from regionclip.archive.store import Archive
from regionclip.loading import load
card = load("tiny").tower.card
archive = Archive.create({str(tmp_path / "x")!r}, card)
def missing():
    raise FileError("the weights are not on this machine")
with joined(None), archive.writer() as writer:
    work = [(note, None) for note in unfinished(archive, [Path({str(media / "0.png")!r})])]
    try:
        list(index_files(writer, work, missing, IndexOptions()))
    except FileError as error:
        print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment(), timeout=120)
    assert done.stdout.strip().endswith("the actors failed: the weights are not on this machine"), done.stderr
