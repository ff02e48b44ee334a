"""What loading says of files that are missing, damaged or of another model."""

import io
import json
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from checkpoints import TEXT, VISION, random_weights, write_fgclip2, write_weights
from safetensors.torch import save_file

from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.hub import Checkpoint
from regionclip.towers.checkpoints.loading import fingerprint, read_tensors
from regionclip.towers.fgclip2 import FGCLIP2Model

FILE = "model.safetensors"
INDEX = "model.safetensors.index.json"


@pytest.fixture
def folder(fgclip2_folder: Path, tmp_path: Path) -> Path:
    """A fresh copy to damage."""
    return Path(shutil.copytree(fgclip2_folder, tmp_path / "weights"))


@pytest.fixture
def weights() -> dict[str, torch.Tensor]:
    return random_weights(TEXT, VISION, seed=0)


def test_every_parameter_is_the_file_s_and_nothing_is_left_unset(
    folder: Path, weights: dict[str, torch.Tensor]
) -> None:
    model = FGCLIP2Model.from_pretrained(folder)
    assert not model.training
    assert {name for name, value in model.state_dict().items() if torch.equal(value, weights[name])} == set(weights)
    assert all(value.dtype == torch.float32 for value in model.parameters())
    buffers = dict(model.named_buffers())
    assert not any(value.is_meta for value in (*buffers.values(), *model.parameters()))
    assert torch.equal(buffers["text_model.embeddings.position_ids"], torch.arange(64)[None])


