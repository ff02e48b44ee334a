"""The towers of CLIP's make against transformers itself. What they promise as any tower is in test_every_tower.py."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from pretrained import WRITERS, write_altclip, write_chinese_clip, write_metaclip2, write_unigram, write_wordpiece
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize, scaled_dot_product_attention
from transformers import AutoModel, AutoTokenizer, ChineseCLIPImageProcessor, CLIPImageProcessor

import regionclip
from regionclip.config import Config
from regionclip.detector import Detector
from regionclip.errors import PromptError, WeightsError
from regionclip.towers.card import BACKGROUND, background
from regionclip.towers.clip.recipes import last_block
from regionclip.towers.clip.tower import ClipTower
from regionclip.words.check import check_vocabulary
from regionclip.words.templates import fill
from regionclip.words.vocabulary import Label, Vocabulary

WORDS = ["a red dog", "红色的车", "person", "fire extinguisher", "Label 7"]
SIDES = {"chinese_clip": 64, "altclip": 56, "metaclip_2": 56}
"""Pixels of the training: frames of this size need no resize."""


@pytest.fixture(scope="module", params=SIDES)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def folder(kind: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return WRITERS[kind](tmp_path_factory.mktemp(kind))


@pytest.fixture(scope="module")
def det(folder: Path) -> Detector:
    return regionclip.load(folder, dtype="float32", proposer="none")


@pytest.fixture(scope="module")
def native(folder: Path) -> Any:  # noqa: ANN401
    return AutoModel.from_pretrained(folder).eval()


@pytest.fixture(scope="module")
def frame(kind: str) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 256, (SIDES[kind], SIDES[kind], 3), dtype=np.uint8)


def processed(kind: str, frame: NDArray[np.uint8]) -> torch.Tensor:
    """As the class of the model prepares it, centre crop and all: of a frame of that size nothing is cut."""
    side = SIDES[kind]
    make = ChineseCLIPImageProcessor if kind == "chinese_clip" else CLIPImageProcessor
    processor = make(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    pixels: torch.Tensor = processor(images=np.ascontiguousarray(frame[..., ::-1]), return_tensors="pt")["pixel_values"]
    return pixels


@torch.no_grad()
def test_embeddings_and_order_are_transformers_own(
    det: Detector,
    native: Any,  # noqa: ANN401
    folder: Path,
    kind: str,
    frame: NDArray[np.uint8],
) -> None:
    """Texts are padded and masked there, and alone and bare here."""
    inputs = AutoTokenizer.from_pretrained(folder)(WORDS, padding=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    assert not inputs["attention_mask"].all()
    out = native(**inputs, pixel_values=processed(kind, frame))
    texts, image = normalize(out.text_embeds, dim=-1).numpy(), normalize(out.image_embeds, dim=-1).numpy()
    np.testing.assert_allclose(det.embed_texts(WORDS), texts, atol=2e-4)
    np.testing.assert_allclose(det.embed_image(frame), image[0], atol=5e-3)
    probabilities = out.logits_per_image.softmax(-1)[0].numpy()  # (5,)
    closed = regionclip.load(det.config.changed(mode="closed"))
    found = closed.classify_image(frame, WORDS)
    assert found.class_id.tolist() == np.argsort(-probabilities).tolist()
    assert found.confidence is not None
    np.testing.assert_allclose(found.confidence, np.sort(probabilities)[::-1], atol=1e-3)


@torch.no_grad()
def test_a_region_is_its_crop_weighed_against_the_bank(det: Detector, native: Any, kind: str) -> None:  # noqa: ANN401
    side = SIDES[kind]
    frame = np.random.default_rng(4).integers(0, 256, (3 * side, 3 * side, 3), dtype=np.uint8)
    box = np.array([side * 7 / 6, side * 7 / 6, side * 11 / 6, side * 11 / 6])  # two thirds of the middle ninth
    crop = frame[side : 2 * side, side : 2 * side]
    pooled = native.get_image_features(pixel_values=processed(kind, crop)).pooler_output
    expected = normalize(pooled, dim=-1)[0].numpy()
    regions = det.regions(frame, box[None])
    np.testing.assert_allclose(regions.embeddings[0], expected, atol=5e-3)
    weighed = against_the_bank(det, float(native.logit_scale.exp()), expected)
    np.testing.assert_allclose(det.scores(regions, WORDS)[0], weighed, atol=2e-2)
    found = det.classify_image(crop, WORDS)  # a picture has no trained bias either
    assert found.class_id.tolist() == np.argsort(-weighed).tolist()
    assert found.confidence is not None
    np.testing.assert_allclose(found.confidence, np.sort(weighed)[::-1], atol=2e-2)


def against_the_bank(det: Detector, scale: float, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
    """Each word's share, `(5,)`, against the bank phrases that do not say the same."""
    texts, bank = det.embed_texts(WORDS), det.embed_texts(det.tower.card.negatives)
    counts = texts @ bank.T < 0.95  # (5, Q)
    odds = np.exp(scale * texts @ embedding) / (counts * np.exp(scale * bank @ embedding)).sum(axis=1)
    return np.asarray(odds / (1 + odds), np.float32)


