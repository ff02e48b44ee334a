"""The small files that lie beside the weights of a checkpoint."""

from pathlib import Path
from typing import Final

from regionclip.errors import FileError
from regionclip.formats.files import write_file
from regionclip.towers.checkpoints.hub import CONFIG, TOKENIZER

_NAMES: Final = (
    CONFIG,
    TOKENIZER,
    "tokenizer.model",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "preprocessor_config.json",
    "processor_config.json",
    "proposer.safetensors",
)


def copy_companions(source: Path, folder: Path, config: bytes | None = None) -> None:
    """Copy configuration, tokenizer, preprocessor and learned proposer, those that are there, into `folder`.

    What is there already, byte for byte, is not written again.

    Args:
        source: folder of a checkpoint.
        folder: made where it is missing.
        config: what config.json is to hold, where not what that of `source` holds.

    Raises:
        FileError: a file cannot be copied.
    """
    for name in _NAMES:
        content = config if name == CONFIG and config is not None else _read(source / name)
        if content is not None and _read(folder / name) != content:
            write_file(folder / name, content)


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() else None
    except OSError as error:
        raise FileError(f"{path} cannot be read: {error.strerror}") from error
