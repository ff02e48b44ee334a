"""What every tower promises, in every region mode: one suite, small random checkpoints in their real formats.

The embedded tower comes with its own weights. `third` is a dense tower of which only what it must say is written. A new
tower joins by a writer in `pretrained.WRITERS`, and a line for each region mode in `TOWERS`.
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
from regionclip.loading import TOWERS as LOADERS
from regionclip.loading import config_of
from regionclip.towers.base import Frame, Target, Tower
from regionclip.towers.crops import CropTower
from regionclip.towers.hub import TINY_WEIGHTS
from regionclip.towers.preprocess import budget_grid
from regionclip.towers.trunk import TrunkTower

CPU = torch.device("cpu")
BOXES = np.array([[0, 0, 30, 20], [5, 2, 60, 13], [3, 3, 3, 9], [np.nan, 0, 9, 9]], np.float32)
PHRASES = ("a red dog", "红色的车", "x", "the person in a black car", "Label 7")
TARGETS: tuple[Target, ...] = ("region", "image")
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
    made = LOADERS[config.tower](config, CPU)
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
    """The first two have one grid, no other two have."""
    source = np.random.default_rng(7)
    sizes = ((90, 160), (90, 160), (200, 61), (14, 300), (1, 1))
    return [source.integers(0, 256, (*size, 3), dtype=np.uint8) for size in sizes]


def test_the_card_is_filled_in(tower: Made) -> None:
    card = tower.card
    assert card.name
    assert card.licence
    assert card.text.endswith(".")
    assert all(2 <= len(language) <= 3 and language.islower() for language in card.languages)
    assert len(set(card.languages)) == len(card.languages) >= 1
    assert len(card.revision) == len("sha256:") + 16
    assert card.revision.startswith("sha256:")
    assert list(card.budgets) == sorted(card.budgets)
    assert card.budget == "dynamic" or card.budget in card.budgets
    assert 0 < card.threshold <= 1
    assert card.region_score.scale > 1
    assert card.region_score.bias is not None or card.negatives  # something to be weighed against
    assert tower.placement == "cpu, float32"


def test_nothing_in_nothing_out(tower: Made, frames: list[Frame]) -> None:
    as_tower: Tower = tower  # the protocol is kept: mypy's to check
    width = as_tower.card.width
    assert as_tower.encode_image([]) == []
    assert as_tower.encode_text([], "region").shape == (0, width)
    features = as_tower.encode_image(frames)[0]
    embeddings, valid = features.pool(np.zeros((0, 4), np.float32))
    assert embeddings.shape == (0, width)
    assert valid.shape == (0,)
    assert features.passes == 0  # no boxes, no tower pass


def test_frames_together_equal_frames_alone(tower: Made, frames: list[Frame]) -> None:
    for frame, batched in zip(frames, tower.encode_image(frames), strict=True):
        alone = tower.encode_image([frame])[0]
        assert batched.grid == alone.grid
        torch.testing.assert_close(batched.tokens, alone.tokens, atol=2e-4, rtol=0)
        if tower.card.region_mode != "crop":
            torch.testing.assert_close(batched.dense, alone.dense, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.embedding, alone.embedding, atol=2e-4, rtol=0)
        torch.testing.assert_close(batched.pool(BOXES)[0], alone.pool(BOXES)[0], atol=2e-4, rtol=0)


def test_a_box_has_the_same_bits_among_others_and_again(tower: Made, frames: list[Frame]) -> None:
    together, _ = tower.encode_image(frames[:1])[0].pool(BOXES)
    for place, box in enumerate(BOXES):
        assert torch.equal(tower.encode_image(frames[:1])[0].pool(box[None])[0][0], together[place])


def test_features_have_the_shapes_and_lengths_that_they_say(tower: Made, frames: list[Frame]) -> None:
    for features in tower.encode_image(frames):
        h, w = features.grid
        tokens = features.tokens
        assert tokens.shape[0] == h * w
        assert tower.card.head_width in (None, tokens.shape[1])
        assert tokens.untyped_storage().nbytes() == tokens.nbytes  # not a view of the whole batch
        for cells in (tokens, *(() if tower.card.region_mode == "crop" else (features.dense,))):
            assert len(cells) == h * w
            assert cells.dtype == torch.float32
            assert cells.isfinite().all()
        assert features.embedding.shape == (tower.card.width,)
        assert features.embedding.norm().item() == pytest.approx(1, abs=1e-5)
    pooled, valid = tower.encode_image(frames[:1])[0].pool(BOXES)
    assert pooled.shape == (4, tower.card.width)
    assert valid.tolist() == [True, True, False, False]
    torch.testing.assert_close(pooled.norm(dim=1), valid.float())


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


@pytest.mark.parametrize("size", [(120, 360), (350, 100), (97, 131)])
def test_a_bright_patch_is_found_where_it_is(make: Make, size: tuple[int, int]) -> None:
    """Of nine boxes that do not touch, the one whose content changed changes most, whichever it is."""
    tower = shortsighted(make(dtype=torch.float32))
    height, width = size
    side = [(share, share + 0.2) for share in (0.0, 0.4, 0.8)]
    boxes = np.array([(x1 * width, y1 * height, x2 * width, y2 * height) for y1, y2 in side for x1, x2 in side])
    boxes = np.round(boxes).astype(np.float32)  # (9, 4)
    noise = np.random.default_rng(0).integers(-6, 7, (*size, 3))
    plain = np.asarray(110 + noise, np.uint8)
    before, _ = tower.encode_image([plain])[0].pool(boxes)
    for place in (0, 2, 4, 7, 8):
        frame = plain.copy()
        x1, y1, x2, y2 = boxes[place].astype(int)
        frame[y1:y2, x1:x2] = (40, 220, 250)
        after, _ = tower.encode_image([frame])[0].pool(boxes)
        assert int((after - before).norm(dim=1).argmax()) == place


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


@pytest.mark.parametrize("target", TARGETS)
def test_a_phrase_has_the_same_bits_in_any_list(tower: Made, target: Target) -> None:
    together = tower.encode_text(PHRASES, target)
    assert together.dtype == torch.float32
    torch.testing.assert_close(together.norm(dim=1), torch.ones(len(PHRASES)))
    for phrase, row in zip(PHRASES, together, strict=True):
        assert torch.equal(tower.encode_text([phrase], target)[0], row)
    assert torch.equal(tower.encode_text(PHRASES[::-1], target).flip(0), together)
    assert float((together @ together.T).fill_diagonal_(0).max()) < 0.999


def test_regions_are_spoken_of_differently_where_there_are_heads_for_them(tower: Made) -> None:
    region, image = (tower.encode_text(PHRASES, target) for target in TARGETS)
    assert torch.equal(region, image) == (tower.card.region_mode != "dense")


def test_what_its_languages_say_can_be_told_apart(tower: Made) -> None:
    rows = tower.encode_text([text for language, text in SAID.items() if language in tower.card.languages], "region")
    assert len(rows)
    assert rows.isfinite().all()
    assert float((rows @ rows.T).fill_diagonal_(0).max()) < 0.9999


SAID = {"en": "a red dog", "zh": "红色的车", "ru": "красная собака", "ar": "كلب أحمر", "fr": "un chien rouge"}


@pytest.mark.parametrize("target", TARGETS)
def test_tokens_are_counted_honestly(tower: Made, target: Target) -> None:
    for phrase in (*PHRASES, "红" * 300):
        needed, read = tower.count_tokens(phrase, target)
        assert len(tower.token_ids(phrase, target)) == read <= needed
    assert read < needed  # of the last one
    if tower.count_tokens("", target)[0]:  # TIPSv2 has no end token
        assert tower.token_ids("红" * 300, target)[-1] == tower.token_ids("x", target)[-1]
    cut, longer = tower.encode_text(["红" * 300, "红" * 300 + "色"], target)
    assert torch.equal(cut, longer)


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
