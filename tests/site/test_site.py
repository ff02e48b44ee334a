"""A site of real loopback cameras and recordings: shares, losses, changes of its file, errors, secrets, the end."""

import json
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from disks import small_disk
from footage import write_clip
from told import lines as lines_of
from toy import ToyTower, planted
from waiting import until

import regionclip
from proposals.base import Features, Proposals, Proposer
from proposals.boxes import BoxesProposer
from regionclip.cli.cameras.site import site as command
from regionclip.cli.terminal import exits
from regionclip.detector import Detector
from regionclip.errors import ConfigError, FileError
from regionclip.evaluation.speed.fleet import silent_port
from regionclip.evaluation.speed.loopback import LoopbackCamera
from regionclip.frames import Frame
from regionclip.scenes.render import render_scene
from regionclip.sinks.sink import AnyEvent
from regionclip.site import turns as site_module
from regionclip.site.camera import SiteCamera
from regionclip.site.file import SiteFile
from regionclip.site.secrets import SecretText, fill
from regionclip.site.settings import CameraSettings, OutputSettings, SiteSettings
from regionclip.site.status import CameraStatus
from regionclip.site.turns import Site
from regionclip.towers.base import ImageFeatures, TokenGrid
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.schedule import Hours
from regionclip.video.rules.watch import Event
from regionclip.video.sources.base import SourceEvent, VideoFrame
from regionclip.video.sources.options import LiveOptions
from regionclip.words.vocabulary import Vocabulary

QUICK = LiveOptions(open_timeout=2, read_timeout=1, first_wait=0.1, longest_wait=0.3)
SMALL = (120, 256)
WAIT = 40  # seconds, for a machine with much else to do
PLAIN = FollowOptions(track=False)


