"""`regionclip towers convert`, run for real: its own process, real pickles, a SentencePiece model trained here."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import sentencepiece
import torch
from pretrained import write_altclip, write_chinese_clip, write_siglip, write_tipsv2
from safetensors.torch import load_file

import regionclip
from regionclip.cli.terminal import exits
from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.pickles import convert, convert_here

Run = Callable[..., int]
WORDS = ["a red dog", "红色的车", "un chien rouge"]


def pickled(folder: Path, *, files: int = 1) -> Path:
    """The checkpoint with its weights as torch saved them in 2022, two tensors in one memory."""
    tensors = load_file(folder / "model.safetensors")
    names = sorted(tensors)
    for number in range(files):
        part = {name: tensors[name] for name in names[number::files]}
        name = "pytorch_model.bin" if files == 1 else f"pytorch_model-{number + 1:05}-of-{files:05}.bin"
        torch.save(part, folder / name)
    (folder / "model.safetensors").unlink()
    return folder


@pytest.fixture(scope="module")
def spm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small SentencePiece model in the order of XLM-RoBERTa's."""
    folder = tmp_path_factory.mktemp("spm")
    (folder / "text.txt").write_text("\n".join(f"{word} {i} {word}" for i in range(40) for word in WORDS))
    sentencepiece.SentencePieceTrainer.train(
        input=str(folder / "text.txt"), model_prefix=str(folder / "sentencepiece.bpe"), vocab_size=34,
        character_coverage=1.0, unk_id=0, bos_id=1, eos_id=2, pad_id=-1, minloglevel=2,
    )  # fmt: skip
    return folder / "sentencepiece.bpe.model"


def test_the_vocabulary_of_tipsv2(tmp_path: Path) -> None:
    source = write_tipsv2(tmp_path / "tipsv2")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (source / name).unlink()
    (tmp_path / "text.txt").write_text("a red dog\nperson with a blue bag\nfire truck\n" * 30)
    sentencepiece.SentencePieceTrainer.train(
        input=str(tmp_path / "text.txt"), model_prefix=str(source / "tokenizer"), vocab_size=300, model_type="bpe",
        byte_fallback=True, pad_id=0, unk_id=1, bos_id=-1, eos_id=-1, minloglevel=2,
    )  # fmt: skip
    det = regionclip.load(convert(source, tmp_path / "made"), dtype="float32", proposer="none")
    reader = sentencepiece.SentencePieceProcessor(model_file=str(source / "tokenizer.model"))
    for phrase in ("A red dog", "person with é 红"):  # what it never met is spelled byte by byte
        assert det.tower.token_ids(phrase, "region") == reader.encode(phrase.lower())


def test_altclip_m9_as_it_is_released(tmp_path: Path, spm: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    source = write_altclip(tmp_path / "AltCLIP-m9")
    before = regionclip.load(source, dtype="float32")
    frame = np.random.default_rng(0).integers(0, 256, (56, 56, 3), dtype=np.uint8)
    pickled(source)
    with pytest.raises(WeightsError, match=r"regionclip towers convert .*AltCLIP-m9 --out FOLDER"):
        regionclip.load(source)
    (source / "tokenizer.json").unlink()
    (source / "tokenizer_config.json").unlink()
    shutil.copy(spm, source)
    assert run("towers", "convert", source, "--out", tmp_path / "m9") == exits.OK
    assert "regionclip doctor --tower" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "m9").iterdir()) == [
        "config.json", "model.safetensors", "tokenizer.json",
    ]  # fmt: skip
    after = regionclip.load(tmp_path / "m9", dtype="float32")
    np.testing.assert_allclose(after.embed_image(frame), before.embed_image(frame), atol=1e-6)
    reader = sentencepiece.SentencePieceProcessor(model_file=str(spm))
    for word in WORDS:  # ids of the pieces are one higher, and marks stand around them, as fairseq had it
        pieces = [piece + 1 if piece else 3 for piece in reader.encode(word)]
        assert after.tower.token_ids(word, "region") == [0, *pieces, 2]


