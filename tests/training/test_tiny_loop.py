import json
from pathlib import Path

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer

from heads.pool import roi_align as pool_exactly
from regionclip.scenes.phrases import COLOURS, KINDS
from regionclip.towers.tiny_model import TinyConfig
from regionclip.towers.tiny_text import train_tokenizer
from regionclip.training.data import STAGES, SceneBatches, batches
from regionclip.training.export import export, record
from regionclip.training.loop import Run, Settings
from regionclip.training.network import TrainingNetwork
from regionclip.training.tiny import corpus

SMALL = TinyConfig(
    width=32, heads=2, blocks=1, stem=(8, 8, 16), positions=4, text_blocks=1, vocabulary=400, text_length=16
)


@pytest.fixture(scope="module")
def tokenizer() -> Tokenizer:
    return train_tokenizer(corpus(1, 300), SMALL.vocabulary)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def _run(tokenizer: Tokenizer, **changed: int) -> Run:
    return Run(Settings(**{"steps": 6, "batch": 2, "workers": 0, "warmup": 2, **changed}), SMALL, tokenizer)  # type: ignore[arg-type]


def _ignore(_: Run) -> None:
    return


def test_a_batch_is_a_function_of_its_number(tokenizer: Tokenizer) -> None:
    data = SceneBatches(7, tokenizer, 16, 2)
    first, _, again, other = data[(3, 0)], data[(4, 0)], data[(3, 0)], data[(4, 0)]
    assert torch.equal(first.images, again.images)
    assert first.phrases == again.phrases
    assert torch.equal(first.truth, again.truth)
    assert first.phrases != other.phrases


def test_a_batch_tells_the_truth(tokenizer: Tokenizer) -> None:
    batch = SceneBatches(7, tokenizer, 16, 4)[(0, 2)]
    grid = (batch.images.shape[2] // 16, batch.images.shape[3] // 16)
    assert grid in STAGES[2].grids
    assert batch.images.dtype == torch.uint8
    assert sum(len(boxes) for boxes in batch.boxes) == len(batch.kinds) == len(batch.colours) == len(batch.truth)
    for boxes in batch.boxes:
        assert (boxes >= 0).all()
        assert (boxes[:, [0, 2]] <= grid[1]).all()
        assert (boxes[:, [1, 3]] <= grid[0]).all()
    # A phrase about one kind and one colour is true of exactly the regions of that kind and colour.
    for p in range(len(batch.phrases)):
        kind, colour = batch.phrase_kinds[p], batch.phrase_colours[p]
        if kind >= 0 and colour >= 0:
            assert torch.equal(batch.truth[:, p] > 0, (batch.kinds == kind) & (batch.colours == colour))


def test_stages_cover_the_run_in_order(tokenizer: Tokenizer) -> None:
    assert [stage.until for stage in STAGES] == sorted(stage.until for stage in STAGES)
    assert STAGES[-1].until == 1
    loader = batches(SceneBatches(7, tokenizer, 16, 1), 0, lambda step: step / 4, workers=0)
    sizes = [batch.images.shape[2] * batch.images.shape[3] // 256 for batch in loader]
    assert len(sizes) == 4
    assert sizes[0] < sizes[-1]


def test_training_steps_reduce_the_loss_on_a_fixed_batch(tokenizer: Tokenizer) -> None:
    run = _run(tokenizer, steps=1000, batch=4)
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


def test_a_resumed_run_equals_an_uninterrupted_one(tokenizer: Tokenizer, tmp_path: Path) -> None:
    whole = _run(tokenizer)
    whole.train(_ignore)
    first = _run(tokenizer)
    first.train(_ignore, until=3)
    first.save(tmp_path / "half.pt")
    second = _run(tokenizer)
    second.resume(tmp_path / "half.pt")
    assert second.step == 3
    second.train(_ignore)
    assert second.step == whole.step == 6
    assert second.means == whole.means
    mine, theirs = second.network.state_dict(), whole.network.state_dict()
    assert all(torch.equal(mine[key], theirs[key]) for key in theirs)


def test_a_checkpoint_of_other_settings_is_refused(tokenizer: Tokenizer, tmp_path: Path) -> None:
    _run(tokenizer).save(tmp_path / "a.pt")
    with pytest.raises(ValueError, match="seed: expected 2, got 1"):
        _run(tokenizer, seed=2).resume(tmp_path / "a.pt")


def test_training_pools_as_the_detector_does(tokenizer: Tokenizer) -> None:
    """Weights trained with torchvision's pooling are used with heads.pool: the two must not part."""
    from torchvision.ops import roi_align

    dense = torch.randn(1, 8, 7, 9, generator=torch.Generator().manual_seed(0))
    boxes = torch.tensor([[0.2, 0.3, 0.9, 0.8], [1.5, 2.0, 8.7, 6.1], [-0.3, -0.2, 3.0, 7.5]])
    trained = roi_align(dense, [boxes], 1, 1.0, -1, aligned=True).flatten(1)
    used = pool_exactly(dense[0].flatten(1).T, (7, 9), boxes)
    np.testing.assert_allclose(trained.numpy(), used.numpy(), atol=1e-5)


def test_export_writes_what_the_tower_and_the_proposer_read(tokenizer: Tokenizer, tmp_path: Path) -> None:
    from proposals.dense import DenseHead
    from regionclip.towers.tiny import TinyTower

    torch.manual_seed(3)
    network = TrainingNetwork(SMALL).eval()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    export(network, tmp_path / "tokenizer.json", tmp_path, torch.float32)
    tower = TinyTower.load(tmp_path, device=torch.device("cpu"), dtype=torch.float32)
    ids = torch.tensor([tower.token_ids("red car", "region")])
    with torch.no_grad():
        text = network.tower.text
        raw = text.region(text(ids, torch.ones_like(ids, dtype=torch.bool)))
    expected = torch.nn.functional.normalize(raw, dim=-1)[0]
    assert torch.equal(tower.encode_text(["red car"], "region")[0], expected)
    head = DenseHead.load(tmp_path / "proposer.safetensors")
    assert all(torch.equal(head.state_dict()[key], value) for key, value in network.boxes.state_dict().items())


def test_the_record_names_the_command_that_repeats_the_run(tokenizer: Tokenizer, tmp_path: Path) -> None:
    run = _run(tokenizer)
    run.save(tmp_path / "a.pt")
    state = torch.load(tmp_path / "a.pt", weights_only=True)
    notes = record(state, tmp_path, {"ap50": 0.5}, "measure")
    assert notes["command"] == "python -m regionclip.training.tiny --steps 6 --seed 1"
    assert notes["images"] == 0
    assert json.loads(json.dumps(notes))["figures"] == {"ap50": 0.5}


def test_the_corpus_holds_every_kind_and_colour_in_both_languages() -> None:
    text = " ".join(corpus(1, 10))
    assert all(kind in text for kind in KINDS)
    assert all(colour in text for colour in COLOURS)
    assert "红色的灭火器" in text
