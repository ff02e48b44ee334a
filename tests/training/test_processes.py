"""Two real gloo processes against the same arithmetic in one."""

import json
import multiprocessing
from pathlib import Path
from typing import Any

import pytest
import torch
from finetuning import one_of_two, settings, unequal_parts, write_coco, write_tiny

from regionclip.config import Config
from regionclip.errors import ConfigError
from regionclip.towers.tiny.tower import TinyTower
from regionclip.training import processes
from regionclip.training.finetune import FineTuning
from regionclip.training.losses import global_sigmoid
from regionclip.training.settings import TrainSettings


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where two processes have left what they found, and the weights they have trained together."""
    folder = tmp_path_factory.mktemp("gloo")
    run = _run(folder, "together", batch=2)
    # This process is one of the two, which saves an interpreter and its imports.
    other = multiprocessing.get_context("spawn").Process(target=one_of_two, args=(1, str(folder), run))
    other.start()
    try:
        one_of_two(0, str(folder), run)
    finally:
        processes.leave()
        other.join()
    assert other.exitcode == 0
    return folder


@pytest.fixture(scope="module")
def found(folder: Path) -> list[dict[str, Any]]:
    return [torch.load(folder / f"result{rank}.pt", weights_only=True) for rank in range(2)]


def _run(folder: Path, out: str, batch: int) -> TrainSettings:
    data = write_coco(folder / "coco", 8)
    return settings(folder / out, write_tiny(folder / "tiny"), data, stage="global", steps=2, batch=batch)


def test_captions_of_other_processes_are_negatives_with_gradients(found: list[dict[str, Any]]) -> None:
    images, texts, score = unequal_parts()
    parts = [global_sigmoid(images[i], texts[i], (score[0], score[1]), others=texts[1 - i]) for i in range(2)]
    torch.autograd.backward(torch.stack(parts).sum())
    for rank in range(2):
        torch.testing.assert_close(found[rank]["loss"], parts[rank].detach())
        torch.testing.assert_close(found[rank]["own"], [images[rank].grad, texts[rank].grad])
        assert score.grad is not None
        torch.testing.assert_close(found[rank]["shared"][0], score.grad / 2)  # gradients are averaged


def test_a_gradient_that_one_process_lacks_counts_as_zero(found: list[dict[str, Any]]) -> None:
    assert [each["shared"][1].item() for each in found] == [1.0, 1.0]


def test_the_threshold_is_the_mean_of_the_processes_that_have_one(found: list[dict[str, Any]]) -> None:
    assert [each["agreed"].item() for each in found] == [3.0, 3.0]
    assert [each["nothing"] for each in found] == [None, None]
    assert [each["empty"].shape for each in found] == [(0, 8), (0, 8)]


def test_alone_nothing_changes() -> None:
    value = torch.tensor(2.0)
    assert processes.place() == (0, 1)
    assert processes.texts_of_others(torch.ones(2, 3)) is None
    assert processes.mean(value, value.device) is value
    assert processes.mean(None, value.device) is None


def test_two_processes_train_as_one_with_twice_the_batch(folder: Path) -> None:
    """Stage `global`: the loss of each process sees the captions of both, and gradients are averaged."""
    alone = FineTuning(_run(folder, "alone", batch=4))
    alone.train()
    rows = [json.loads(line) for line in (folder / "together" / "curve.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows] == [2]
    assert rows[-1]["boxes"] == alone.rows[-1]["boxes"] == 8  # the processes have shared the pictures
    places = (folder / "tiny", folder / "alone" / "weights", folder / "together" / "weights")
    towers = [TinyTower.load(place, Config(tower="tiny", dtype="float32"), torch.device("cpu")) for place in places]
    start, one, two = (tower.encode_text(["red, blue 3", "红、蓝 1"], "image") for tower in towers)
    torch.testing.assert_close(one, two, atol=1e-3, rtol=0)
    assert (one - start).abs().max() > 0.02


def test_under_torchrun_the_cpu_is_taken_where_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"TORCHELASTIC_RUN_ID": "1", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "0", "RANK": "0", "WORLD_SIZE": "1"}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError, match=r"device: expected auto, cuda or cpu under torchrun, .* got cuda:1"):
        processes.join("cuda:1")
    try:
        assert processes.join("cpu") == "cpu"
        assert torch.distributed.get_backend() == "gloo"
    finally:
        processes.leave()
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    assert processes.join("cuda:1") == "cuda:1"