def test_dtype_is_as_asked_whatever_the_file_has(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    half = {name: value.bfloat16() for name, value in weights.items()}
    write_weights(folder, half)
    model = FGCLIP2Model.from_pretrained(folder)
    assert model.dtype == torch.float32
    assert torch.equal(model.boxtext_head.weight, half["boxtext_head.weight"].float())
    ids = torch.ones(1, 64, dtype=torch.long)
    short = FGCLIP2Model.from_pretrained(folder, dtype=torch.bfloat16)
    assert short.text_features(ids, "box").dtype == torch.bfloat16


def test_shards_give_the_same_model(tmp_path: Path, weights: dict[str, torch.Tensor]) -> None:
    folder = write_fgclip2(tmp_path / "shards", shards=3)
    assert not (folder / FILE).exists()
    model = FGCLIP2Model.from_pretrained(folder)
    assert all(torch.equal(value, weights[name]) for name, value in model.state_dict().items())


def test_scalars_of_training_are_ignored(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    extra = {"logit_scale_finegraind": torch.ones(1), "logit_scale_hardneg": torch.ones(1)}
    write_weights(folder, weights | extra)
    assert not set(extra) & set(FGCLIP2Model.from_pretrained(folder).state_dict())


def test_missing_unexpected_and_misshapen_tensors_are_listed_together(
    folder: Path, weights: dict[str, torch.Tensor]
) -> None:
    del weights["boxtext_head.weight"], weights["dense_feature_head.probe"]
    weights["visual.proj"] = torch.ones(2)
    weights["longtext_head.bias"] = torch.ones(7)
    weights["logit_bias"] = torch.ones(1, dtype=torch.int64)
    write_weights(folder, weights)
    with pytest.raises(WeightsError) as caught:
        FGCLIP2Model.from_pretrained(folder)
    message = str(caught.value)
    assert str(folder) in message
    assert "2 missing: boxtext_head.weight, dense_feature_head.probe" in message
    assert "1 unexpected: visual.proj" in message
    assert "longtext_head.bias (expected (32,), got (7,))" in message
    assert "1 that are not floating point: logit_bias (torch.int64)" in message


def test_a_long_list_is_counted_and_cut(folder: Path, weights: dict[str, torch.Tensor]) -> None:
    write_weights(folder, {f"model.{name}": value for name, value in weights.items()})
    with pytest.raises(WeightsError, match=rf"{len(weights)} missing: .* and {len(weights) - 12} more"):
        FGCLIP2Model.from_pretrained(folder)


@pytest.mark.parametrize("size", [0, 5, 2000, 100_000])
def test_truncated_file(folder: Path, size: int) -> None:
    data = (folder / FILE).read_bytes()
    (folder / FILE).write_bytes(data[:size])
    with pytest.raises(WeightsError, match=rf"{FILE}.*truncated or damaged \({size} bytes\)"):
        FGCLIP2Model.from_pretrained(folder)


class _Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (pytest.fail, ("a pickle was executed",))


def _saved_by_torch() -> bytes:
    torch.save({"a": torch.ones(1)}, buffer := io.BytesIO())
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        *((pickle.dumps(_Bomb(), protocol), "a pickle under another name") for protocol in (2, 4, 5)),
        (_saved_by_torch(), "a pickle under another name"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
    ],
)
def test_what_is_no_safetensors_under_the_right_name_is_told_and_not_run(
    folder: Path, content: bytes, said: str
) -> None:
    (folder / FILE).write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        FGCLIP2Model.from_pretrained(folder)


def test_no_weights_at_all(folder: Path) -> None:
    (folder / FILE).unlink()
    with pytest.raises(WeightsError, match=rf"neither {FILE} nor {INDEX}"):
        FGCLIP2Model.from_pretrained(folder)


def test_absent_shard(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, shards=3)
    (folder / "model-00002-of-00003.safetensors").unlink()
    with pytest.raises(WeightsError, match=r"1 of 3 shards are absent: model-00002-of-00003\.safetensors"):
        FGCLIP2Model.from_pretrained(folder)


def test_tensor_that_the_index_promises_but_no_shard_has(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, shards=2)
    index = json.loads((folder / INDEX).read_text())
    index["weight_map"]["boxtext_head.extra"] = "model-00001-of-00002.safetensors"
    (folder / INDEX).write_text(json.dumps(index))
    with pytest.raises(WeightsError, match=r"1 tensors it names are in no shard: boxtext_head\.extra"):
        read_tensors(folder)


def test_tensor_in_two_shards(tmp_path: Path) -> None:
    folder = write_fgclip2(tmp_path, shards=2)
    save_file(read_tensors(folder), folder / "model-00002-of-00002.safetensors")
    with pytest.raises(WeightsError, match="is in another shard too"):
        read_tensors(folder)


@pytest.mark.parametrize(
    ("index", "said"),
    [
        ('{"weight_map": {}}', "expected an object `weight_map`"),
        ('{"weight_map": {"a": "../secret.safetensors"}}', "names of files beside it"),
        ('{"weight_map": {"a": 3}}', "names of files beside it"),
        ("{", "expected a JSON file"),
        ("[]", "expected a JSON object, got list"),
    ],
)
def test_malformed_index(folder: Path, index: str, said: str) -> None:
    (folder / FILE).unlink()
    (folder / INDEX).write_text(index)
    with pytest.raises(WeightsError, match=said):
        FGCLIP2Model.from_pretrained(folder)


@pytest.mark.parametrize(
    ("part", "field", "value", "said"),
    [
        ("vision_config", "num_patches", 60, "num_patches: expected a square number, got 60"),
        ("vision_config", "patch_size", "16", "patch_size: expected a whole number"),
        ("vision_config", "num_attention_heads", 5, "32 does not divide by 5 heads"),
        ("text_config", "vocab_size", -1, "vocab_size: expected a whole number"),
        ("text_config", "hidden_act", "swish9", "no activation 'swish9'"),
        ("text_config", "layer_norm_eps", 0, "layer_norm_eps"),
        ("text_config", "keep_len", 197, "keep_len 197 is more than longtext_len 196"),
    ],
)
def test_configuration_that_cannot_be(folder: Path, part: str, field: str, value: object, said: str) -> None:
    config = json.loads((folder / "config.json").read_text())
    config[part][field] = value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(WeightsError, match=said):
        FGCLIP2Model.from_pretrained(folder)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "config.json: missing"),
        ("{'a': 1}", "expected a JSON file"),
        ('{"text_config": 3}', "not the configuration of an FG-CLIP 2 model"),
    ],
)
def test_config_file_that_is_none(folder: Path, text: str | None, said: str) -> None:
    (folder / "config.json").unlink()
    if text is not None:
        (folder / "config.json").write_text(text)
    with pytest.raises(WeightsError, match=said):
        FGCLIP2Model.from_pretrained(folder)


def test_fingerprint_tells_weights_apart(fgclip2_folder: Path, folder: Path, tmp_path: Path) -> None:
    same, other = Checkpoint(folder), Checkpoint(write_fgclip2(tmp_path / "other", seed=5))
    assert fingerprint(same) == fingerprint(Checkpoint(fgclip2_folder))
    assert fingerprint(same) != fingerprint(other)
    assert fingerprint(same).startswith("sha256:")
    assert len(fingerprint(same)) == len("sha256:") + 16
    assert fingerprint(Checkpoint(folder, "430fbc8a")) == "430fbc8a"
