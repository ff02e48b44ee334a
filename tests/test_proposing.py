"""From names, options and presets to proposers."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from detectors import DETRS, QUERIES, owlv2, sam, write
from fuzzing import refusal, toml_values
from huggingface_hub import constants
from hypothesis import given, settings
from hypothesis import strategies as st
from toy import planted

import regionclip
from proposals.base import EXTERNAL_WEIGHT
from proposals.dense import DenseProposer
from proposals.edges import EdgeProposer
from proposals.every import EveryProposer
from proposals.grid import GridProposer
from proposals.learned.detr import DetrProposer
from proposals.learned.owlv2 import Owlv2Proposer
from proposals.learned.sam import SamProposer
from proposals.moving.motion import MotionProposer
from proposals.tiled import in_tiles
from proposals.tracked import TrackedProposer
from proposals.union import UnionProposer
from regionclip.answers.decide import rules
from regionclip.config import Config, preset_names
from regionclip.errors import BoxError, ConfigError, WeightsError
from regionclip.proposing import PROPOSERS, make_proposer, options_of, settled
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS

FRAME = planted(red=(16, 16, 80, 80))
WIDTH = 128  # of tiny's tokens
COMMIT = "0" * 40


@pytest.fixture(scope="module")
def yolos_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("yolos"), DETRS["yolos"])


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A hub's cache with a small random D-FINE under the name that preset `photo` asks for, and nobody beyond it."""
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")
    repository = tmp_path / "hub" / "models--ustc-community--dfine-small-obj365"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text(COMMIT)
    write(repository / "snapshots" / COMMIT, DETRS["d_fine"])
    return tmp_path / "hub"


def made(*names: str, **options: dict[str, Any]) -> regionclip.Proposer:
    return make_proposer(Config(proposers=names, proposer_options=options, device="cpu"), WIDTH)


@pytest.mark.parametrize("name", [name for name in PROPOSERS if name not in ("rpn", "detr", "owlv2", "sam")])
def test_every_name_without_weights_makes_a_proposer(name: str) -> None:
    proposer = made(name)
    assert isinstance(proposer.has_memory, bool)
    assert isinstance(proposer.has_objectness, bool)


@pytest.mark.parametrize("name", ["rpn", "detr", "owlv2", "sam"])
def test_the_others_say_that_they_need_weights(name: str) -> None:
    with pytest.raises(ConfigError, match=rf"\[proposer\.{name}\] needs weights.*--proposer \"{name}=WEIGHTS\""):
        made(name)
    with pytest.raises(WeightsError, match=rf"^\[proposer\.{name}\] weights: "):
        made(name, **{name: {"weights": "no/such/place"}})


def test_options_reach_the_proposer() -> None:
    found = made("grid", grid={"max_proposals": 7, "aspects": [1, 3]})(FRAME, None)  # type: ignore[arg-type]
    assert 0 < len(found) <= 7
    everyth = made("grid", grid={"every": 3})
    assert isinstance(everyth, EveryProposer)
    assert [len(everyth(FRAME, None)) > 0 for _ in range(4)] == [True, False, False, True]  # type: ignore[arg-type]


def test_the_configs_number_of_boxes_is_the_most() -> None:
    few = Config(proposers=("grid",), max_proposals=9)
    assert len(make_proposer(few, WIDTH)(FRAME, None)) <= 9  # type: ignore[arg-type]
    many = Config(proposers=("grid",), max_proposals=2000)
    assert len(make_proposer(many, WIDTH)(FRAME, None)) > 300  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("names", "options", "said"),
    [
        (("magic",), {}, "proposer 'magic' is not known: expected one of auto, dense, grid"),
        (("grid",), {"magic": {}}, r"\[proposer\.magic\]: expected one of auto"),
        (("grid",), {"grid": {"colour": 3}}, r"\[proposer\.grid\]: unknown key colour; known are aspects, every, max"),
        (("grid",), {"motion": {"colour": 3}}, r"\[proposer\.motion\]: unknown key colour"),  # named, if not used
        (("auto",), {"auto": {"colour": 3}}, r"\[proposer\.dense\]: unknown key colour"),
        (("edges",), {"edges": {"method": "mser"}}, "unknown key method"),
        (("dense",), {"dense": {"head": "x"}}, "unknown key head"),
        (("grid",), {"grid": {"max_proposals": "many"}}, "max_proposals: expected a whole number, got 'many'"),
        (("grid",), {"grid": {"aspects": 2.0}}, "aspects: expected a list of a number"),
        (("grid",), {"grid": {"shrink": 2}}, r"\[proposer\.grid\]: grid: expected 0 < shrink"),
        (("grid",), {"grid": {"every": 0}}, "every"),
        (("grid",), {"grid": {"every": True}}, "every: expected a whole number"),
        (("motion",), {"motion": {"method": "flow"}}, "method: expected one of mog2, knn, got 'flow'"),
        (("rpn",), {"rpn": {"weights": "x.pth", "model": "resnet18"}}, "model: expected one of fasterrcnn_mobilenet"),
        (("none", "grid"), {}, "none stands alone"),
    ],
)
def test_mistakes(names: tuple[str, ...], options: dict[str, dict[str, Any]], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        made(*names, **options)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.data())
def test_any_value_of_any_option(data: st.DataObject) -> None:
    """A proposer, or one line that says what is wrong."""
    name = data.draw(st.sampled_from([name for name in PROPOSERS if name not in ("auto", "none")]))
    options = {data.draw(st.sampled_from([*options_of(name), "every", "x"])): data.draw(toml_values(["weights"]))}
    needed = {"weights": "no/such/place"} if "weights" in options_of(name) else {}
    said = refusal(lambda: made(name, **{name: needed | options}))
    assert not said or said.startswith(f"[proposer.{name}]")