@pytest.fixture(autouse=True)
def _quick_and_no_thread_stays_behind(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(site_module, "_TICK", 0.05)
    monkeypatch.setattr(site_module, "_STATUS_SECONDS", 0.2)
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def toy(tower: ToyTower | None = None, *boxes: tuple[int, int, int, int]) -> Detector:
    return Detector(tower or ToyTower(), BoxesProposer(list(boxes or [(0, 0, 64, 64)])))


def camera(name: str, url: str | Path, **more: object) -> CameraSettings:
    settings: dict[str, object] = {"words": Vocabulary(["red"]), "follow": PLAIN, "live": QUICK, **more}
    return CameraSettings(name=name, url=fill(str(url)), **settings)  # type: ignore[arg-type]


def site_of(*cameras: CameraSettings, **more: object) -> SiteSettings:
    return SiteSettings(cameras=cameras, **more)  # type: ignore[arg-type]


def run_until(site: Site, done: Callable[[dict[str, CameraStatus]], bool]) -> dict[str, CameraStatus]:
    """Run until `done`, which sees the statuses; gives the last ones."""
    deadline = time.monotonic() + WAIT
    latest: dict[str, CameraStatus] = {}

    def tick() -> None:
        latest.clear()
        latest.update({each.camera: each for each in site.status()})
        if done(latest) or time.monotonic() > deadline:
            site.stop()

    site.run(tick)
    assert done(latest), latest
    return latest


def clip(path: Path, pictures: Sequence[Frame]) -> Path:
    return write_clip(path, range(0, 100 * len(pictures), 100), pictures)


class SlowTower(ToyTower):
    """Takes longer than frames take to come."""

    def _encode(self, frame: Frame) -> TokenGrid:
        time.sleep(0.03)
        return super()._encode(frame)


def test_cameras_share_a_slow_tower_evenly_and_a_dead_one_takes_nothing() -> None:
    with LoopbackCamera(fps=15, size=SMALL) as a, LoopbackCamera(fps=30, size=SMALL) as b, silent_port() as dead:
        settings = site_of(camera("a", a.url), camera("dead", dead), camera("b", b.url))
        with Site(settings, toy(SlowTower())) as site:
            run_until(site, lambda now: min(now["a"].handled, now["b"].handled) > 0)
            start = {each.camera: each.handled for each in site.status()}
            now = run_until(site, lambda now: now["b"].handled > start["b"] + 40)
    shares = [now[name].handled - start[name] for name in "ab"]
    assert min(shares) > 0.7 * max(shares)
    assert now["b"].dropped > 0
    assert now["dead"].handled == 0
    assert now["dead"].state in ("connecting", "lost")
    assert now["a"].state == "connected"
    assert now["a"].age_p50_ms is not None
    assert now["a"].fps_in > now["a"].fps_handled > 0


def test_a_camera_is_killed_and_comes_back_while_another_goes_on() -> None:
    told: list[AnyEvent] = []
    lines: list[str] = []
    with (
        LoopbackCamera(size=SMALL) as a,
        LoopbackCamera(size=SMALL) as b,
        Site(site_of(camera("a", a.url), camera("b", b.url)), toy(), say=lines.append, on_event=told.append) as site,
    ):
        run_until(site, lambda now: min(each.handled for each in now.values()) > 3)
        a.switch_off()
        lost = run_until(site, lambda now: now["a"].state == "lost")
        run_until(site, lambda now: now["b"].handled > lost["b"].handled + 10)
        a.switch_on()
        back = run_until(site, lambda now: now["a"].handled > lost["a"].handled + 3)
    assert lost["a"].reason
    assert (back["a"].outages, back["b"].outages, back["a"].state) == (1, 0, "connected")
    assert [(each.kind, each.source) for each in told if isinstance(each, SourceEvent)] == [
        ("lost", "a"),
        ("back", "a"),
    ]
    assert lines[0] in ("a: connected", "b: connected")
    assert sum(line.startswith("a: lost: ") for line in lines) == 1
    assert sum(line.startswith("a: back after ") for line in lines) == 1
    assert not any("Traceback" in line for line in lines)


RULES = {
    "zone": [{"name": "left", "points": [[0, 0], [0.5, 0], [0.5, 1], [0, 1]]}],
    "rule": [
        {"name": "seen", "kind": "in", "labels": "red", "zones": "left", "seconds": 0.2, "grace": 0.2, "cooldown": 0}
    ],
}


def test_events_of_recordings_go_to_all_outputs_and_the_site_ends_with_them(tmp_path: Path) -> None:
    there, gone = planted(red=(16, 16, 80, 80)), planted()
    recording = clip(tmp_path / "a.mp4", [gone] * 5 + [there] * 10 + [gone] * 10)
    open_end = clip(tmp_path / "b.mp4", [there] * 15)
    outputs = OutputSettings(events=tmp_path / "e.jsonl", snapshots=tmp_path / "pictures")
    follow = FollowOptions(track=False, rules=RuleSet.of(RULES), timezone="Asia/Shanghai")
    told: list[AnyEvent] = []
    cameras = camera("a", recording, follow=follow), camera("b", open_end, follow=follow)
    settings = site_of(*cameras, outputs=outputs, status=tmp_path / "status.json")
    with Site(settings, toy(None, (16, 16, 80, 80)), on_event=told.append) as site:
        site.run()
        assert {each.state for each in site.status()} == {"ended"}
    lines = lines_of(tmp_path / "e.jsonl")
    for name in "ab":
        own = [line for line in lines if line["source"] == name]
        assert [line["phase"] for line in own] == ["start", "end"]
        assert own[0]["incident"] == own[1]["incident"]
        assert own[0]["timezone"] == "Asia/Shanghai"
        assert all(Path(picture).is_file() for picture in own[0]["pictures"])
        assert own[0]["pictures"]
    assert len(told) == len(lines) == 4
    status = json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))
    assert [each["events"] for each in status["cameras"]] == [2, 2]
    assert status["problems"] == []


def test_frames_encoded_together_give_what_single_ones_give() -> None:
    detector, words, count = regionclip.load("tiny"), Vocabulary(["person", "car", "背包"], threshold=0.1), 0
    pictures = [render_scene(7, place, (240, 320)).frame for place in range(4)]
    for picture, features in zip(pictures, detector.features_of(pictures), strict=True):
        alone, together = (
            Follower(detector, words, source="a", options=PLAIN).follow(VideoFrame(picture, 0.0, 0, "a"), features=own)
            for own in (None, features)
        )
        assert together.key
        assert alone.detections == together.detections
        count += len(alone.detections)
    assert count > 4


