"""`regionclip calibrate` and `regionclip eval alarms`, with the embedded tower."""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
from test_footage import tenths, write_video
from toy import toy_detector

from regionclip.cli.terminal import exits
from regionclip.data.rendered import export_scenes
from regionclip.errors import ConfigError
from regionclip.evaluation.accuracy.alarm_scenes import AlarmPlan, Part, SceneBlock, ScenePeaks, watch_scenes
from regionclip.evaluation.accuracy.alarms import draw, evaluate_alarms, table
from regionclip.scenes.render import render_scene
from regionclip.words.vocabulary import Label, Vocabulary

Run = Callable[..., int]
WORDS = Vocabulary(["person", Label("car", ["car", "汽车"], threshold=0.6)])


@pytest.fixture
def words(tmp_path: Path) -> Path:
    WORDS.save(tmp_path / "words.toml")
    return tmp_path / "words.toml"


def test_a_video_gives_a_new_vocabulary_and_a_report(
    tmp_path: Path, words: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    before = words.read_bytes()
    video = write_video(tmp_path / "night.mp4", tenths(12))
    out = tmp_path / "new.toml"
    options = ("--empty", video, "--alarms-per-hour", 0.1, "--every", 2)
    assert run("calibrate", "--vocabulary", words, *options, "--out", out) == exits.OK
    printed = capsys.readouterr().out
    assert words.read_bytes() == before
    new = Vocabulary.load(out)
    assert new.names == WORDS.names
    assert new.measured_with is not None
    report = json.loads((tmp_path / "new.calibration.json").read_text(encoding="utf-8"))
    assert report["schema"] == "regionclip.calibration/1"
    assert report["footage"]["frames"] == 6
    assert report["footage"]["hours"] == pytest.approx(1.2 / 3600, rel=0.05)
    assert report["measured_with"]["tower"] == new.measured_with.tower
    for label, row in zip(new, report["labels"], strict=True):
        assert row["status"] == "bound only"  # never calibrated on a second of footage
        assert row["threshold"] == label.threshold
        assert row["needed"] >= 100
        assert row["high"] > 1000
    assert "bound only" in printed
    assert "needs at least 100 hours" in printed
    assert "status" not in out.read_text()


def test_a_folder_of_pictures(tmp_path: Path, words: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "empty"
    folder.mkdir()
    for number in range(3):
        cv2.imwrite(str(folder / f"{number}.png"), render_scene(3, number, (96, 128), kinds=["ball"]).frame)
    before = words.read_bytes()
    out = tmp_path / "new.toml"
    common = ("calibrate", "--vocabulary", words, "--empty", folder)
    assert run(*common, "--alarms-per-frame", 0.01, "--out", out) == exits.OK
    assert json.loads((tmp_path / "new.calibration.json").read_text())["footage"]["hours"] is None
    (tmp_path / "link.toml").symlink_to(words)
    assert run(*common, "--alarms-per-frame", 0.01, "--out", tmp_path / "link.toml") == exits.USAGE
    assert "this is what --vocabulary reads" in capsys.readouterr().err
    assert words.read_bytes() == before


def test_labelled_pictures_give_curves_and_a_diagram(
    tmp_path: Path, words: Path, run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    export_scenes(
        tmp_path / "scenes", range(16), lambda index: render_scene(4, index, (96, 128), kinds=["person", "car", "ball"])
    )
    out, notes = tmp_path / "new.toml", tmp_path / "scenes" / "annotations.json"
    options = ("--labelled", notes, "--true-boxes", "--beta", 2, "--out", out)
    assert run("calibrate", "--vocabulary", words, *options) == exits.OK
    assert "expected calibration error" in capsys.readouterr().out
    assert all(label.calibration is not None for label in Vocabulary.load(out))
    picture = cv2.imread(str(tmp_path / "new.reliability.png"))
    assert picture is not None
    assert len(np.unique(picture)) > 10
    (tmp_path / "other.reliability.png").mkdir()
    assert (
        run("calibrate", "--vocabulary", words, "--labelled", notes, "--true-boxes", "--out", tmp_path / "other.toml")
        != exits.OK
    )
    assert "expected a file, got a folder" in capsys.readouterr().err
    assert not list(tmp_path.glob("*other.[tc]*"))  # neither vocabulary nor report without the rest
    report = json.loads((tmp_path / "new.calibration.json").read_text(encoding="utf-8"))
    assert report["pictures"]["true_boxes"] is True
    assert report["labels"][0]["curve"]["slope"] > 0


toy = partial(toy_detector, 12)

PLAN = AlarmPlan(seed=5, size=(64, 64), calibrate=40, test=60, targets=12)

EMPTY: tuple[Part, ...] = ("calibrate", "test")


def test_empty_scenes_hold_nothing_that_is_asked_for() -> None:
    kinds: set[str] = set()
    for index in range(20):
        for part in EMPTY:
            scene = PLAN.scene(part, index)
            kinds |= {thing.kind for thing in scene.objects}
    assert kinds
    assert not kinds & set(PLAN.asked)
    shown = {thing.kind for index in range(20) for thing in PLAN.scene("targets", index).objects}
    assert shown & set(PLAN.asked)
    assert not np.array_equal(PLAN.scene("calibrate", 0).frame, PLAN.scene("test", 0).frame)


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    whole = watch_scenes(toy(), PLAN)
    assert whole.calibrate.shape == (40, 12)
    assert whole.test.shape == (60, 12)
    assert len(whole.found) == len(whole.labels) == len(whole.scenes) > 0

    class InterruptedRunError(Exception):
        pass

    def one_block(blocks: Sequence[SceneBlock]) -> Iterator[SceneBlock]:
        for count, block in enumerate(blocks):
            if count == 1:
                raise InterruptedRunError
            yield block

    with pytest.raises(InterruptedRunError):
        watch_scenes(toy(), PLAN, cache=tmp_path, watch=one_block)
    done = sorted(path.name for path in tmp_path.glob("*.npz"))
    assert len(done) == 1
    (tmp_path / "test-000000-000060.npz").write_bytes(b"half a file")
    det = toy()
    again = watch_scenes(det, PLAN, cache=tmp_path)
    assert det.tower.passes == 72  # type: ignore[attr-defined]  # not the 40 that were done
    for field in ("calibrate", "test", "found", "labels", "scenes"):
        assert np.array_equal(getattr(again, field), getattr(whole, field)), field
    with pytest.raises(ConfigError, match="another detector"):
        watch_scenes(toy(revision="toy-2"), PLAN, cache=tmp_path)


def test_processes_give_the_same(tmp_path: Path) -> None:
    plan = AlarmPlan(seed=5, size=(64, 64), calibrate=2, test=2, targets=2)
    alone = watch_scenes(toy(), plan)
    together = watch_scenes(toy(), plan, make=toy, workers=1)
    assert np.array_equal(alone.test, together.test)
    assert np.array_equal(alone.found, together.found)


def test_figures_of_known_rates() -> None:
    """Uniform peaks: the share that passes is known, and a rate that is too rare is not called calibrated."""
    rng = np.random.default_rng(0)
    plan = AlarmPlan(calibrate=5000, test=20_000, targets=500)
    watched = ScenePeaks(
        rng.random((5000, 12)).astype(np.float32),
        rng.random((20_000, 12)).astype(np.float32),
        rng.beta(20, 1, 3000).astype(np.float32),
        rng.integers(0, 12, 3000),
        np.sort(rng.integers(0, 500, 3000)),
    )
    before, one, half, rare, rarest = evaluate_alarms(toy(), plan, watched)
    assert before.measured.value == pytest.approx(0.5, abs=0.01)
    for figures, asked in ((one, 0.01), (half, 0.005)):
        assert figures.as_promised
        assert figures.measured.value == pytest.approx(asked, rel=0.3)
        assert figures.measured.low < figures.measured.value < figures.measured.high
        assert figures.any_label.value == pytest.approx(1 - (1 - figures.measured.value) ** 12, rel=0.1)
        assert {row.finding.status for row in figures.rows} == {"calibrated"}
        assert figures.kept.value < before.kept.value
    for figures in (rare, rarest):
        assert {row.finding.status for row in figures.rows} == {"bound only"}
        assert not figures.as_promised
        held = [1 - row.finding.threshold <= row.finding.high for row in figures.rows]
        assert sum(held) >= 10  # of twelve bounds that hold with 95 % each
    text = table([before, one, half, rare, rarest], plan)
    assert text.count("no label is calibrated") == 2
    (needed,) = re.findall(r"0.0100% needs at least ([\d,]+) independent frames", text)
    assert 100_000 <= int(needed.replace(",", "")) < 200_000  # ten alarms, and what clusters there seem to be
    assert draw(toy(), plan, watched).startswith(b"\x89PNG")


def test_the_command(tmp_path: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    options = (
        "--calibrate-frames", 4, "--test-frames", 4, "--target-frames", 2, "--size", "96x72", "--patches", 64,
        "--cache", tmp_path / "cache", "--plot", tmp_path / "alarms.png",
    )  # fmt: skip
    assert run("eval", "alarms", *options) == exits.OK
    assert "thresholds from 4 empty scenes, measured on 4 others" in capsys.readouterr().out
    assert len(list((tmp_path / "cache").glob("*.npz"))) == 3
    assert cv2.imread(str(tmp_path / "alarms.png")) is not None
