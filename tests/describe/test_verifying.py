"""A describer in the pipeline: rows of small margin, incidents of rules, the commands. Its weights are random."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import supervision as sv
from describers import write_sail
from toy import ToyTower, planted
from watching import INSIDE, YARD, Scene, frame, passing, rows, rule_set

import regionclip
from proposals.boxes import BoxesProposer
from regionclip.answers.records import detection_records
from regionclip.cli.terminal import exits
from regionclip.config import Config, Verify
from regionclip.describe import Describer, load
from regionclip.describe.verifier import Verifier
from regionclip.detector import Detector
from regionclip.drawing import label_texts
from regionclip.errors import ConfigError, WeightsError
from regionclip.scenes.render import render_scene
from regionclip.video.follower import Follower, StreamFrame
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet
from regionclip.video.rules.watch import Event, Watch
from regionclip.video.sources.base import VideoFrame
from regionclip.words.vocabulary import Label

WORDS = ["person", "红色的灭火器", "car", "dog", "backpack", "forklift"]
Run = Callable[..., int]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sail(tmp_path_factory.mktemp("sail"))


@pytest.fixture(scope="module")
def describer(folder: Path) -> Describer:
    return load(folder, dtype="float32")


def asking(describer: Describer, **settings: Any) -> Verifier:  # noqa: ANN401 - of Verify
    return Verifier(describer, Verify(model="random", **settings))


def same(one: sv.Detections, other: sv.Detections) -> None:
    """All of `one` is in `other`."""
    np.testing.assert_array_equal(one.xyxy, other.xyxy)
    for name, column in one.data.items():
        np.testing.assert_array_equal(column, other.data[name])


def test_the_rows_of_least_margin_get_a_probability(folder: Path, describer: Describer) -> None:
    picture = render_scene(5, 0, count=(6, 9)).frame
    plain, config = regionclip.load("tiny"), Config.load("tiny").replaced(threshold=0.05, dtype="float32")
    settings = Verify(model=str(folder), margin=1.0, limit=3, min_probability=0.0)
    det = regionclip.load(config.replaced(verify=settings))
    bare = regionclip.load(config)(picture, WORDS)
    assert "verified" not in plain(picture, WORDS).data
    found = det(picture, WORDS)
    same(bare, found)
    verified = np.asarray(found.data["verified"])
    asked = np.flatnonzero(~np.isnan(verified))
    assert len(found) > 3
    assert set(asked) == set(np.argsort(np.asarray(found.data["margin"]), kind="stable")[:3])
    for place in asked:
        phrase = str(found.data["prompt"][place])
        assert verified[place] == pytest.approx(describer.verify(picture, found.xyxy[place], phrase), abs=2e-5)
    empty = det(picture, WORDS, np.zeros((0, 4)))
    assert list(empty.data) == list(found.data)
    assert np.asarray(empty.data["verified"]).dtype == np.float32
    np.testing.assert_array_equal(det.batch([picture], WORDS)[0].data["verified"], verified)


def test_only_rows_below_the_margin_are_asked(describer: Describer) -> None:
    given = some_rows([0.1, 0.5, -0.3, 0.05], ["a", "b", "unknown", "d"])
    found = asking(describer, margin=0.1, min_probability=0.0).rows(planted(), given)
    assert list(np.isnan(found.data["verified"])) == [True, True, True, False]


def test_a_row_without_area_is_not_asked_about(describer: Describer) -> None:
    """As of a track whose box was carried out of the frame."""
    given = some_rows([0.1, 0.1], ["red", "blue"])
    given.xyxy[0] = [160, 10, 160, 70]
    found = asking(describer, margin=0.5, min_probability=0.0).rows(planted(), given)
    assert list(np.isnan(found.data["verified"])) == [True, False]


def test_rows_that_are_found_wrong_are_left_out(describer: Describer) -> None:
    given = some_rows([0.1, 0.2, 0.3, 0.9], ["red", "blue", "车", "dog"])
    values = asking(describer, margin=0.5, min_probability=0.0).rows(planted(), given).data["verified"]
    middle = float(np.median(values[:3]))
    found = asking(describer, margin=0.5, min_probability=middle).rows(planted(), given)
    stays = [name for name, value in zip(given.data["class_name"], values, strict=True) if not value < middle]
    assert list(found.data["class_name"]) == stays
    assert len(stays) == 3  # the middle one, the one above it, and the one that was not asked


def test_in_files_and_pictures(describer: Describer) -> None:
    given = some_rows([0.1, 0.9], ["red", "blue"])
    found = asking(describer, margin=0.5, min_probability=0.0).rows(planted(), given)
    value = float(found.data["verified"][0])
    first, second = detection_records(found)
    assert (first["verified"], second["verified"]) == (round(value, 4), None)
    assert "verified" not in detection_records(given)[0]
    assert label_texts(found) == [f"red 0.80 ({value:.2f})", "blue 0.80"]
    assert label_texts(given) == ["red 0.80", "blue 0.80"]


def some_rows(margins: list[float], names: list[str]) -> sv.Detections:
    count = len(names)
    words = np.array(names)
    return sv.Detections(
        xyxy=np.array([[10 * k, 10, 10 * k + 50, 70] for k in range(count)], np.float32),
        confidence=np.full(count, 0.8, np.float32),
        class_id=np.arange(count),
        data={
            "class_name": words, "prompt": words, "region": np.arange(count), "objectness": np.ones(count),
            "margin": np.array(margins), "runner_up": words, "negative_margin": np.zeros(count), "negative": words,
        },
    )  # fmt: skip


BOX = (48, 32, 112, 96)
PICTURE = planted(red=BOX)


def follower(describer: Describer, least: float = 0.0, **options: Any) -> Follower:  # noqa: ANN401
    verifier = asking(describer, margin=1.0, min_probability=least)
    det = Detector(ToyTower(), BoxesProposer(np.array([BOX], np.float32)), verifier=verifier)
    return Follower(det, ["red"], source="cam", options=FollowOptions(**options))


def follow(one: Follower, start: int = 0, frames: int = 6) -> list[StreamFrame]:
    return [one.follow(VideoFrame(PICTURE, k / 5, k, "cam")) for k in range(start, start + frames)]


@pytest.mark.parametrize("track", [True, False])
def test_a_track_is_asked_once(describer: Describer, *, track: bool) -> None:
    """On frames between key frames as well the answer is there; without tracks each key frame is asked."""
    frames = follow(follower(describer, track=track, every=2))
    values = [list(frame.detections.data["verified"]) for frame in frames]
    shown = [value for value in values if value]
    assert len(shown) >= 4
    assert all(value == shown[0] and not np.isnan(value[0]) for value in shown)
    asked = [index for index, frame in enumerate(frames) if "describe" in frame.timings]
    assert len(asked) == (1 if track else 3)


def test_a_track_that_is_found_wrong_stays_away(describer: Describer) -> None:
    assert all(len(frame.detections) == 0 for frame in follow(follower(describer, least=1.0)))


def test_other_words_are_asked_anew(describer: Describer) -> None:
    """A label may keep its name and mean something else."""
    one = follower(describer)
    before = follow(one)[-1].detections.data["verified"]
    one.ask([Label("red", ["红"])])
    after = follow(one, 6)[-1].detections
    assert [*after.data["prompt"], *after.data["verified"]] == ["红", describer.verify(PICTURE, BOX, "红")]
    assert before[0] == pytest.approx(describer.verify(PICTURE, BOX, "red"))


RULES = rule_set(
    {"name": "checked", "kind": "in", "zones": "yard", "verify": True, "labels": "person"},
    {"name": "plain", "kind": "in", "zones": "yard"},
)


def told_by(verifier: Verifier | None, rules: RuleSet = RULES, seconds: int = 12, scene: Scene = INSIDE) -> list[Event]:
    watch, events = Watch(rules, source="cam", verifier=verifier), []
    for k in range(seconds * 5):
        events += watch.update(rows(scene(k / 5)), frame(k / 5, k))
    return [*events, *watch.close()]


def test_an_incident_is_verified_when_it_begins(describer: Describer) -> None:
    events = told_by(asking(describer, min_probability=0.0))
    checked = [event for event in events if event.rule == "checked"]
    start = checked[0]
    assert [event.phase for event in checked] == ["start", "end"]
    assert start.box is not None
    value = describer.verify(frame(0).image, start.box, "person")
    assert [event.verified for event in checked] == [value, value]
    assert start.to_dict()["verified"] == round(value, 3)
    assert {event.verified for event in events if event.rule == "plain"} == {None}


def test_an_incident_is_asked_about_by_the_phrase_that_matched(describer: Describer) -> None:
    watch = Watch(RULES, source="cam", verifier=asking(describer, min_probability=0.0))
    events: list[Event] = []
    for k in range(30):
        things = INSIDE(k / 5)
        events += watch.update(rows(things, {"prompt": ["红色的人"] * len(things)}), frame(k / 5, k))
    start = next(event for event in events if event.rule == "checked")
    assert start.box is not None
    assert start.label == "person"
    assert start.verified == describer.verify(frame(0).image, start.box, "红色的人")


@pytest.mark.parametrize("seconds", [12, 6])  # it has ended, or goes on
def test_a_dismissed_incident_is_not_reported(describer: Describer, seconds: int) -> None:
    events = told_by(asking(describer, min_probability=1.0), seconds=seconds)
    assert [(event.rule, event.phase) for event in events] == [("plain", "start"), ("plain", "end")]


def test_a_dismissed_moment_is_not_reported(describer: Describer) -> None:
    rules = rule_set({"kind": "enter", "zones": "yard", "verify": True})
    for least, phases in ((1.0, []), (0.0, ["start"])):
        events = told_by(asking(describer, min_probability=least), rules, scene=passing())
        assert [event.phase for event in events] == phases


def test_whom_to_ask(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rules = tmp_path / "rules.toml"
    rules.write_text('[[rule]]\nname = "checked"\nkind = "in"\nlabels = "person"\nverify = true\n')
    clip = tmp_path / "clip.mp4"
    clip.touch()  # no video, but that is not found out before
    assert run("video", clip, "-p", "person", "--rules", rules, "--out", tmp_path / "x.mp4") == exits.USAGE
    assert "'checked': verify: whom to ask?" in capsys.readouterr().err
    with pytest.raises(ConfigError, match=r"\[\[rule\]\] 'checked': verify: whom to ask\?"):
        told_by(None)
    for kind in ("leave", "absent"):
        rule = {"name": "r", "kind": kind, "verify": True, "seconds": 1}
        with pytest.raises(ConfigError, match="verify: expected false, for what it is about is not there any more"):
            RuleSet.of({"zone": [YARD], "rule": [rule]})


def test_settings(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text('[verify]\nmodel = "nowhere"\nmargin = 0.3\n')
    config = Config.load(path)
    assert config.verify == Verify(model="nowhere", margin=0.3)
    assert config.changed(threshold=0.2).verify == config.verify
    with pytest.raises(WeightsError, match="nowhere: no such folder, and not a hub name"):
        regionclip.load(config)
    path.write_text("[verify]\nmodel = 'm'\nlimit = 0\n")
    with pytest.raises(ConfigError, match=r"site.toml, \[verify\]: limit: expected a whole number in 1..10000, got 0"):
        Config.load(path)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "a.png"
    cv2.imwrite(str(path), planted(red=(16, 16, 80, 80), blue=(100, 40, 150, 100)))
    return path


def test_detect_verifies(run_small: Run, photo: Path, folder: Path, describer: Describer) -> None:
    (photo.parent / "boxes.json").write_text(json.dumps({"a.png": [[16, 16, 80, 80], [100, 40, 150, 100]]}))
    (photo.parent / "c.toml").write_text('[verify]\nmodel = "owner/other"\nmargin = 1.0\nmin_probability = 0.0\n')
    result = photo.parent / "result.json"
    words = ("-p", "red", "-p", "蓝色的车", "--threshold", "0", "--boxes", photo.parent / "boxes.json")
    settings = ("--config", photo.parent / "c.toml", "--verify", folder)
    assert run_small("detect", photo, *words, *settings, "--json", result) == exits.OK
    found = json.loads(result.read_text(encoding="utf-8"))["images"][0]["detections"]
    assert len(found) == 2
    for each in found:
        value = describer.verify(photo, each["box"], each["label"])
        assert each["verified"] == pytest.approx(value, abs=2e-4)


def test_describe_command(
    run: Run, photo: Path, folder: Path, describer: Describer, capsys: pytest.CaptureFixture[str]
) -> None:
    def said(*words: str) -> list[str]:
        assert run("describe", photo, "--model", folder, "--dtype", "float32", *words) == exits.OK
        return capsys.readouterr().out.splitlines()

    box = [16.0, 16.0, 80.0, 80.0]
    assert said() == [f"{photo}\t{flat(describer.caption(photo))}"]
    both = said("--box", "16,16,80,80", "--box", "100,40,150,100", "--label", "red", "--label", "蓝色")
    assert len(both) == 2
    red, blue = describer.verify_all(photo, [box, box], ["red", "蓝色"])
    assert both[0] == f"{photo}\t16,16,80,80\tred {red:.3f}; 蓝色 {blue:.3f}"
    assert said("--question", "what?", "--box", "16,16,80,80")[0].endswith(flat(describer.ask(photo, "what?", box)))
    assert said("--read", "--zh")[0].endswith(flat(describer.read_text(photo, None, "zh")))
    assert said("--summary") == [flat(describer.summary([photo]))]


def flat(text: str) -> str:
    return " ".join(text.split())


def test_describe_refuses(run: Run, photo: Path, folder: Path) -> None:
    for words in (("--read", "--summary"), ("--summary", "--box", "1,2,3,4"), ("--box", "1,2,3")):
        assert run("describe", photo, "--model", folder, *words) == exits.USAGE
    assert run("describe", photo, "--model", photo.parent) == exits.WEIGHTS


def test_the_table_of_settings() -> None:
    page = (Path(__file__).parents[2] / "docs" / "describe.md").read_text(encoding="utf-8")
    table = dict(re.findall(r"^\| `(\w+)` \| (\S+) \|", page, re.MULTILINE))
    fields = Verify.model_fields
    assert table == {name: "needed" if field.is_required() else str(field.default) for name, field in fields.items()}