def test_auto_takes_the_learned_head_where_there_is_one(
    fgclip2_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert isinstance(made("auto"), DenseProposer)
    other = Config(
        weights=str(fgclip2_folder), proposer_options={"auto": {"max_proposals": 5}, "grid": {"min_side": 30}}
    )
    proposer = make_proposer(other, WIDTH)
    assert isinstance(proposer, UnionProposer)
    assert [type(member) for member in proposer._proposers] == [GridProposer, EdgeProposer, EdgeProposer]
    assert 0 < len(proposer._proposers[0](FRAME, None)) <= 5  # type: ignore[arg-type]
    assert capsys.readouterr().err.count("\n") == 1


def test_auto_takes_the_learned_head_beside_a_copy_of_named_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = tmp_path / "regionclip" / "weights" / "qihoo360" / "fg-clip2-base"
    folder.mkdir(parents=True)
    shutil.copy(TINY_WEIGHTS / "proposer.safetensors", folder)
    assert settled(Config.load("fgclip2-base")).proposers == ("dense",)


def test_auto_takes_the_detector_that_is_on_this_machine(
    hub: Path, fgclip2_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No line, no network, and coarse windows beside it."""
    det = regionclip.load(fgclip2_folder, device="cpu", dtype="float32")
    assert isinstance(det.proposer, UnionProposer)
    assert [type(member) for member in det.proposer._proposers] == [DetrProposer, GridProposer]
    assert capsys.readouterr().err == ""
    assert 0 < len(det.proposer._proposers[1](FRAME, None)) <= 60  # type: ignore[arg-type]
    assert not det.regions(FRAME).has_objectness
    camera = regionclip.load(fgclip2_folder, preset="static-camera", device="cpu", dtype="float32")
    assert isinstance(camera.proposer, UnionProposer)
    kinds = [type(member) for member in camera.proposer._proposers]
    assert kinds == [MotionProposer, TrackedProposer, EveryProposer, EveryProposer]
    (hub / "models--ustc-community--dfine-small-obj365" / "snapshots" / COMMIT / "model.safetensors").unlink()
    regionclip.load(fgclip2_folder, device="cpu", dtype="float32")
    said = capsys.readouterr().err
    assert said.startswith("regionclip: no trained detector on this machine (ustc-community/dfine-small-obj365): ")
    assert "`regionclip towers get dfine-small`" in said


def test_the_detectors_size_is_a_setting_and_a_hub_name_will_do(
    hub: Path, fgclip2_folder: Path, tmp_path: Path
) -> None:
    """Named weights are taken or told to be missing: no other boxes in their place."""
    path = tmp_path / "site.toml"
    tower = f'tower = "fgclip2"\nweights = {json.dumps(str(fgclip2_folder))}\n[proposer.detr]\nmax_proposals = 3\n'
    for name in ("small", "medium"):
        path.write_text(f'{tower}weights = "ustc-community/dfine-{name}-obj365"\n')
        if name == "medium":
            with pytest.raises(
                WeightsError, match=r"^\[proposer\.detr\] weights: ustc-community/dfine-medium-obj365: "
            ):
                regionclip.load(path, device="cpu")
            continue
        det = regionclip.load(path, device="cpu")
        assert isinstance(det.proposer, UnionProposer)
        assert len(det.proposer._proposers[0](FRAME, None)) == 3  # type: ignore[arg-type]
    named = regionclip.load("tiny", proposer="detr=ustc-community/dfine-small-obj365", device="cpu")
    assert isinstance(named.proposer, DetrProposer)


def test_objectness_weighs_little_where_others_trained_it(yolos_folder: Path) -> None:
    """And nothing beside windows; a number in the config comes before."""
    detr = {"detr": {"weights": str(yolos_folder)}}

    def weight(*names: str, own: float | None = None) -> float:
        config = Config(proposers=names, proposer_options=detr, device="cpu", objectness_weight=own)
        det = regionclip.load(config)
        return rules(det.regions(FRAME), det.config).weight

    assert weight("dense") == 0.7
    assert weight("detr") == weight("detr", "dense") == EXTERNAL_WEIGHT <= 0.2
    assert weight("grid") == weight("detr", "grid") == 0
    assert (weight("dense", own=0.3), weight("detr", own=0.5), weight("grid", own=0.5)) == (0.3, 0.5, 0)
    every = made("detr", detr=detr["detr"] | {"every": 2})
    assert (
        in_tiles(every, 9).objectness_weight == in_tiles(made("detr", **detr), 9).objectness_weight == EXTERNAL_WEIGHT
    )


def test_learned_proposers_through_load(yolos_folder: Path, tmp_path: Path) -> None:
    """The real formats, all the way: a detector of regionclip that labels the boxes of another network."""
    folders = {"owlv2": write(tmp_path / "owlv2", owlv2), "sam": write(tmp_path / "sam", sam)}
    det = regionclip.load("tiny", proposer=f"detr={yolos_folder}", device="cpu")
    assert isinstance(det.proposer, DetrProposer)
    assert det.regions(FRAME).has_objectness
    path = tmp_path / "site.toml"
    path.write_text(
        f'proposers = ["detr", "owlv2", "sam"]\n[proposer.detr]\nweights = {json.dumps(str(yolos_folder))}\n'
        "nms_iou = 1.0\nevery = 2\n"
        + "".join(f"[proposer.{name}]\nweights = {json.dumps(str(folder))}\n" for name, folder in folders.items())
        + "points = 2\n"
    )
    det = regionclip.load(path, device="cpu")
    assert isinstance(det.proposer, UnionProposer)
    kinds = [type(member) for member in det.proposer._proposers]
    assert kinds == [EveryProposer, Owlv2Proposer, SamProposer]
    with pytest.raises(ConfigError, match="remembers earlier frames"):
        det.batch([FRAME], ["red"])
    alone = regionclip.load("tiny", proposer=["detr"], preset=path, device="cpu")
    assert len(alone.regions(FRAME)) == QUERIES


def test_presets_name_known_proposers_and_go_with_any_tower(hub: Path, fgclip2_folder: Path) -> None:
    assert preset_names() == ["moving-robot", "none", "photo", "photo-archive", "static-camera", "video"]
    for name in preset_names():
        det = regionclip.load(fgclip2_folder, preset=name, dtype="float32", device="cpu")
        assert det.tower.card.width == 32
        if name != "none":
            assert det.regions(FRAME).xyxy.shape[1] == 4


def test_static_camera_looks_everywhere_now_and_then(fgclip2_folder: Path) -> None:
    det = regionclip.load(fgclip2_folder, preset="static-camera", dtype="float32", device="cpu")
    counts = [len(det.regions(FRAME)) for _ in range(27)]
    assert counts[0] > 100
    assert counts[25] > 100
    assert max(counts[1:25]) == 0  # nothing moves
    assert isinstance(det.proposer, UnionProposer)
    assert any(isinstance(member, TrackedProposer) for member in det.proposer._proposers)


def test_archive_presets_have_no_memory() -> None:
    proposer = make_proposer(Config().with_preset("photo-archive"), WIDTH)
    assert isinstance(proposer, UnionProposer)
    assert [type(member) for member in proposer._proposers] == [GridProposer, EdgeProposer, EdgeProposer]
    assert not proposer.has_memory


def test_a_preset_under_a_files_own_settings(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(
        'preset = "static-camera"\nthreshold = 0.2\n[proposer.auto]\nevery = 5\n[proposer.motion]\nstay = 0\n'
    )
    config = Config.load(path)
    assert config.proposers == ("motion", "tracked", "auto")
    assert config.proposer_options == {"auto": {"every": 5}, "motion": {"stay": 0}}
    assert config.threshold == 0.2
    path.write_text('preset = "static-camera"\nproposers = ["detr"]\n')
    assert Config.load(path).proposers == ("detr",)
    other = config.with_preset("photo-archive")
    assert (other.proposers, other.threshold) == (("grid", "edges", "mser"), 0.2)
    assert other.proposer_options == config.proposer_options


def test_none_wants_boxes() -> None:
    det = regionclip.load("tiny", preset="none", device="cpu")
    with pytest.raises(BoxError, match=r"no proposer .*boxes="):
        det(FRAME, ["red"])
    with pytest.raises(BoxError, match="no proposer"):
        det.batch([FRAME], ["red"])
    boxes = [[16, 16, 80, 80]]
    assert len(det.regions(FRAME, boxes)) == 1
    taught = det.teach([], "mine", [(FRAME, boxes[0])], negatives=[(FRAME, [90, 90, 128, 120])])
    assert len(det.scores(det.regions(FRAME, boxes), taught)) == 1


def test_options_are_told_by_the_constructors() -> None:
    assert {"weights", "nms_iou", "max_proposals"} == set(options_of("detr"))
    assert {"weights", "points", "min_area"} < set(options_of("sam"))
    assert "scoring" not in options_of("heatmap")
    assert not set(options_of("dense")) & {"head", "device"}
    assert np.array_equal(sorted(options_of("none")), [])
