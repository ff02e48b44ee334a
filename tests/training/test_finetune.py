"""Fine-tuning of both dense towers on small data: what is learned from, exact resume, weights that load."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import write_fgclip2
from finetuning import edited, settings, write_coco, write_siglip2, write_tiny
from safetensors.torch import load_file

from regionclip.config import Config
from regionclip.data.examples import Example, RegionText
from regionclip.data.settings import DataSettings
from regionclip.errors import ConfigError, FileError, RegionclipError, WeightsError
from regionclip.loading import TOWERS, load, make_tower
from regionclip.scenes.kinds.colours import HELD_OUT
from regionclip.scenes.language.phrases import phrase
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.towers.base import Tower
from regionclip.towers.card import FACTS
from regionclip.towers.checkpoints.companions import copy_companions
from regionclip.training.coco_data import CocoExamples
from regionclip.training.curriculum import Curriculum
from regionclip.training.finetune import FineTuning
from regionclip.training.loop import learning_rate
from regionclip.training.origin import starting_point
from regionclip.training.scene_data import HeldOutScenes, SceneExamples
from regionclip.training.settings import CheckSettings, LossSettings, TrainSettings
from regionclip.training.trainees.base import Trainee
from regionclip.training.trainees.known import TRAINEES, trainee_of


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> DataSettings:
    return write_coco(tmp_path_factory.mktemp("coco"), 12)


@pytest.fixture(scope="module", params=["tiny", "fgclip2"])
def start(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    folder: Path = tmp_path_factory.mktemp(request.param)
    return request.param, write_tiny(folder) if request.param == "tiny" else write_fgclip2(folder)


def _tower(start: tuple[str, Path], budget: int = 36) -> Tower:
    config = Config(tower=start[0], weights=str(start[1]), dtype="float32", budget=budget)
    return make_tower(config, torch.device("cpu"))


def _trainee(start: tuple[str, Path]) -> Trainee[Any]:
    return trainee_of(start[0], _tower(start))


def test_a_trainee_computes_what_the_tower_computes(start: tuple[str, Path]) -> None:
    tower = _tower(start)
    trainee = trainee_of(start[0], tower)
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 255, size, np.uint8) for size in ((96, 128, 3), (128, 64, 3), (96, 128, 3))]
    encoded = trainee.encode_frames(frames)
    for i, features in enumerate(tower.encode_image(frames)):
        assert encoded.grids[i] == features.grid
        torch.testing.assert_close(encoded.dense[i].detach(), features.dense, atol=1e-4, rtol=1e-4)
        whole = torch.nn.functional.normalize(encoded.whole[i].detach(), dim=0)
        torch.testing.assert_close(whole, features.embedding, atol=1e-5, rtol=1e-4)
    for use in ("region", "short"):
        mine = torch.nn.functional.normalize(trainee.encode_texts(["red patch", "红"], use).detach(), dim=1)
        theirs = tower.encode_text(["red patch", "红"], "region" if use == "region" else "image")
        torch.testing.assert_close(mine, theirs, atol=1e-5, rtol=1e-4)
    assert trainee.encode_texts([], "long").shape == (0, tower.card.width)


def test_every_parameter_of_a_stage_learns_and_the_tower_stays(start: tuple[str, Path], data: DataSettings) -> None:
    tower = _tower(start)
    before = tower.encode_text(["red"], "region")
    trainee = trainee_of(start[0], tower)
    curriculum = Curriculum(trainee, "regions", LossSettings())
    run = settings(Path("unused"), start[1], data, languages=("en",), batch=6)
    torch.autograd.backward(curriculum(CocoExamples(run, 6).batch(0, slice(6))).total)
    still = {name for name, p in trainee.module.named_parameters() if p.grad is None}
    assert still <= {"dense_feature_head.probe"}  # which the official dense head has and does not use
    assert curriculum.logit_scale_finegraind.grad is not None
    assert curriculum.logit_scale_hardneg.grad is not None
    with torch.no_grad():
        for parameter in trainee.module.parameters():
            parameter.add_(1.0)
    assert torch.equal(tower.encode_text(["red"], "region"), before)


def test_bfloat16_gives_nearly_the_same_losses(start: tuple[str, Path], data: DataSettings) -> None:
    batch = CocoExamples(settings(Path("unused"), start[1], data, languages=("en",)), 2).batch(0, slice(2))
    trainee = _trainee(start)
    exact, coarse = (
        Curriculum(trainee, "regions", LossSettings(), dtype)(batch) for dtype in (torch.float32, torch.bfloat16)
    )
    torch.autograd.backward(coarse.total)
    assert all(p.dtype == torch.float32 for p in trainee.module.parameters())
    assert coarse.total != exact.total
    torch.testing.assert_close(coarse.total, exact.total, atol=0, rtol=0.2)


def test_a_resumed_run_equals_an_uninterrupted_one(start: tuple[str, Path], data: DataSettings, tmp_path: Path) -> None:
    def run(out: str) -> FineTuning:
        return FineTuning(settings(tmp_path / out, start[1], data, tower=start[0], budget=20))

    run("whole").train()
    run("parts").train(until=3)  # the last check, with its checkpoint, was after step 2
    again = run("parts")
    assert again.step == 2
    again.train()
    for file in ("weights/model.safetensors", "curve.jsonl"):
        assert (tmp_path / "parts" / file).read_bytes() == (tmp_path / "whole" / file).read_bytes()
    finished = run("parts")
    finished.train()
    assert finished.step == 4


def test_the_weights_load_in_the_layout_they_came_in(
    start: tuple[str, Path], data: DataSettings, tmp_path: Path
) -> None:
    run = FineTuning(settings(tmp_path / "run", start[1], data, tower=start[0], budget=20, steps=2))
    run.train()
    folder = tmp_path / "run" / "weights"
    given, written = (load_file(place / "model.safetensors") for place in (start[1], folder))
    assert {name: value.shape for name, value in written.items()} == {n: v.shape for n, v in given.items()}
    assert any(not torch.equal(written[name], given[name]) for name in given)
    detector = load(folder, dtype="float32", device="cpu")
    assert torch.equal(
        detector.tower.encode_text(["red"], "region"), run.trainee.tower().encode_text(["red"], "region")
    )
    assert "curriculum" in torch.load(tmp_path / "run" / "checkpoint.pt", weights_only=True)
    config, trained_with = (json.loads((place / "config.json").read_text()) for place in (start[1], folder))
    assert trained_with == (config | {"budget": 20} if start[0] == "tiny" else config)


def test_a_loss_that_is_not_finite_ends_the_run_before_anything_is_spoilt(data: DataSettings, tmp_path: Path) -> None:
    run = FineTuning(settings(tmp_path / "run", write_tiny(tmp_path / "tiny"), data, check_every=1, dtype="bfloat16"))
    run.train(until=1)
    kept = (tmp_path / "run" / "checkpoint.pt").read_bytes()
    with torch.no_grad():
        run.trainee.module.get_parameter("dense_out.weight")[0] = torch.nan
    with pytest.raises(
        RegionclipError, match=r"step 2: .* got region nan, .*rate below 0.001 or dtype float32.*step 1"
    ):
        run.train()
    assert (tmp_path / "run" / "checkpoint.pt").read_bytes() == kept
    assert run.trainee.module.get_parameter("dense_out.weight")[1:].isfinite().all()


def test_folders_that_cannot_be_written_are_refused_first(data: DataSettings, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileError, match="file is no folder that can be written to"):
        FineTuning(settings(tmp_path / "file", tmp_path / "none", data))
    with pytest.raises(ConfigError, match="weights is where this run writes; take another out"):
        FineTuning(settings(tmp_path / "run", tmp_path / "run" / "weights", data))


def test_a_start_of_other_weights_is_made_anew(data: DataSettings, tmp_path: Path) -> None:
    out = tmp_path / "run"

    def start(weights: Path, revision: str | None = None) -> bytes:
        run = settings(out, weights, data, tower="fgclip2", start="siglip2", revision=revision)
        return (starting_point(run, out) / "model.safetensors").read_bytes()

    one, two = (write_siglip2(tmp_path / name, seed) for seed, name in enumerate(("one", "two")))
    first, second = start(one), start(two)
    assert first != second
    (two / "model.safetensors").unlink()
    assert start(two) == second  # what is there already serves
    with pytest.raises(WeightsError, match=r"Missing: model\.safetensors"):
        start(two, "main")
    assert start(one) == first


def test_companions_are_written_where_they_differ(tmp_path: Path) -> None:
    origin, folder = write_tiny(tmp_path / "tiny"), tmp_path / "copy"
    copy_companions(origin, folder)
    (folder / "config.json").write_text("{}")
    before = (folder / "tokenizer.json").stat().st_ino
    copy_companions(origin, folder, b"mine")
    assert (folder / "config.json").read_bytes() == b"mine"
    assert (folder / "tokenizer.json").stat().st_ino == before  # a file that is written anew is another one
    assert sorted(path.name for path in folder.iterdir()) == ["config.json", "tokenizer.json"]


def test_a_cache_without_tokenizer_is_not_complete(
    data: DataSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    snapshot = write_fgclip2(tmp_path / "models--owner--name" / "snapshots" / "0123")
    (snapshot / "tokenizer.json").unlink()
    (tmp_path / "models--owner--name" / "refs").mkdir()
    (tmp_path / "models--owner--name" / "refs" / "main").write_text("0123")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    run = settings(tmp_path / "run", Path("owner/name"), data, tower="fgclip2")
    with pytest.raises(WeightsError, match=r"Missing: tokenizer\.json(.|\n)*hf download owner/name"):
        starting_point(run, tmp_path)


def test_a_stage_without_any_loss_for_this_tower_is_refused(tmp_path: Path) -> None:
    trainee = _trainee(("fgclip2", write_fgclip2(tmp_path)))
    with pytest.raises(ConfigError, match="nothing that this tower can learn from"):
        Curriculum(trainee, "regions", LossSettings(whole=0, region=0, tic=0, hard=0))


def test_it_learns_the_colours_of_patches(data: DataSettings, tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "tiny")
    run = FineTuning(
        settings(tmp_path / "run", weights, data, steps=60, batch=6, check_every=60, rate=3e-3, mixed=True)
    )
    run.train()
    assert run.rows[-1]["region_top1_en"] >= 0.7
    assert run.rows[-1]["region_top1_zh"] >= 0.7
    assert 0 < run.curriculum.threshold <= 10


def test_frozen_parameters_stay(data: DataSettings, tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "tiny")
    FineTuning(settings(tmp_path / "run", weights, data, freeze=("text.", "stem"))).train()
    given, written = (load_file(f / "model.safetensors") for f in (weights, tmp_path / "run" / "weights"))
    frozen = {name for name in given if name.startswith(("text.", "stem"))}
    assert all(torch.equal(given[name], written[name]) for name in frozen)
    assert not torch.equal(given["dense_out.weight"], written["dense_out.weight"])
    with pytest.raises(ConfigError, match=r"no parameter begins with 'txet'; their names begin with .*stem"):
        FineTuning(settings(tmp_path / "a", weights, data, freeze=("txet",)))
    with pytest.raises(ConfigError, match="nothing is left to train"):
        FineTuning(settings(tmp_path / "a", weights, data, freeze=("",)))


def test_a_checkpoint_of_another_run_is_refused(data: DataSettings, tmp_path: Path) -> None:
    weights = write_tiny(tmp_path / "tiny")
    FineTuning(settings(tmp_path / "run", weights, data, steps=1)).train()
    with pytest.raises(ConfigError, match=r"rate: expected 0\.001, got 0\.1"):
        FineTuning(settings(tmp_path / "run", weights, data, steps=1, rate=0.1))
    other = edited(data, tmp_path, lambda content: content["annotations"].pop())
    with pytest.raises(ConfigError, match=r"data: expected annotations\.json"):
        FineTuning(settings(tmp_path / "run", weights, other, steps=1))
    FineTuning(settings(tmp_path / "run", weights, data, steps=1, check_every=7, check_pictures=1))  # may change


def test_losses_that_have_nothing_are_named(data: DataSettings, tmp_path: Path) -> None:
    def plain(content: dict[str, Any]) -> None:
        for entry in [*content["images"], *content["annotations"]]:
            for key in ("caption", "caption_zh", "long_caption", "phrase", "hard_negatives"):
                entry.pop(key, None)

    bare = edited(data, tmp_path, plain)
    run = FineTuning(settings(tmp_path / "run", write_tiny(tmp_path / "tiny"), bare, steps=2))
    assert run.source.lacks == ("whole", "hard")
    run.train()
    assert run.rows[-1]["batches_without_hard"] == run.rows[-1]["batches_without_whole"] == 2
    assert run.curriculum.threshold == 0

    def nameless(content: dict[str, Any]) -> None:
        for entry in [*content["annotations"], *content["categories"]]:
            for key in ("phrase", "name", "name_zh", "hard_negatives"):
                entry.pop(key, None)

    silent = CocoExamples(settings(tmp_path, tmp_path, edited(data, tmp_path, nameless)), 2)
    assert silent.lacks == ("region", "tic", "hard", "calibration")
    with pytest.raises(ConfigError, match="stage global needs caption or long_caption"):
        CocoExamples(settings(tmp_path, tmp_path, edited(data, tmp_path, plain), stage="global"), 2)


def test_a_batch_of_which_nothing_is_said_costs_nothing(start: tuple[str, Path]) -> None:
    empty = Example(0, np.zeros((64, 64, 3), np.uint8), np.zeros((0, 4), np.float32), (), (), None, None)
    outside = Example(
        1,
        empty.frame,
        np.array([[70, 70, 90, 90]], np.float32),
        (RegionText("red", frozenset({"red"})),),
        (("blue",),),
        None,
        None,
    )
    curriculum = Curriculum(_trainee(start), "regions", LossSettings())
    for batch in ([empty], [empty, outside]):
        terms = curriculum(batch)
        assert terms.total.item() == 0
        assert terms.without == curriculum.acting
        assert ("calibration" in curriculum.acting) == (start[0] == "tiny")
    assert curriculum.threshold == 0


def test_a_text_that_is_true_of_another_region_too_is_no_negative_of_it(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    frame = rng.integers(0, 255, (96, 128, 3), np.uint8)
    boxes = np.array([[4, 4, 60, 60], [64, 8, 120, 90]], np.float32)

    def region_loss(*true: set[str]) -> float:
        words = tuple(RegionText(text, frozenset(own)) for text, own in zip(("red", "green"), true, strict=True))
        example = Example(0, frame, boxes, words, ((), ()), None, None)
        curriculum = Curriculum(_trainee(("tiny", folder)), "regions", LossSettings())
        return float(curriculum([example]).parts["region"].detach())

    folder = write_tiny(tmp_path / "tiny")
    apart = region_loss({"red"}, {"green"})
    one = region_loss({"red", "green"}, {"green"})
    both = region_loss({"red", "green"}, {"green", "red"})
    assert apart > one > both
    assert both == 0  # every other text is left out, so nothing is left to be wrong about


def test_scenes_say_only_what_is_true(tmp_path: Path) -> None:
    given = DataSettings(height=120, width=160)
    run = TrainSettings(
        out=str(tmp_path), steps=1, data=given, check=CheckSettings(seed=9, height=120, width=160), hard_negatives=4
    )
    source = SceneExamples(run, 4)
    spoken, denied = set(), set()
    for number in range(6):
        batch = source.batch(number, slice(0, 4))
        assert [e.picture for e in batch] == [4 * number + i for i in range(4)]
        later = source.batch(number, slice(2, 4))
        assert [(e.words, e.hard, e.long) for e in later] == [(e.words, e.hard, e.long) for e in batch[2:]]
        texts = {words.text for example in batch for words in example.words}
        spoken.add(all(text.isascii() for text in texts))
        for example in batch:
            assert len(example.boxes) == len(example.words) == len(example.hard) <= run.max_boxes
            for words, hard in zip(example.words, example.hard, strict=True):
                assert not words.true & {text.lower() for text in hard}
                assert words.text.lower() in words.true
                denied |= set(hard)
    assert spoken == {True, False}  # batches of both languages
    never = {phrase(kind, colour, language) for kind, colour in HELD_OUT.items() for language in LANGUAGES}
    assert denied
    assert not denied & never
    held_out = HeldOutScenes(run.check, ("en", "zh"), 2)
    assert len(held_out.names["en"]) == len(held_out.names["zh"])
    assert len(held_out[1].boxes) == len(held_out[1].labels)


def test_the_rate_rises_then_falls(data: DataSettings, tmp_path: Path) -> None:
    run = FineTuning(settings(tmp_path / "run", write_tiny(tmp_path / "tiny"), data, steps=100, warmup=0.1, rate=1.0))

    def rate(step: int) -> float:
        run.step = step
        return run.rate()

    rates = [rate(step) for step in range(100)]
    assert rates[:10] == pytest.approx([(i + 1) / 10 for i in range(10)])
    assert rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert all(a > b for a, b in pairwise(rates[10:]))
    assert 0 < rates[-1] < 0.001


def test_a_run_without_warm_up_begins_at_its_peak_and_ends_at_its_floor() -> None:
    assert learning_rate(2.0, 0, warmup=0, share=0.0) == 2.0
    assert learning_rate(2.0, 7, warmup=0, share=1.0, floor=0.1) == pytest.approx(0.2)


def test_every_tower_is_known_to_training_or_refused(start: tuple[str, Path]) -> None:
    assert TRAINEES.keys() == {name for name in TOWERS if FACTS[name].modes[0] == "dense"}
    with pytest.raises(ConfigError, match="tower crops cannot be fine-tuned: expected tiny or fgclip2"):
        trainee_of("crops", _tower(start))
