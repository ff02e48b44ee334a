"""What every tower promises, in every region mode: one suite, small random checkpoints in their real formats.

The embedded tower comes with its own weights. `third` is a dense tower of which only what it must say is written. A new
tower joins by a writer in `pretrained.WRITERS`, and a line for each region mode in `TOWERS`. What can be checked on any
weights is in `regionclip.evaluation.certainty.conformance`, for `regionclip doctor`; a run prints a table at its end.
"""

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pretrained import WRITERS
from safetensors.torch import load_file, save_file
from third_tower import ThirdTower

import regionclip
from regionclip.config import Config
from regionclip.errors import ConfigError, FingerprintError, WeightsError
from regionclip.evaluation.certainty.conformance import BOXES, CHECKS, PHRASES, position, sample_frames
from regionclip.loading import config_of, make_tower
from regionclip.towers.base import Frame, Tower
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS
from regionclip.towers.crops import CropTower
from regionclip.towers.preprocess import budget_grid
from regionclip.towers.trunk import TrunkTower

CPU = torch.device("cpu")
Made = TrunkTower[Any]
Make = Callable[..., Made]
"""A tower by `dtype` and, where it is not the tower's own, `budget`."""

TOWERS = (
    *("tiny", "fgclip2", "third", "siglip", "siglip dense-approx", "naflex", "naflex dense-approx"),
    *("chinese_clip", "chinese_clip maskclip", "chinese_clip sclip", "altclip", "altclip maskclip", "altclip naclip"),
    *("metaclip_2", "metaclip_2 sclip", "tipsv2", "tipsv2 maskclip"),
)
"""Checkpoint, and region mode where it is not the tower's own."""


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A checkpoint of each tower."""
    return {name: write(tmp_path_factory.mktemp(name)) for name, write in WRITERS.items()}


def load_tower(folder: Path, region_mode: Any, dtype: torch.dtype, budget: Any = None) -> Made:  # noqa: ANN401
    """As `regionclip.load` makes it of a folder."""
    number = str(dtype).removeprefix("torch.")
    config = config_of(folder).changed(region_mode=region_mode, dtype=number, budget=budget)
    made = make_tower(config, CPU)
    assert isinstance(made, TrunkTower)
    return made


@pytest.fixture(scope="module", params=TOWERS)
def make(request: pytest.FixtureRequest, folders: dict[str, Path]) -> Make:
    if request.param == "third":
        return ThirdTower
    name, _, mode = request.param.partition(" ")
    return partial(load_tower, folders[name], mode or None)


@pytest.fixture(scope="module")
def tower(make: Make) -> Made:
    return make(dtype=torch.float32)


@pytest.fixture(scope="module")
def frames() -> list[Frame]:
    return sample_frames()


COLUMNS = {
    "test_frames_of_any_shape_keep_to_the_budget": "budgets",
    "test_bfloat16_is_near_float32": "bfloat16",
    "test_tokens_can_be_trained_upon": "gradients",
    "test_threads_may_ask_the_same_features": "threads",
}
"""Tests that have a column of their own in the conformance table; those of a checkpoint share one."""


@pytest.fixture(autouse=True)
def cell(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """A test of a tower tells its place in the conformance table (`conftest.py`)."""
    given = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "folder" in given:
        record_property("conformance", (given["folder"], "files"))
    elif "make" in given and (column := given.get("check") or COLUMNS.get(request.node.originalname)):
        record_property("conformance", (given["make"], column))


@pytest.mark.parametrize("check", [name for name in CHECKS if name != "position"])
def test_promises(tower: Made, check: str) -> None:
    as_tower: Tower = tower  # the protocol is kept: mypy's to check
    assert list(CHECKS[check](as_tower)) == []


def shortsighted(tower: Made) -> Made:
    """Random attention looks anywhere, so a cell would tell of other places: take it out of the trunk.

    Where a dense head or the last block of NACLIP attends, a token then looks at its likes. What sees crops, or was
    trained, stays as it is.
    """
    if tower.card.region_mode == "crop" or tower.card.name in ("tiny", "third"):
        return tower
    with torch.no_grad():
        for name, weights in tower.model.named_parameters():
            is_last = tower.card.region_mode in ("maskclip", "naclip") and ".2." in name  # all that is left
            mixes = name.endswith(("self_attn.out_proj.weight", "attention.o_proj.weight"))
            if name.startswith("vision_model") and mixes and not is_last:
                weights.zero_()
            if name == "dense_feature_head.attention.in_proj_weight":
                queries, keys, _ = weights.chunk(3)
                keys.copy_(queries)
    return tower


@pytest.mark.parametrize("check", ["position"])
@pytest.mark.parametrize("size", [(120, 360), (350, 100), (97, 131)])
def test_a_bright_patch_is_found_where_it_is(make: Make, size: tuple[int, int], check: str) -> None:
    tower = shortsighted(make(dtype=torch.float32))
    assert list(position(tower, size, (0, 2, 4, 7, 8))) == []


@pytest.mark.parametrize("budget", ["fast", "fine", "dynamic", 12, 100])
def test_frames_of_any_shape_keep_to_the_budget(make: Make, frames: list[Frame], budget: object) -> None:
    tower = make(dtype=torch.float32, budget=budget)
    card = tower.card
    most = {"fast": card.budgets[0], "fine": card.budgets[-1], "dynamic": "dynamic"}.get(str(budget), budget)
    assert card.budget == most
    is_squeezed = len(card.budgets) == 1 and most == card.budgets[0]
    for frame, features in zip(frames, tower.encode_image(frames), strict=True):
        h, w = features.grid
        own = budget_grid((frame.shape[0], frame.shape[1]), card.patch, card.budget)
        assert (h, w) == own or (is_squeezed and h == w == card.budgets[0] ** 0.5)
        assert most == "dynamic" or h * w <= int(str(most))
        assert features.pool(BOXES)[0].isfinite().all()


@pytest.mark.parametrize("budget", [0, -4, True, 2.5, "auto"])
def test_a_budget_that_cannot_be_is_refused(make: Make, budget: object) -> None:
    with pytest.raises(ConfigError, match="budget: expected "):
        make(dtype=torch.float32, budget=budget)


def test_bfloat16_is_near_float32(make: Make, tower: Made, frames: list[Frame]) -> None:
    half = make(dtype=torch.bfloat16)
    assert half.placement == "cpu, bfloat16"
    ours, exact = half.encode_image(frames[:1])[0], tower.encode_image(frames[:1])[0]
    pooled, valid = ours.pool(BOXES)
    assert pooled.dtype == torch.float32
    assert float((pooled * exact.pool(BOXES)[0]).sum(-1)[valid].min()) > 0.97
    text = half.encode_text(["a red dog"], "region")
    assert text.dtype == torch.float32
    assert float(text[0] @ tower.encode_text(["a red dog"], "region")[0]) > 0.98


def test_tokens_can_be_trained_upon(tower: Made, frames: list[Frame]) -> None:
    # A proposal head learns on the tower's tokens: they must not be tensors of inference mode.
    features = tower.encode_image(frames[:1])[0]
    for tokens in (features.tokens, *(() if tower.card.region_mode == "crop" else (features.dense,))):
        head = torch.nn.Linear(tokens.shape[1], 1)
        head(tokens).sum().backward()
        assert head.weight.grad is not None


def test_threads_may_ask_the_same_features(tower: Made, frames: list[Frame]) -> None:
    """Eight threads ask features of one batch and encode phrases, with the bits of one thread."""

    def ask(number: int) -> tuple[NDArray[np.float32], torch.Tensor, torch.Tensor]:
        features = together[number % len(together)]
        return features.pool(BOXES)[0].numpy(), features.embedding, tower.encode_text(PHRASES, "region")

    together = tower.encode_image(frames)
    expected = [ask(number) for number in range(len(frames))]
    together = tower.encode_image(frames)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(ask, range(4 * len(frames))))
    for number, (pooled, embedding, texts) in enumerate(found):
        alone = expected[number % len(frames)]
        np.testing.assert_array_equal(pooled, alone[0])
        assert torch.equal(embedding, alone[1])
        assert torch.equal(texts, alone[2])


# What follows is of the checkpoint, whatever the region mode.


@pytest.fixture(params=WRITERS)
def folder(request: pytest.FixtureRequest, folders: dict[str, Path], tmp_path: Path) -> Path:
    """A copy of a checkpoint, to be spoilt."""
    return Path(shutil.copytree(folders[request.param], tmp_path / "copy"))


def respelt(folder: Path, **tensors: torch.Tensor | None) -> None:
    """Change the weights: a tensor in place of one, or None to leave it out."""
    held = load_file(folder / "model.safetensors") | tensors
    kept = {name: tensor.clone() for name, tensor in held.items() if tensor is not None}
    save_file(kept, folder / "model.safetensors")


def test_the_folder_says_which_tower_it_is_of(folder: Path, folders: dict[str, Path]) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    ours = regionclip.load(folder, dtype="float32", proposer="none")
    config = (folder / "config.json").read_bytes()
    (original,) = (path for path in folders.values() if (path / "config.json").read_bytes() == config)
    other = regionclip.load(original, dtype="float32")
    assert ours.tower.card.revision == other.tower.card.revision
    regions = ours.regions(frame, BOXES)
    np.testing.assert_array_equal(regions.embeddings, other.regions(frame, BOXES).embeddings)
    np.testing.assert_array_equal(ours.embed_image(frame), other.embed_image(frame))
    assert len(ours.classify(regions, PHRASES)) <= 2
    words = regionclip.Vocabulary(["dog", "红色"], negatives=["a wall"])
    assert sorted(ours.classify_image(frame, words).class_id.tolist()) == [0, 1]


def test_weights_that_are_saved_are_the_same_again(folder: Path) -> None:
    frame = np.random.default_rng(1).integers(0, 256, (60, 80, 3), dtype=np.uint8)
    det = regionclip.load(folder, dtype="float32", proposer="none")
    assert isinstance(det.tower, TrunkTower)
    save_file(det.tower.model.state_dict(), folder / "model.safetensors")
    again = regionclip.load(folder, dtype="float32", proposer="none")
    # Where tensors begin in the file decides the last bits.
    ours, theirs = det.regions(frame, BOXES).embeddings, again.regions(frame, BOXES).embeddings
    np.testing.assert_allclose(ours, theirs, atol=1e-6)
    np.testing.assert_allclose(det.embed_texts(PHRASES), again.embed_texts(PHRASES), atol=1e-6)


def test_embeddings_of_other_weights_are_refused(folder: Path) -> None:
    det = regionclip.load(folder, dtype="float32", proposer="none")
    regions = det.regions(np.zeros((40, 60, 3), np.uint8), [[0, 0, 20, 20]])
    held = load_file(folder / "model.safetensors")
    name = min(name for name, tensor in held.items() if tensor.is_floating_point())
    respelt(folder, **{name: held[name] + 1})
    other = regionclip.load(folder, dtype="float32", proposer="none")
    assert other.tower.card.revision != det.tower.card.revision
    with pytest.raises(FingerprintError, match="expected those of"):
        other.classify(regions, ["dog"])


def test_weights_that_do_not_fit_are_refused_by_name(folder: Path) -> None:
    held = load_file(folder / "model.safetensors")
    names = sorted(name for name, tensor in held.items() if tensor.is_floating_point() and tensor.ndim == 2)
    lost, cut = names[0], names[-1]
    respelt(folder, **{lost: None, "one.too.many": torch.zeros(2), cut: held[cut][:-1].clone()})
    with pytest.raises(WeightsError) as told:
        regionclip.load(folder, dtype="float32")
    text = str(told.value)
    assert "1 missing: " in text
    # Those of AltCLIP and TIPSv2 are told by their names in the class.
    assert lost.replace(".encoder.layer.", ".encoder.layers.").removeprefix("text_encoder.") in text
    assert "1 unexpected: one.too.many" in text
    assert f"expected {tuple(held[cut].shape)}, got {(len(held[cut]) - 1, *held[cut].shape[1:])}" in text


def test_files_that_are_missing_or_of_another_tower_are_refused(folder: Path) -> None:
    (folder / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"Missing: tokenizer\.json"):
        regionclip.load(folder)
    (folder / "tokenizer.json").write_text(ALIEN)
    with pytest.raises(WeightsError, match="token"):
        regionclip.load(folder)


ALIEN = '{"version": "1.0", "added_tokens": [], "model": {"type": "WordLevel", "vocab": {"x": 0}, "unk_token": "x"}}'
"""A tokenizer of no tower here."""


def test_a_region_mode_of_another_tower_is_refused(folder: Path) -> None:
    wrong = "crop" if config_of(folder).tower in ("tiny", "fgclip2") else "dense"
    with pytest.raises(ConfigError, match=f"region_mode: copy knows .*, got '{wrong}'"):
        regionclip.load(config_of(folder).changed(region_mode=wrong))


def test_a_head_of_another_tower_is_refused(folder: Path) -> None:
    shutil.copy(TINY_WEIGHTS / "proposer.safetensors", folder)
    if config_of(folder).tower != "tiny":
        with pytest.raises((ConfigError, WeightsError), match=r"proposer\.safetensors"):
            regionclip.load(folder)


@pytest.mark.parametrize("name", ["siglip", "naflex", "chinese_clip", "altclip", "metaclip_2", "tipsv2"])
def test_crop_towers_have_batches_context_and_no_heat(name: str, folders: dict[str, Path], frames: list[Frame]) -> None:
    tower = load_tower(folders[name], None, torch.float32)
    assert isinstance(tower, CropTower)
    features = tower.encode_image(frames)[0]
    alone, _ = features.pool(BOXES)
    assert features.passes == 2  # two boxes are valid
    tower.together = 3
    torch.testing.assert_close(tower.encode_image(frames)[0].pool(BOXES)[0], alone, atol=2e-4, rtol=0)
    tower.context = 3.0
    assert float((tower.encode_image(frames)[0].pool(BOXES)[0] * alone).sum(1)[:2].max()) < 0.999
    with pytest.raises(ConfigError, match=f"region_mode {' or '.join(tower.facts.modes[1:])}"):
        _ = features.dense
    det = regionclip.load(Config(tower=config_of(folders[name]).tower, weights=str(folders[name]), tiles=(2, 2)))
    assert det.regions(frames[0], BOXES).valid.tolist() == [True, True, False, False]  # crops, not tiles