class BatchTower(ToyTower):
    """Notes how many frames it is given at once, and cannot encode every other batch."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []

    def encode_image(self, frames: Sequence[Frame]) -> list[ImageFeatures]:
        self.sizes.append(len(frames))
        features = super().encode_image(frames)
        if len(frames) > 1 and self.sizes.count(len(frames)) % 2:
            for each in features:
                each._encode = self._refuse
        return features

    def _refuse(self) -> TokenGrid:
        raise MemoryError("too many frames at once")


def test_a_batch_that_fails_is_done_one_by_one() -> None:
    tower = BatchTower()
    with LoopbackCamera(fps=40, size=SMALL) as a, LoopbackCamera(fps=40, size=SMALL) as b:
        settings = site_of(camera("a", a.url), camera("b", b.url), batch=2)
        with Site(settings, toy(tower)) as site:
            now = run_until(site, lambda _: tower.sizes.count(2) > 3)
    assert max(tower.sizes) == 2
    assert [each.errors for each in now.values()] == [0, 0]
    assert all(each.handled == each.key_frames for each in now.values())


class Picky(Proposer):
    """A proposer that cannot stand frames of one size."""

    def __init__(self) -> None:
        self.angry = True

    def __call__(self, frame: Frame, features: Features) -> Proposals:
        if self.angry and frame.shape[0] == 64:
            raise RuntimeError("rtsp://viewer:hush-hush@192.0.2.1/live is too small")
        return Proposals(np.array([[0, 0, 30, 30]], np.float32), np.ones(1, np.float32))


def test_an_error_begins_one_camera_anew_and_leaves_the_others_alone() -> None:
    lines: list[str] = []
    proposer = Picky()
    with LoopbackCamera(size=(64, 256)) as a, LoopbackCamera(size=SMALL) as b:
        settings = site_of(camera("a", a.url.replace("//", "//viewer:hush-hush@")), camera("b", b.url))
        with Site(settings, Detector(ToyTower(), proposer), say=lines.append) as site:
            failed = run_until(site, lambda now: now["a"].state == "failed" and now["b"].handled > 5)
            proposer.angry = False
            well = run_until(site, lambda now: now["a"].handled > 3)
    assert failed["a"].errors >= 1
    assert failed["a"].last_error.startswith("RuntimeError in test_site.py, line ")
    assert "viewer:***@" in failed["a"].last_error
    assert well["b"].errors == 0
    assert any(re.match(r"a: RuntimeError .*; begun anew in \d+ s", line) for line in lines)
    assert "hush" not in " ".join(lines)


def test_the_file_is_read_again(tmp_path: Path) -> None:
    lines: list[str] = []
    path = tmp_path / "site.toml"
    with LoopbackCamera(size=SMALL) as a, LoopbackCamera(size=SMALL) as b, LoopbackCamera(size=SMALL) as c:

        def write(words: str, **urls: str) -> None:
            tables = [f'[[camera]]\nname = "{name}"\nurl = "{url}"\ntrack = false\n' for name, url in urls.items()]
            path.write_text(f"vocabulary = {words}\n" + "".join(tables), encoding="utf-8")

        def said(text: str) -> Callable[[object], bool]:
            return lambda now: any(text in line for line in lines)

        write('["red"]', a=a.url, b=b.url)
        with Site(SiteFile(path), toy(), say=lines.append) as site:
            run_until(site, lambda now: min(each.handled for each in now.values()) > 2)
            since = site.status()[0].since
            write('["red"]', a=a.url, c=c.url)
            now = run_until(site, lambda now: "c" in now and now["c"].handled > 2)
            assert set(now) == {"a", "c"}
            assert "b: removed, c: added" in " ".join(lines)
            write('["red", "绿"]', a=a.url, c=b.url)
            run_until(site, said("a: other words, c: begun anew"))
            run_until(site, lambda now: now["c"].handled > 2)
            assert site.status()[0].since == since  # it was not opened anew
            path.write_text("vocabulary = 3\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
            run_until(site, said("the settings from before stay"))
            before = site.status()[0].handled
            now = run_until(site, lambda now: now["a"].handled > before + 3)
            assert sum("the settings from before stay" in line for line in lines) == 1
            write('["red", "绿"]', a=a.url, c=b.url)
            run_until(site, said("nothing has changed"))
            count = len(lines)
            site.read_again()
            run_until(site, lambda now: len(lines) > count)
    assert not any("Error" in line for line in lines)


def test_other_rules_end_what_goes_on(tmp_path: Path) -> None:
    follow = FollowOptions(track=False, rules=RuleSet.of(RULES))
    recording = clip(tmp_path / "a.mp4", [planted(red=(16, 16, 80, 80))] * 200)
    settings = site_of(camera("a", recording, follow=follow))
    told: list[AnyEvent] = []
    with Site(settings, toy(None, (16, 16, 80, 80)), on_event=told.append) as site:
        run_until(site, lambda now: now["a"].events == 1)
        without = site_of(camera("a", recording))
        assert site.apply(without) == ["a: other rules"]
        assert [each.phase for each in told if isinstance(each, Event)] == ["start", "end"]
        assert site.apply(without) == []
        asks = site_of(camera("a", recording, words=Vocabulary(["green"]), follow=follow))
        with pytest.raises(ConfigError, match=r"camera 'a': rules.*expected labels among green; got 'red'"):
            site.apply(asks)
        handled = site.status()[0].handled
        run_until(site, lambda now: now["a"].handled > handled)


@contextmanager
def alone(settings: CameraSettings, log: Callable[[str], None] = lambda _: None) -> Iterator[SiteCamera]:
    """A camera without a site."""
    own = SiteCamera(settings, detector=toy(), bell=threading.Event(), send=lambda *_: None, log=log)
    yield own
    own.leave()
    own.join()


def test_other_words_are_asked_of_an_open_camera(tmp_path: Path) -> None:
    recording = clip(tmp_path / "a.mp4", [planted(green=(0, 0, 64, 64))] * 300)
    with alone(camera("b", recording)) as own:
        own.update(datetime.now(UTC))

        def labels() -> list[str]:
            frames: list[VideoFrame | None] = []
            until(lambda: frames.append(own.read()) or frames[-1] is not None)  # type: ignore[func-returns-value]
            assert frames[-1] is not None
            known = own.follow(frames[-1])
            assert known is not None
            return [str(name) for name in known.detections.data["class_name"]]

        assert labels() == []
        assert own.change(camera("b", recording, words=Vocabulary(["red", "绿"]))) == "other words"
        assert labels() == ["绿"]


def test_schedules_open_and_close(tmp_path: Path) -> None:
    night = Hours.read("mon-fri 22:00-06:00")
    recording = clip(tmp_path / "a.mp4", [planted()] * 300)
    lines: list[str] = []
    with alone(camera("night", recording, schedule=(night,)), lines.append) as own:
        states = []
        for moment in ("20 21:59", "20 22:00", "21 05:59", "21 06:00", "21 23:00"):
            own.update(datetime.fromisoformat(f"2026-11-{moment}"))
            states.append(own.status().state)
    assert own.status().state == "off"
    assert [states[0], states[3], states[4]] == ["resting"] * 3
    assert states[1] in ("connecting", "connected")
    assert states[2] in ("connecting", "connected")
    assert "night: resting" in lines


def test_a_recording_that_is_missing_is_tried_again(tmp_path: Path) -> None:
    lines: list[str] = []
    text = SecretText(str(tmp_path / "later.mp4"), "later.mp4")
    settings = site_of(CameraSettings(name="a", url=text, words=Vocabulary(["red"]), follow=PLAIN))
    with Site(settings, toy(), say=lines.append) as site:
        run_until(site, lambda now: now["a"].state == "failed")
        clip(tmp_path / "later.mp4", [planted()] * 5)
        run_until(site, lambda now: now["a"].handled > 0)
    assert "later.mp4" in lines[0]


def test_troubles_with_outputs_are_told_and_do_not_stop_the_cameras(tmp_path: Path) -> None:
    lines: list[str] = []
    status = tmp_path / "status.json"
    status.mkdir()
    settings = site_of(camera("a", clip(tmp_path / "a.mp4", [planted()] * 5)), status=status)
    with Site(settings, toy(), say=lines.append) as site:
        site.run()
    assert sum("cannot be written" in line for line in lines) == 1
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(FileError, match="file"):
        Site(site_of(camera("a", "0"), outputs=OutputSettings(events=tmp_path / "file" / "e.jsonl")), toy())


def test_a_site_goes_on_while_its_disk_is_full(tmp_path: Path) -> None:
    there, gone = planted(red=(16, 16, 80, 80)), planted()
    lines: list[str] = []
    with small_disk(tmp_path / "disk") as disk:
        outputs = OutputSettings(events=disk.folder / "e.jsonl", snapshots=disk.folder / "shots")
        status = tmp_path / "s.json"
        follow = FollowOptions(track=False, rules=RuleSet.of(RULES))
        recording = clip(tmp_path / "a.mp4", ([gone] * 10 + [there] * 10) * 20)
        settings = site_of(camera("a", recording, follow=follow), outputs=outputs, status=status)
        with Site(settings, toy(None, (16, 16, 80, 80)), say=lines.append) as site:
            run_until(site, lambda now: now["a"].handled > 0)
            disk.fill()
            full = run_until(site, lambda now: now["a"].events >= 4)
            problems = site.problems.texts
            run_until(site, lambda _: json.loads(status.read_text(encoding="utf-8"))["problems"] == problems)
            disk.empty()
            run_until(site, lambda now: now["a"].events > full["a"].events + 2)
            run_until(site, lambda _: json.loads(status.read_text(encoding="utf-8"))["problems"] == [])
            told = site.status()[0].events
            kept = site.settings
            site.apply(replace(kept, outputs=replace(outputs, snapshots=None)))  # the log stays open
        phases = [line["phase"] for line in lines_of(disk.folder / "e.jsonl")]
    assert phases[:told] == ["start", "end"] * (told // 2) + ["start"] * (told % 2)
    full_ones = [text.partition(" cannot be written")[0] for text in problems]
    assert full_ones == [str(disk.folder / "shots"), str(disk.folder / "e.jsonl")]
    assert sum("cannot be written" in line for line in lines) == 2
    assert full["a"].errors == 0


def test_mistakes_are_found_before_any_camera_is_open() -> None:
    class Memory(Picky):
        has_memory = True

    with pytest.raises(ConfigError, match="camera 'a': Memory remembers earlier frames"):
        Site(site_of(camera("a", "http://192.0.2.1/")), Detector(ToyTower(), Memory()))


def site_file(folder: Path, url: str) -> Path:
    path = folder / "site.toml"
    path.write_text(
        'status = "status.json"\nevents = "events.jsonl"\nread_timeout = 1\nvocabulary = ["person"]\ntrack = false\n'
        f'[[camera]]\nname = "门口"\nurl = "{url}"\n',
        encoding="utf-8",
    )
    return path


def test_the_command_checks_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "hush-hush")
    path = site_file(tmp_path, "rtsp://viewer:${CAMERA_PASSWORD}@192.0.2.10/live")
    command(path, check=True, report=60)
    out = capsys.readouterr().out
    assert "1 cameras, UTC, tower tiny" in out
    assert "门口: rtsp://viewer:***@192.0.2.10/live  (1 labels, 0 rules)" in out
    path.write_text(path.read_text(encoding="utf-8") + "fsp = 3\n", encoding="utf-8")
    wrong = subprocess.run(
        [sys.executable, "-m", "regionclip", "site", str(path)], capture_output=True, text=True, check=False
    )
    assert wrong.returncode == exits.USAGE
    assert "[[camera]] '门口': unknown key fsp" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_the_command_stops_cleanly_and_keeps_its_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CAMERA_PASSWORD", "hush@hush")
    with LoopbackCamera(fps=5, size=SMALL) as own:
        path = site_file(tmp_path, own.url.replace("//", "//viewer:${CAMERA_PASSWORD}@"))
        process = subprocess.Popen(
            [sys.executable, "-m", "regionclip", "site", str(path), "--report", "1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert process.stderr is not None
        watchdog = threading.Timer(3 * WAIT, process.kill)
        watchdog.start()
        err = ""
        for text, then in (
            ("门口: connected", own.switch_off),
            ("门口: lost", lambda: process.send_signal(signal.SIGHUP)),
            ("nothing has changed", process.terminate),
        ):
            while text not in err:
                line = process.stderr.readline()
                assert line, err
                err += line
            then()
        out, rest = process.communicate()
        watchdog.cancel()
        watchdog.join()
    err += rest
    assert process.returncode == exits.OK, err
    assert re.search(r"^门口: \d+ frames followed, .* 1 outages, 0 errors$", out, re.MULTILINE)
    assert re.search(r"^\d\d:\d\d:\d\d 门口: lost: http://viewer:\*\*\*@127", err, re.MULTILINE)
    assert [line["phase"] for line in lines_of(tmp_path / "events.jsonl")] == ["lost"]
    assert json.loads((tmp_path / "status.json").read_text(encoding="utf-8"))["cameras"][0]["outages"] == 1
    for text in (out, err, *(each.read_text(encoding="utf-8") for each in tmp_path.glob("*.json*"))):
        assert "hush" not in text
