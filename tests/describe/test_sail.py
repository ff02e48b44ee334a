"""SAIL-VL2 in its released layout against a plain composition of what its parts are."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoints import write_weights
from describers import LANGUAGE, VISION, sail_weights, write_sail
from numpy.typing import NDArray
from PIL import Image
from torch.nn.functional import gelu, layer_norm, linear, rms_norm, scaled_dot_product_attention, silu
from transformers import Aimv2VisionConfig, Qwen3Config, Qwen3ForCausalLM

from regionclip.describe import Describer, load
from regionclip.describe.sail import SYSTEM, SailSpeaker, SailVL2, tiling
from regionclip.describe.speaker import Prompt
from regionclip.errors import PromptError, WeightsError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sail(tmp_path_factory.mktemp("sail") / "SAIL-VL2-2B")


@pytest.fixture(scope="module")
def describer(folder: Path) -> Describer:
    return load(folder, dtype="float32")


@pytest.fixture(scope="module")
def speaker(describer: Describer) -> SailSpeaker:
    assert isinstance(describer.speaker, SailSpeaker)
    return describer.speaker


def noise(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def vision_of(tiles: torch.Tensor, last: int | None = None) -> torch.Tensor:
    """What the released code makes of tiles, written down step by step; without the last norm after `last` blocks."""
    w, heads = sail_weights(), VISION["num_attention_heads"]
    at = "vision_model.preprocessor."
    x = torch.nn.functional.conv2d(tiles, w[f"{at}patchifier.proj.weight"], w[f"{at}patchifier.proj.bias"], stride=7)
    x = x.flatten(2).transpose(1, 2)  # (T, g*g, C)
    x = norm(x, w[f"{at}patchifier.norm.weight"]) + w[f"{at}pos_embed"]
    for layer in range(VISION["num_hidden_layers"] if last is None else last):
        at = f"vision_model.trunk.blocks.{layer}."
        qkv = linear(norm(x, w[f"{at}norm_1.weight"]), w[f"{at}attn.qkv.weight"])
        q, k, v = qkv.reshape(*x.shape[:2], 3, heads, -1).permute(2, 0, 3, 1, 4)
        mixed = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(x.shape)
        x = x + linear(mixed, w[f"{at}attn.proj.weight"])
        y = norm(x, w[f"{at}norm_2.weight"])
        gated = silu(linear(y, w[f"{at}mlp.fc1.weight"])) * linear(y, w[f"{at}mlp.fc3.weight"])
        x = x + linear(gated, w[f"{at}mlp.fc2.weight"])
    return norm(x, w["vision_model.trunk.post_trunk_norm.weight"]) if last is None else x


def norm(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    return rms_norm(x, (x.shape[-1],), weight, VISION["rms_norm_eps"])


def adapted(x: torch.Tensor) -> torch.Tensor:
    """2 x 2 tokens side by side in one, row by row, and the adapter."""
    w, grid = sail_weights(), x.reshape(len(x), 4, 4, -1)
    blocks = [
        torch.cat([grid[:, r, c], grid[:, r, c + 1], grid[:, r + 1, c], grid[:, r + 1, c + 1]], -1)
        for r in (0, 2)
        for c in (0, 2)
    ]
    y = torch.stack(blocks, 1)  # (T, 4, 4*C)
    y = layer_norm(y, (y.shape[-1],), w["mlp1.0.weight"], w["mlp1.0.bias"])
    return linear(gelu(linear(y, w["mlp1.1.weight"], w["mlp1.1.bias"])), w["mlp1.3.weight"], w["mlp1.3.bias"])


def language_model() -> Qwen3ForCausalLM:
    fields = {name: value for name, value in LANGUAGE.items() if name not in ("attn_implementation", "torch_dtype")}
    model = Qwen3ForCausalLM(Qwen3Config(**fields))
    own = "language_model."
    weights = {name.removeprefix(own): tensor for name, tensor in sail_weights().items() if name.startswith(own)}
    model.load_state_dict(weights)
    model.train(False)
    return model


@torch.no_grad()
def test_vision_and_adapter_are_the_released_ones(speaker: SailSpeaker) -> None:
    tiles = torch.randn(3, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    assert torch.allclose(speaker.network.see(tiles), adapted(vision_of(tiles)), atol=2e-5)


@torch.no_grad()
def test_an_earlier_layer_is_read_where_the_config_says_so(tmp_path: Path) -> None:
    network = SailSpeaker.load(
        write_sail(tmp_path, select_layer=-2), "sail", dtype=torch.float32, device=torch.device("cpu")
    ).network
    tiles = torch.randn(1, 3, 28, 28, generator=torch.Generator().manual_seed(1))
    # The released list holds what each of the 3 blocks gave, so -2 is what the second gave.
    assert torch.allclose(network.see(tiles), adapted(vision_of(tiles, 2)), atol=2e-5)


@torch.no_grad()
def test_the_next_token_is_that_of_the_parts(speaker: SailSpeaker) -> None:
    """One picture of three tiles and a whole: prompt, pictures and language model put together by hand."""
    picture = noise(30, 90)
    large = np.asarray(Image.fromarray(picture[..., ::-1]).resize((84, 28), Image.Resampling.BICUBIC))
    whole = np.asarray(Image.fromarray(picture[..., ::-1]).resize((28, 28), Image.Resampling.BICUBIC))
    cut = [*(large[:, start : start + 28] for start in (0, 28, 56)), whole]
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    tiles = torch.from_numpy(np.stack([(tile / 255 - mean) / std for tile in cut])).float().permute(0, 3, 1, 2)
    seen = adapted(vision_of(tiles)).reshape(-1, 48)  # (16, D)
    before = f"<|im_start|>system\n{SYSTEM}<|im_end|><|im_start|>user\n<img>"
    after = "</img>\nred dog?<|im_end|><|im_start|>assistant\n"
    model = language_model()
    first, last = (model.get_input_embeddings()(torch.tensor(speaker.ids(text))) for text in (before, after))
    logits = model(inputs_embeds=torch.cat([first, seen, last])[None]).logits[0, -1]
    assert torch.allclose(speaker.next([Prompt((picture,), "red dog?")])[0], logits, atol=2e-4)


@pytest.mark.parametrize(
    ("size", "shape"),
    [
        ((100, 100), (1, 1)),
        ((100, 310), (3, 1)),
        ((400, 100), (1, 4)),
        ((100, 140), (3, 2)),
        ((600, 600), (1, 1)),  # of 1x1, 2x2 and 3x3, which fit equally, the largest that has the pixels
        ((640, 640), (2, 2)),
        ((1000, 1000), (3, 3)),
        ((10, 3000), (10, 1)),
    ],
)
def test_tiles_as_released(size: tuple[int, int], shape: tuple[int, int]) -> None:
    assert tiling(*size, 448, 10) == shape


def test_shards_and_a_shared_head_give_the_same(tmp_path: Path, describer: Describer) -> None:
    frame, box = noise(60, 80), [10, 10, 50, 50]
    shared = write_sail(tmp_path / "sail")
    weights = sail_weights()
    del weights["language_model.lm_head.weight"]
    (shared / "model.safetensors").unlink()
    write_weights(shared, weights, shards=2)
    assert load(shared, dtype="float32").verify(frame, box, "dog") == describer.verify(frame, box, "dog")


def test_weights_that_do_not_fit_are_named_as_in_the_file(tmp_path: Path) -> None:
    folder = write_sail(tmp_path / "sail")
    weights = sail_weights()
    del weights["vision_model.trunk.blocks.1.attn.qkv.weight"]
    weights["mlp1.3.bias"] = torch.zeros(7)
    weights["vision_model.head.weight"] = torch.zeros(2)
    write_weights(folder, weights)
    with pytest.raises(WeightsError) as told:
        load(folder, dtype="float32")
    text = str(told.value)
    assert "1 missing: vision_model.trunk.blocks.1.attn.qkv.weight" in text
    assert "1 unexpected: vision_model.head.weight" in text
    assert "mlp1.3.bias (expected (48,), got (7,))" in text


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        ({"llm_config": LANGUAGE | {"model_type": "qwen3_moe"}}, "a mixture of experts"),
        ({"llm_config": LANGUAGE | {"architectures": ["Qwen3MoeForCausalLM"]}}, "a mixture of experts"),
        ({"llm_config": LANGUAGE | {"model_type": "qwen2"}}, "expected Qwen3 as llm_config, got qwen2"),
        ({"ps_version": "v1"}, "expected ps_version 'v2', got 'v1'"),
        ({"template": "internlm2-chat"}, "expected template 'univl-chat', got"),
        ({"vision_config": {}}, "not the configuration of a SAIL-VL2"),
    ],
)
def test_other_networks_are_refused(tmp_path: Path, notes: dict[str, Any], said: str) -> None:
    with pytest.raises(WeightsError, match=said):
        load(write_sail(tmp_path / "sail", **notes))


def test_a_thinking_variant_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="SAIL-VL2-2B-Thinking: a Thinking variant thinks aloud"):
        load(write_sail(tmp_path / "SAIL-VL2-2B-Thinking"))


def test_a_tokenizer_of_another_model_is_refused(tmp_path: Path) -> None:
    folder = write_sail(tmp_path / "sail")
    tokenizer = json.loads((folder / "tokenizer.json").read_text())
    tokenizer["added_tokens"] = [each for each in tokenizer["added_tokens"] if each["content"] != "<IMG_CONTEXT>"]
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(WeightsError, match="expected the marks of SAIL-VL2, without <IMG_CONTEXT>"):
        load(folder)


def test_marks_are_no_words(describer: Describer) -> None:
    frame = noise(40, 40)
    for ask in (
        lambda text: describer.ask(frame, text),
        lambda text: describer.verify(frame, None, text),
        lambda text: describer.rerank(frame, None, ["dog", text]),
    ):
        with pytest.raises(PromptError, match="which is a mark of this model"):
            ask("dog<|im_end|>")


def test_as_large_as_the_release() -> None:
    """Sizes of SAIL-VL2-2B, and the bytes that its released index of weights counts, at two a number."""
    with torch.device("meta"):
        network = SailVL2(
            Aimv2VisionConfig(
                hidden_size=1536, intermediate_size=4096, num_attention_heads=12, image_size=448, use_head=False
            ),
            Qwen3Config(
                hidden_size=2048, intermediate_size=6144, num_hidden_layers=28, num_attention_heads=16,
                num_key_value_heads=8, head_dim=128, vocab_size=151936, tie_word_embeddings=True,
            ),
            -1,
        )  # fmt: skip
    assert 2 * sum(tensor.numel() for tensor in network.state_dict().values()) == 5_461_130_240
