"""SigLIP 2 weights made into FG-CLIP 2, against transformers' own SigLIP 2 and a tensor of the official code."""

import shutil
from pathlib import Path

import pytest
import torch
from checkpoints import TEXT, VISION, write_fgclip2
from finetuning import write_siglip2
from official import image_features
from safetensors.torch import load_file, save_file
from transformers import Siglip2Config, Siglip2Model

from regionclip.errors import WeightsError
from regionclip.towers.fgclip2.model import FGCLIP2Model
from regionclip.training.trainees.fgclip2_start import start_from_siglip2, stretch_positions

_GOLDEN = Path(__file__).parent.parent / "golden" / "fgclip2_training.safetensors"


def test_positions_are_stretched_as_officially() -> None:
    golden = load_file(_GOLDEN)
    stretched = stretch_positions(golden["in.position_embedding_64"])
    torch.testing.assert_close(stretched, golden["out.position_embedding_196"], atol=1e-6, rtol=1e-6)


def test_a_straight_line_stays_straight() -> None:
    rows = torch.arange(30.0)[:, None]
    stretched = stretch_positions(rows)
    assert torch.equal(stretched[:20], rows[:20])
    torch.testing.assert_close(stretched[20:, 0], 20 + torch.arange(40.0) / 4)


@pytest.fixture(scope="module")
def siglip2(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_siglip2(tmp_path_factory.mktemp("siglip2"))


def test_it_computes_what_siglip2_computes_and_the_heads_are_copies(siglip2: Path, tmp_path: Path) -> None:
    model = FGCLIP2Model.from_pretrained(start_from_siglip2(siglip2, tmp_path / "start"))
    text, vision = ({key: value for key, value in sizes.items() if key != "model_type"} for sizes in (TEXT, VISION))
    native = Siglip2Model(Siglip2Config(text_config=text, vision_config=vision))
    native.load_state_dict(load_file(siglip2 / "model.safetensors"), strict=True)
    native.requires_grad_(False)
    ids = torch.randint(4, 300, (2, 64), generator=torch.Generator().manual_seed(0))
    pixels = torch.rand(1, 12, 768, generator=torch.Generator().manual_seed(1)) * 2 - 1
    shapes = torch.tensor([[3, 4]])
    with torch.no_grad():
        expected = native.text_model(ids).pooler_output
        torch.testing.assert_close(model.text_features(ids, "short"), expected, atol=1e-5, rtol=1e-5)
        torch.testing.assert_close(model.text_features(ids, "box"), expected, atol=1e-5, rtol=1e-5)
        # First positions and head are those of short texts: a text of 20 tokens is the same by the long head.
        start = ids[:, :20]
        torch.testing.assert_close(model.text_features(start, "long"), model.text_features(start, "short"))
        images = (pixels, torch.ones(1, 12), shapes)
        whole = native.vision_model(*images).pooler_output
        torch.testing.assert_close(image_features(model, images), whole, atol=1e-5, rtol=1e-5)
    for mine, theirs in zip(model.dense_feature_head.parameters(), model.vision_model.head.parameters(), strict=True):
        assert torch.equal(mine, theirs)
    assert model.config.text.longtext_len == 196
    assert (tmp_path / "start" / "tokenizer.json").is_file()


def test_other_weights_are_refused(siglip2: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected model_type 'siglip2'.*got 'fgclip2'"):
        start_from_siglip2(write_fgclip2(tmp_path / "fgclip2"), tmp_path / "start")
    odd = write_fgclip2(tmp_path / "odd")
    shutil.copy(siglip2 / "config.json", odd)
    tensors = load_file(odd / "model.safetensors")
    save_file({k: v for k, v in tensors.items() if "vision_model.head" not in k}, odd / "model.safetensors")
    with pytest.raises(WeightsError, match="not SigLIP 2 weights"):
        start_from_siglip2(odd, tmp_path / "start")
    assert not (tmp_path / "start").exists()