def test_a_frame_is_seen_to_its_edges(det: Detector, kind: str) -> None:
    """A centre crop would not see what differs here."""
    side = SIDES[kind]
    plain = np.full((side, 3 * side, 3), 90, np.uint8)
    frame = plain.copy()
    frame[:, : side // 2] = (40, 220, 250)
    assert np.abs(det.embed_image(frame) - det.embed_image(plain)).max() > 0.02


def test_without_a_bank_there_is_nothing_to_be_weighed_against(det: Detector, frame: NDArray[np.uint8]) -> None:
    bare = regionclip.load(det.config.changed(bank=False))
    with pytest.raises(PromptError, match="no trained bias for regions"):
        bare.classify(bare.regions(frame, [[0, 0, 20, 20]]), ["dog"])
    with pytest.raises(PromptError, match="no trained bias for images"):
        bare.classify_image(frame, ["dog"])


@torch.no_grad()
def test_recipes_are_what_their_papers_say(native: Any) -> None:  # noqa: ANN401
    """Written out anew with torch's own attention, head by head for the neighbourhood."""
    layer, grid = native.vision_model.encoder.layers[-1], (3, 5)
    hidden = torch.randn(2, 16, 36, generator=torch.Generator().manual_seed(0))
    attention, normed = layer.self_attn, layer.layer_norm1(hidden)
    q, k, v = (
        part(normed).view(2, 16, 4, 9).transpose(1, 2)
        for part in (attention.q_proj, attention.k_proj, attention.v_proj)
    )

    def out(mixed: torch.Tensor) -> torch.Tensor:
        projected: torch.Tensor = attention.out_proj(mixed.transpose(1, 2).reshape(2, 16, 36))
        return projected

    torch.testing.assert_close(last_block("maskclip", layer, hidden, grid), out(v)[:, 1:])
    both = scaled_dot_product_attention(q, q, v) + scaled_dot_product_attention(k, k, v)
    residual = hidden + out(both)
    expected = residual + layer.mlp(layer.layer_norm2(residual))
    torch.testing.assert_close(last_block("sclip", layer, hidden, grid), expected[:, 1:], atol=1e-4, rtol=1e-4)
    near = torch.zeros(16, 16)
    for i in range(15):
        for j in range(15):
            distance = (i // 5 - j // 5) ** 2 + (i % 5 - j % 5) ** 2
            near[1 + i, 1 + j] = float(np.exp(-distance / 50))
    expected = out(scaled_dot_product_attention(k, k, v, attn_mask=near))[:, 1:]
    torch.testing.assert_close(last_block("naclip", layer, hidden, grid), expected, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("mode", ["maskclip", "sclip", "naclip"])
def test_dense_features_end_in_the_space_of_texts(det: Detector, mode: str, frame: NDArray[np.uint8]) -> None:
    dense = regionclip.load(det.config.changed(region_mode=mode, budget=40))
    features = dense.features(frame[:, : frame.shape[1] // 2])
    h, w = features.grid
    assert h > w  # another budget than that of the training keeps the frame's shape
    assert features.dense.shape == (h * w, 28)
    assert features.tokens.shape == (h * w, 36)
    assert dense.heatmap(features, WORDS).scores.shape == (5, h, w)
    np.testing.assert_array_equal(
        dense.embed_image(frame), regionclip.load(det.config.changed(budget=40)).embed_image(frame)
    )


def test_languages_and_licences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    count = {"AltCLIP": 2, "AltCLIP-m9": 9, "AltCLIP-m18": 18}
    assert len(BACKGROUND) == 9
    for name, languages in count.items():
        card = regionclip.load(write_altclip(tmp_path / name), proposer="grid").tower.card
        assert card.name == name
        assert card.languages[:2] == ("en", "zh")
        assert len(set(card.languages)) == languages
        assert card.negatives == background(tuple(BACKGROUND)[:languages])  # of the second nine of m18 there are none
        assert card.licence == "CreativeML OpenRAIL-M"
        assert "OpenRAIL-M licence, which forbids some uses" in capsys.readouterr().err
    card = regionclip.load(write_metaclip2(tmp_path / "meta"), proposer="grid").tower.card
    assert card.licence == "CC-BY-NC-4.0"
    assert card.negatives == background(tuple(BACKGROUND))
    assert "CC-BY-NC-4.0 licence, which forbids commercial use" in capsys.readouterr().err
    folder = write_chinese_clip(tmp_path / "cn")
    capsys.readouterr()
    card = regionclip.load(folder, proposer="grid").tower.card
    assert (card.languages, card.licence) == (("zh",), "MIT")
    assert card.negatives == BACKGROUND["zh"]  # what it can read
    assert capsys.readouterr().err == ""


def test_a_vocabulary_is_checked_against_the_languages_of_the_weights(tmp_path: Path) -> None:
    """Cyrillic, Arabic, kana and Hangul are read by nine languages, and by Chinese-CLIP no more than English."""
    words = Vocabulary(["red dog", "красная собака", "كلب أحمر", "赤いバッグのﾄﾞｱー", "빨간 개", "红色的车", "dog"])
    named = Vocabulary([Label(code, {code: [f"dog {code}"]}) for code in ("fr", "es", "it", "de")])
    nine = regionclip.load(write_altclip(tmp_path / "altclip-m9"))
    strange = [
        found for found in check_vocabulary(nine.scorer, words).findings if found.kind in ("script", "unfamiliar")
    ]
    assert strange == []
    (german,) = [found for found in check_vocabulary(nine.scorer, named).findings if found.kind == "script"]
    assert "the language de; altclip-m9 reads en, zh, es, fr, ru, ja, ko, ar, it" in german.text
    one = regionclip.load(write_chinese_clip(tmp_path / "cn"))
    strange = [found for found in check_vocabulary(one.scorer, words).findings if found.kind == "script"]
    assert [found.label for found in strange] == [
        "red dog",
        "красная собака",
        "كلب أحمر",
        "赤いバッグのﾄﾞｱー",
        "빨간 개",
        "dog",
    ]


def test_the_bank_is_put_into_the_sentences_of_its_own_languages(tmp_path: Path) -> None:
    """French has none here, and Latin letters would make it English; 草 is Japanese as it stands in the bank."""
    nine = regionclip.load(write_altclip(tmp_path / "altclip-m9"), dtype="float32")
    words = Vocabulary(["dog"], templates={"en": ["a {} dog"], "zh": ["红{}"]})
    asked = nine.scorer.ask(words)
    rows = dict(zip(asked.negatives, asked.words.negatives.numpy(), strict=True))
    for language, filled in (("en", "a {} dog"), ("zh", "红{}"), ("fr", "{}"), ("ja", "{}")):
        for phrase in (BACKGROUND[language][0], BACKGROUND[language][8]):
            sentence = fill(filled, phrase)
            np.testing.assert_array_equal(rows[phrase], nine.embed_texts([sentence], target="region")[0])


def test_names_that_ship() -> None:
    for name in ("chinese-clip-base", "chinese-clip-large", "altclip", "altclip-m9", "altclip-m18", "metaclip2-huge"):
        config = Config.load(name)
        assert config.name == name
        assert config.tower in ("chinese_clip", "altclip", "metaclip_2")
        assert (config.weights or "").startswith(
            ("OFA-Sys/chinese-clip-vit-", "BAAI/AltCLIP", "facebook/metaclip-2-worldwide-")
        )


def test_a_phrase_is_read_between_its_marks(det: Detector, folder: Path) -> None:
    assert isinstance(det.tower, ClipTower)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for phrase in ("a red dog", "红色的 DOG", ""):
        assert det.tower.token_ids(phrase or "x", "region") == tokenizer(phrase or "x")["input_ids"]
    long = det.tower.token_ids("red " * 200, "image")
    assert len(long) == type(det.tower).length
    assert (long[0], long[-1]) == tuple(tokenizer("x")["input_ids"][i] for i in (0, -1))


def test_tokenizers_of_each_other_are_refused(tmp_path: Path) -> None:
    for write, other in (
        (write_chinese_clip, write_unigram),
        (write_altclip, write_wordpiece),
        (write_metaclip2, write_wordpiece),
    ):
        folder = write(tmp_path / write.__name__)
        other(folder)
        with pytest.raises(WeightsError, match="a tokenizer of another tower"):
            regionclip.load(folder)


def test_weights_in_shards(det: Detector, native: Any, folder: Path, tmp_path: Path) -> None:  # noqa: ANN401
    native.save_pretrained(tmp_path, max_shard_size="40KB")
    shutil.copy(folder / "tokenizer.json", tmp_path)
    assert not (tmp_path / "model.safetensors").exists()
    again = regionclip.load(tmp_path, dtype="float32", proposer="none")
    np.testing.assert_allclose(again.embed_texts(WORDS), det.embed_texts(WORDS), atol=1e-6)


def test_old_files_hold_positions_and_other_names(tmp_path: Path) -> None:
    """Released files are of 2022: `encoder.layer`, tables of positions, an image processor in the old schema."""
    folder = write_altclip(tmp_path)
    (folder / "preprocessor_config.json").write_text(
        json.dumps({"feature_extractor_type": "CLIPFeatureExtractor", "size": 224, "crop_size": 224, "resample": 3})
    )
    held = load_file(folder / "model.safetensors")
    assert any(".encoder.layer.0." in name for name in held)
    ours = regionclip.load(folder, dtype="float32").embed_texts(WORDS)
    held["text_model.roberta.embeddings.position_ids"] = torch.arange(90)[None]
    held["vision_model.embeddings.position_ids"] = torch.arange(17)[None]
    save_file(held, folder / "model.safetensors")
    np.testing.assert_allclose(regionclip.load(folder, dtype="float32").embed_texts(WORDS), ours, atol=1e-6)
