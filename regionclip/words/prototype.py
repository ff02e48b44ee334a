"""Prototype: a class learned from examples, as plain data; and the file that keeps several.

Nothing heavy is imported here: the command line reads vocabularies before it needs any arithmetic.
"""

import hashlib
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from regionclip.errors import ConfigError, FileError
from regionclip.formats.files import write_file

_NOTES = {"tower": str, "examples": int, "digest": str}


@dataclass(frozen=True, slots=True, repr=False)
class Prototype:
    """A linear score of region embeddings: `z = scale * cosine(region, direction) + bias`, beside those of phrases.

    Attributes:
        direction: D float32 values, little-endian, a vector of unit length.
        scale: factor on the cosine, above 0.
        bias: what is added.
        tower: fingerprint of the tower whose embeddings it was learned from.
        examples: how many it was learned from.
    """

    direction: bytes
    scale: float
    bias: float
    tower: str
    examples: int

    @property
    def digest(self) -> str:
        """The first 16 hex digits of the sha256 over direction, scale and bias."""
        content = self.direction + struct.pack("<2d", self.scale, self.bias)
        return hashlib.sha256(content).hexdigest()[:16]

    def __repr__(self) -> str:
        """Everything it holds, the numbers as their digest: a vocabulary's identity is made of this."""
        return f"Prototype(digest={self.digest!r}, tower={self.tower!r}, examples={self.examples})"


def save_prototypes(vocabulary: str | Path, taught: Mapping[str, Prototype]) -> dict[str, dict[str, Any]]:
    """Write the numbers of taught labels into the file beside a vocabulary file; none are no file.

    Returns:
        What the vocabulary file says of each: the tower, the number of examples, and a digest of the numbers.

    Raises:
        ConfigError: where the vocabulary's own name ends in `.safetensors`.
        FileError: where the file cannot be written.
    """
    if not taught:
        return {}
    from safetensors.numpy import save

    tensors = {}
    for name, prototype in taught.items():
        tensors[f"direction:{name}"] = _array(prototype.direction, "<f4")  # (D,)
        tensors[f"line:{name}"] = _array(struct.pack("<2d", prototype.scale, prototype.bias), "<f8")  # (2,)
    write_file(_beside(Path(vocabulary)), save(tensors))
    return {
        name: {"tower": prototype.tower, "examples": prototype.examples, "digest": prototype.digest}
        for name, prototype in taught.items()
    }


def load_prototypes(vocabulary: Path, notes: Mapping[str, object]) -> dict[str, Prototype]:
    """Read the numbers of the labels that a vocabulary file says are taught.

    Raises:
        ConfigError: where the notes are not those that `save_prototypes` gave.
        FileError: where the file is missing, damaged, or holds other numbers than the notes tell of.
    """
    if not notes:
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = _beside(vocabulary)
    try:
        tensors = load(path.read_bytes())
    except OSError as error:
        raise FileError(
            f"{path} cannot be read: {error.strerror}; {vocabulary} has taught labels ({', '.join(notes)}), whose "
            "numbers are in it: keep the two files together, or teach again"
        ) from error
    except (SafetensorError, ValueError, KeyError) as error:
        raise FileError(f"{path} is no whole safetensors file: {error}; copy it again, or teach again") from error
    return {name: _read(name, note, tensors, path) for name, note in notes.items()}


def _read(name: str, note: object, tensors: Mapping[str, Any], path: Path) -> Prototype:
    if not isinstance(note, dict) or {key: type(value) for key, value in note.items()} != _NOTES:
        expected = ", ".join(f"{key} ({kind.__name__})" for key, kind in _NOTES.items())
        raise ConfigError(f"label {name!r}: expected taught = {{{expected}}}, got {note!r}")
    shapes = {key: tuple(tensors[key].shape) for key in (f"direction:{name}", f"line:{name}") if key in tensors}
    if [len(shape) for shape in shapes.values()] != [1, 1] or shapes[f"line:{name}"] != (2,):
        raise FileError(
            f"{path}: expected tensors 'direction:{name}' (D,) and 'line:{name}' (2,), got {shapes or 'neither'}: it "
            "was not written with this vocabulary; teach the label again"
        )
    scale, bias = (float(value) for value in tensors[f"line:{name}"])
    direction = tensors[f"direction:{name}"].astype("<f4").tobytes()
    prototype = Prototype(direction, scale, bias, note["tower"], note["examples"])
    if prototype.digest != note["digest"] or not all(map(math.isfinite, (scale, bias))):
        raise FileError(
            f"{path}: label {name!r} has the digest {prototype.digest}, the vocabulary expects {note['digest']}: the "
            "two files were not written together; teach the label again"
        )
    return prototype


def _beside(vocabulary: Path) -> Path:
    if vocabulary.suffix == ".safetensors":
        raise ConfigError(f"vocabulary file {vocabulary}: expected a name that ends in .toml")
    return vocabulary.with_suffix(".safetensors")


def _array(content: bytes, kind: str) -> Any:  # noqa: ANN401 - numpy is not imported here
    import numpy as np

    return np.frombuffer(content, kind)
