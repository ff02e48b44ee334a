"""Checkpoints of old, made into what towers read: weights that are a pickle, a vocabulary that is no tokenizer.json.

A pickle can run any code when it is read. torch reads tensors alone out of one (`weights_only`) and refuses the rest;
that is done in a process of its own, which knows nothing but two folders and ends with it.
"""

import os
import pickle
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import save_file

from regionclip.errors import WeightsError
from regionclip.towers.checkpoints.companions import copy_companions
from regionclip.towers.checkpoints.hub import CONFIG, TOKENIZER, WEIGHTS, missing_files
from regionclip.towers.checkpoints.loading import read_json, read_tensors

_PICKLES: Final = "pytorch_model*.bin"
_TOKENIZERS: Final = {
    "chinese_clip": ("BertTokenizer", "vocab.txt"),
    "altclip": ("XLMRobertaTokenizer", "sentencepiece.bpe.model"),
    "tipsv2": ("Tipsv2Tokenizer", "tokenizer.model"),
}
"""Class of transformers that reads the old vocabulary, and its file, by `model_type`."""


def convert(source: Path, folder: Path) -> Path:
    """Write config.json, model.safetensors and tokenizer.json out of a checkpoint of old.

    Args:
        source: folder with config.json and weights; of pytorch_model.bin, or its shards, only without safetensors.
        folder: made where it is missing.

    Returns:
        `folder`.

    Raises:
        WeightsError: files are missing, or hold anything but tensors, or the vocabulary cannot be read.
    """
    read_json(source / CONFIG)
    copy_companions(source, folder)
    command = [sys.executable, "-m", __name__, str(source), str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"the process ended with {done.returncode}"]
        raise WeightsError(f"{source} cannot be converted: {lines[-1]}")
    return folder


def convert_here(source: Path, folder: Path) -> None:
    """What the process of its own does; raises as `convert`."""
    if not (folder / TOKENIZER).is_file():
        _write_tokenizer(source, folder)
    pickles = sorted(source.glob(_PICKLES)) if missing_files(source, (WEIGHTS,)) else []
    tensors = {} if pickles else read_tensors(source)
    for path in pickles:
        tensors |= _read_pickle(path)
    temporary = folder / f".{WEIGHTS}.{os.getpid()}"
    try:
        # Copied: a safetensors file wants each tensor in memory of its own.
        save_file({name: tensor.clone().contiguous() for name, tensor in tensors.items()}, temporary, {"format": "pt"})
        temporary.replace(folder / WEIGHTS)
    finally:
        with suppress(OSError):
            temporary.unlink()


def _read_pickle(path: Path) -> dict[str, torch.Tensor]:
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (pickle.UnpicklingError, RuntimeError, ValueError, EOFError, OSError) as error:
        raise WeightsError(f"{path.name} is damaged, or holds more than tensors ({_first_line(error)})") from error
    if not isinstance(content, dict):
        raise WeightsError(f"{path.name}: expected tensors by name, got {type(content).__name__}")
    if strange := [name for name, value in content.items() if not isinstance(value, torch.Tensor)]:
        raise WeightsError(f"{path.name}: expected tensors and nothing else, got {strange[0]!r} that is none")
    return content


def _write_tokenizer(source: Path, folder: Path) -> None:
    import transformers

    name, file = _TOKENIZERS.get(str(read_json(source / CONFIG).get("model_type")), ("", ""))
    if not (name and (source / file).is_file()):
        raise WeightsError(f"{TOKENIZER} is missing, and no vocabulary to make it of{file and f' ({file})'}")
    try:
        tokenizer: Any = getattr(transformers, name).from_pretrained(source, local_files_only=True)
    except ImportError as error:
        raise WeightsError(f'{file} needs two packages to be read: pip install "regionclip[convert]"') from error
    except Exception as error:  # whatever a damaged vocabulary leads to
        raise WeightsError(f"{file} cannot be read: {_first_line(error)}") from error
    tokenizer.backend_tokenizer.save(str(folder / TOKENIZER))


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


if __name__ == "__main__":
    try:
        convert_here(*map(Path, sys.argv[1:]))
    except WeightsError as told:
        sys.exit(str(told))