def test_chinese_clip_with_a_plain_vocabulary(tmp_path: Path) -> None:
    source = write_chinese_clip(tmp_path / "source")
    before = regionclip.load(source, dtype="float32")
    plain_vocabulary(source)
    after = regionclip.load(convert(pickled(source, files=2), tmp_path / "out"), dtype="float32")
    np.testing.assert_allclose(after.embed_texts(WORDS), before.embed_texts(WORDS), atol=1e-6)


class Intruder:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, ...]:
        return Path.write_text, (self.path, "here")


def test_what_is_more_than_tensors_is_refused(tmp_path: Path) -> None:
    source = pickled(write_siglip(tmp_path / "source"))
    trace = tmp_path / "trace"
    held = torch.load(source / "pytorch_model.bin", weights_only=True)
    torch.save(held | {"code": Intruder(trace)}, source / "pytorch_model.bin")
    with pytest.raises(WeightsError, match=r"cannot be converted: .* is damaged, or holds more than tensors"):
        convert(source, tmp_path / "out")
    for content, said in (
        (held | {"epoch": 3}, "expected tensors and nothing else, got 'epoch' that is none"),
        ([1, 2], "expected tensors by name, got list"),
    ):
        torch.save(content, source / "pytorch_model.bin")
        with pytest.raises(WeightsError, match=said):
            convert_here(source, tmp_path / "out")
    (source / "pytorch_model.bin").write_bytes(b"PK\x03\x04 and no more")
    with pytest.raises(WeightsError, match="damaged"):
        convert_here(source, tmp_path / "out")
    assert not trace.exists()
    assert not (tmp_path / "out" / "model.safetensors").exists()


def test_tensors_in_one_memory_come_apart(tmp_path: Path) -> None:
    source = pickled(write_siglip(tmp_path / "source"))
    held = torch.load(source / "pytorch_model.bin", weights_only=True)
    first, second = held["text_model.final_layer_norm.weight"], held["text_model.final_layer_norm.bias"]
    both = torch.stack([first, second], 1)  # neither column is contiguous
    held["text_model.final_layer_norm.weight"], held["text_model.final_layer_norm.bias"] = both[:, 0], both[:, 1]
    torch.save(held, source / "pytorch_model.bin")
    convert_here(source, source)
    written = load_file(source / "model.safetensors")
    assert torch.equal(written["text_model.final_layer_norm.weight"], first)
    assert torch.equal(written["text_model.final_layer_norm.bias"], second)


def test_a_vocabulary_beside_safetensors(tmp_path: Path) -> None:
    source = write_chinese_clip(tmp_path / "source")
    before = regionclip.load(source, dtype="float32").tower.token_ids("红色的 dog", "region")
    plain_vocabulary(source)
    (source / "pytorch_model.bin").write_bytes(b"never read where there are safetensors")
    with pytest.raises(WeightsError, match=r"towers convert .* makes tokenizer\.json of the vocabulary here"):
        regionclip.load(source)
    out = tmp_path / "out"
    out.mkdir()
    convert_here(source, out)
    shutil.copy(source / "config.json", out)
    assert regionclip.load(out, dtype="float32").tower.token_ids("红色的 dog", "region") == before


def plain_vocabulary(folder: Path) -> None:
    """vocab.txt in place of tokenizer.json."""
    vocabulary = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
    (folder / "vocab.txt").write_text("\n".join(sorted(vocabulary, key=vocabulary.__getitem__)))
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer_config.json").unlink()


def test_folders_that_cannot_be_converted(tmp_path: Path, run: Run) -> None:
    whole = write_siglip(tmp_path / "whole")
    assert run("towers", "convert", whole, "--out", whole) == exits.USAGE
    assert run("towers", "convert", tmp_path / "absent", "--out", tmp_path / "out") == exits.WEIGHTS
    source = pickled(write_altclip(tmp_path / "no vocabulary"))
    (source / "tokenizer.json").unlink()
    with pytest.raises(WeightsError, match=r"no vocabulary to make it of \(sentencepiece\.bpe\.model\)"):
        convert_here(source, source)
    (source / "sentencepiece.bpe.model").write_bytes(b"nonsense")
    with pytest.raises(WeightsError, match=r"sentencepiece\.bpe\.model"):
        convert_here(source, source)
