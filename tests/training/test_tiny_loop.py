import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from torchvision.ops import box_iou

from regionclip.config import Config
from regionclip.data.intervals import Share
from regionclip.errors import ConfigError, FileError, RegionclipError
from regionclip.evaluation.accuracy.scenes import SceneFigures, SceneRow
from regionclip.loading import load
from regionclip.scenes.language.phrases import COLOURS, KINDS
from regionclip.towers.tiny.model import TinyConfig
from regionclip.towers.tiny.text import train_tokenizer
from regionclip.training.embedded.check import Check
from regionclip.training.embedded.data import PHASES, SceneBatches, batches, empty_boxes
from regionclip.training.embedded.export import CURVES, export, record
from regionclip.training.embedded.export import main as ship
from regionclip.training.embedded.network import TrainingNetwork, whole_truth
from regionclip.training.embedded.run import Run, RunSettings
from regionclip.training.embedded.tiny import corpus, main
from regionclip.training.loop import CHECKPOINT, CURVE

SMALL = TinyConfig(
    width=32, heads=2, blocks=1, stem=(8, 8, 16), positions=4, text_blocks=1, vocabulary=400, text_length=16
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(corpus(1, 10), SMALL.vocabulary)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


Make = Callable[..., Run]
"""A run of six steps in a folder of its own, unless told otherwise; `residual` is of the network."""


@pytest.fixture
def make(tokenizer: Tokenizer, tmp_path: Path) -> Make:
    def run(out: str = "run", *, residual: bool = True, **changed: Any) -> Run:  # noqa: ANN401
        (tmp_path / out).mkdir(exist_ok=True)
        settings = RunSettings(**{"steps": 6, "batch": 2, "workers": 0, "warmup": 2, **changed})
        config = replace(SMALL, residual=residual)
        return Run(settings, config, tokenizer, tmp_path / out, measure=lambda _: {"kinds_en": 0.5})

    return run


def test_a_batch_is_a_function_of_its_number(tokenizer: Tokenizer) -> None:
    data = SceneBatches(7, tokenizer, 16, 2)
    first, _, again, other = data[(3, 0)], data[(4, 0)], data[(3, 0)], data[(4, 0)]
    assert torch.equal(first.images, again.images)
    assert first.phrases == again.phrases
    assert torch.equal(first.truth.nan_to_num(-1), again.truth.nan_to_num(-1))
    assert first.phrases != other.phrases


def test_a_batch_tells_the_truth(tokenizer: Tokenizer) -> None:
    batch = SceneBatches(7, tokenizer, 16, 4)[(0, 2)]
    grid = (batch.images.shape[2] // 16, batch.images.shape[3] // 16)
    assert grid in PHASES[2].grids
    assert batch.images.dtype == torch.uint8
    assert sum(len(boxes) for boxes in batch.boxes) == len(batch.kinds) == len(batch.colours) == len(batch.truth)
    for boxes in batch.boxes:
        assert (boxes >= 0).all()
        assert (boxes[:, [0, 2]] <= grid[1]).all()
        assert (boxes[:, [1, 3]] <= grid[0]).all()
    # A phrase is true only of regions of its kind, colour and traits; nothing is said of what cannot be seen.
    for p in range(len(batch.phrases)):
        true = batch.truth[:, p] == 1
        for wanted, had in (
            (batch.phrase_kinds[p], batch.kinds),
            (batch.phrase_colours[p], batch.colours),
            *zip(batch.phrase_traits[p], batch.traits.T, strict=True),
        ):
            if wanted >= 0:
                assert (had[true] == wanted).all()
                assert (batch.truth[(had >= 0) & (had != wanted), p].nan_to_num(0) == 0).all()


def test_empty_boxes_show_hardly_anything_of_the_objects() -> None:
    rng = np.random.default_rng(2)
    boxes = torch.tensor([[1.0, 1.0, 5.0, 6.0], [7.0, 2.0, 9.5, 9.0]])
    made = torch.cat([empty_boxes(rng, boxes, (10, 12)) for _ in range(50)])
    assert len(made) > 20
    assert (made >= 0).all()
    assert (made[:, 2] <= 12).all()
    assert (made[:, 3] <= 10).all()
    assert box_iou(made, boxes).max() < 0.1
    assert empty_boxes(rng, torch.tensor([[0.0, 0.0, 12.0, 10.0]]), (10, 12)).shape == (0, 4)
    assert empty_boxes(rng, torch.zeros(0, 4), (10, 12)).shape == (2, 4)


def test_whole_images_hold_what_one_of_their_regions_holds() -> None:
    nan = float("nan")
    truth = torch.tensor([[1.0, 0.0, nan], [0.0, nan, nan], [0.0, 0.0, 1.0]])
    whole = whole_truth(truth, torch.tensor([0, 0, 2]), 3)
    assert torch.equal(whole.nan_to_num(-1), torch.tensor([[1.0, -1.0, -1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 1.0]]))


def test_averaged_weights_follow_the_trained_ones(make: Make) -> None:
    run = make()
    start = {name: value.clone() for name, value in run.network.state_dict().items()}
    run.train()
    for name, now in run.network.named_parameters():
        average = run.averaged.state_dict()[name]
        if not torch.equal(now, start[name]):
            assert (average - now).abs().mean() < (start[name] - now).abs().mean()
            assert not torch.equal(average, now)


def test_boxes_and_head_change_as_asked_for(make: Make, tokenizer: Tokenizer) -> None:
    """The two comparisons of docs/embedded_tower.md are options that do what they say."""
    batch = SceneBatches(1, tokenizer, 16, 2)[(0, 0)]
    late = make(steps=10, boxes_from=0.5)
    late.take(batch)
    assert all(not parameter.grad.any() for parameter in late.network.boxes.parameters() if parameter.grad is not None)
    late.step = 5
    late.take(batch)
    assert any(parameter.grad.any() for parameter in late.network.boxes.parameters() if parameter.grad is not None)
    strict, kept = (TrainingNetwork(replace(SMALL, residual=residual)).tower for residual in (False, True))
    strict.load_state_dict(kept.state_dict())
    tokens = torch.randn(1, 6, SMALL.width)
    assert not torch.allclose(strict.dense(tokens), kept.dense(tokens))


def test_stages_cover_the_run_in_order(tokenizer: Tokenizer) -> None:
    assert [phase.until for phase in PHASES] == sorted(phase.until for phase in PHASES)
    assert PHASES[-1].until == 1
    loader = batches(SceneBatches(7, tokenizer, 16, 1), 0, lambda step: step / 4, workers=0)
    sizes = [batch.images.shape[2] * batch.images.shape[3] // 256 for batch in loader]
    assert len(sizes) == 4
    assert sizes[0] < sizes[-1]


def test_training_steps_reduce_the_loss_on_a_fixed_batch(make: Make, tokenizer: Tokenizer) -> None:
    run = make(steps=1000, batch=4)
    batch = SceneBatches(1, tokenizer, 16, 4)[(0, 0)]
    totals = []
    for _ in range(25):
        run.means.clear()
        run.take(batch)
        run.step += 1
        totals.append(dict(run.means))
    assert totals[-1]["total"] < 0.75 * totals[0]["total"]
    assert totals[-1]["boxes"] < totals[0]["boxes"]
    assert totals[-1]["prototype"] < totals[0]["prototype"]


def test_a_resumed_run_equals_an_uninterrupted_one(make: Make) -> None:
    whole = make("whole")
    whole.train()
    first = make("parts")
    first.train(until=3)
    first.check()
    first.train(until=5)  # lost: the last check was after step 3
    second = make("parts")
    assert second.step == 3
    second.train()
    assert second.step == whole.step == 6
    assert second.means == whole.means
    assert [row["step"] for row in second.rows] == [3, 6]
    for mine, theirs in ((second.network, whole.network), (second.averaged, whole.averaged)):
        assert all(torch.equal(mine.state_dict()[key], value) for key, value in theirs.state_dict().items())


def test_a_checkpoint_of_other_settings_is_refused(make: Make, tmp_path: Path) -> None:
    make().check()
    with pytest.raises(ConfigError, match="seed: expected 1, got 2"):
        make(seed=2)
    with pytest.raises(ConfigError, match="residual: expected True, got False"):
        make(residual=False)
    make(bfloat16=False, minutes=3.0)  # may change
    (tmp_path / "run" / CHECKPOINT).write_bytes(b"nothing")
    with pytest.raises(FileError, match="not a checkpoint of this program, or damaged"):
        make()


def test_a_run_in_minutes_may_be_given_another_length_and_remembers_it(make: Make, tmp_path: Path) -> None:
    first = make(steps=None, minutes=0.001)
    first.train()
    assert first.progress(first.step) >= 1
    longer = make(steps=None, minutes=50.0)
    assert longer.lengths == [0.001, 50.0]
    assert longer.progress(longer.step) < 0.1
    longer.check()
    state = torch.load(tmp_path / "run" / CHECKPOINT, weights_only=True)
    notes = record(state, SceneFigures(7, 30, 99, ()), 30)
    command = "python -m regionclip.training.embedded.tiny --minutes"
    assert notes["command"] == f"{command} 0.001 --seed 1 && {command} 50 --seed 1"
    assert make(steps=None, minutes=20.0).lengths == [0.001, 50.0, 20.0]


def test_a_loss_that_is_not_finite_ends_the_run(make: Make) -> None:
    run = make()
    with torch.no_grad():
        run.network.tower.dense_out.weight[0] = torch.nan
    with pytest.raises(RegionclipError, match=r"step 1: .*region nan.*take --float32; .*nothing was written yet"):
        run.train()


def test_export_writes_what_the_tower_and_the_proposer_read(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from proposals.dense import DenseHead
    from regionclip.towers.tiny.tower import TinyTower

    torch.manual_seed(3)
    network = TrainingNetwork(SMALL).eval()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    export(network, tmp_path / "tokenizer.json", tmp_path, torch.float32)
    tower = TinyTower.load(tmp_path, Config(tower="tiny", dtype="float32"), torch.device("cpu"))
    ids = torch.tensor([tower.token_ids("red car", "region")])
    with torch.no_grad():
        text = network.tower.text
        raw = text.region(text(ids, torch.ones_like(ids, dtype=torch.bool)))
    expected = torch.nn.functional.normalize(raw, dim=-1)[0]
    assert torch.equal(tower.encode_text(["red car"], "region")[0], expected)
    head = DenseHead.load(tmp_path / "proposer.safetensors")
    assert all(torch.equal(head.state_dict()[key], value) for key, value in network.boxes.state_dict().items())


def test_the_record_names_the_command_that_repeats_the_run(make: Make) -> None:
    state = make().state()
    rows = (SceneRow("kinds_en", "kinds", Share(0.9, 0.8, 1.0)),)
    notes = json.loads(json.dumps(record(state, SceneFigures(7, 30, 99, rows), 30)))
    assert notes["command"] == "python -m regionclip.training.embedded.tiny --steps 6 --seed 1"
    state["config"] = state["config"].replace('"residual": true', '"residual": false')
    state["settings"] = state["settings"].replace('"boxes_from": 0.0', '"boxes_from": 0.7')
    other = record(state, SceneFigures(7, 30, 99, ()), 30)
    assert other["command"].endswith("--seed 1 --strict-head --boxes-from 0.7")
    assert notes["measured_by"] == "regionclip eval scenes --seed 7 --scenes 30"
    assert notes["images"] == 0
    assert notes["figures"] == {"kinds_en": {"value": 0.9, "low": 0.8, "high": 1.0}}


def test_the_check_measures_what_the_tower_knows(tokenizer: Tokenizer) -> None:
    torch.manual_seed(0)
    figures = Check(tokenizer, SMALL.text_length, scenes=4)(TrainingNetwork(SMALL))
    assert set(CURVES) <= set(figures)
    assert all(0 <= value <= 1 for value in figures.values())
    assert figures["kinds_en"] < 0.5  # it has learned nothing yet
    assert 0.1 < figures["traits_en"] < 0.9


def test_a_small_run_trains_resumes_and_ships(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, shipped = tmp_path / "run", tmp_path / "tiny"
    sizes = replace(SMALL, text_length=48)  # no phrase of the measurement is cut
    words = ["--steps", "2", "--workers", "0", "--seed", "5", "--out", str(run)]
    main(words, sizes=sizes, scenes=4)
    rows = [json.loads(row) for row in capsys.readouterr().out.splitlines()]
    assert rows == [json.loads(row) for row in (run / CURVE).read_text().splitlines()]
    assert [row["step"] for row in rows] == [2]
    assert 0 <= rows[0]["kinds_en"] < 0.5
    main(words, sizes=sizes, scenes=4)
    assert capsys.readouterr().out.splitlines() == ["resumed at step 2", "the run is complete"]
    with pytest.raises(SystemExit, match=r"steps: expected 2, got 3.*give the same"):
        main([*words, "--steps", "3"], sizes=sizes, scenes=4)
    ship([str(run), str(shipped), "--scenes", "1"])
    assert "top-1" in capsys.readouterr().out
    assert (shipped / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((shipped / "training.json").read_text())["steps"] == 2
    assert load(shipped).tower.card.width == SMALL.width


@pytest.mark.slow
def test_the_commands_of_the_docs_train_resume_and_ship(tmp_path: Path) -> None:
    """The two commands of docs/embedded_tower.md in processes of their own, cut to a few steps."""
    run, shipped = tmp_path / "run", tmp_path / "tiny"
    train = ["regionclip.training.embedded.tiny", "--steps", "2", "--workers", "1", "--seed", "5", "--out", str(run)]
    _python(*train)
    steps = [json.loads(row)["step"] for row in (run / CURVE).read_text().splitlines()]
    assert steps == [2]
    assert _python(*train).splitlines() == ["resumed at step 2", "the run is complete"]
    printed = _python("regionclip.training.embedded.export", str(run), str(shipped), "--scenes", "2")
    assert "top-1" in printed
    assert load(shipped).tower.card.name == "tiny"


def _python(module: str, *arguments: str) -> str:
    ran = subprocess.run([sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


@pytest.mark.parametrize("length", [("--steps", "0"), ("--minutes", "0")])
def test_a_run_of_no_length_is_refused(
    length: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*length, "--out", str(tmp_path / "run")])
    assert ended.value.code == 2
    assert "more than 0" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_the_corpus_holds_every_kind_and_colour_in_both_languages() -> None:
    text = " ".join(corpus(1, 2))
    assert all(kind in text for kind in KINDS)
    assert all(colour in text for colour in COLOURS)
    assert "红色的灭火器" in text
