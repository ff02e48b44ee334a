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
from regionclip.formats.settings import Settings


class TaughtNote(Settings):
    """What a vocabulary file says of a label that was taught; its numbers are in the file beside it.

    Attributes:
        tower: fingerprint of the tower whose embeddings it was learned from.
        examples: how many it was learned from.
        digest: of the numbers.
    """

    tower: str
    examples: int
    digest: str


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

    @property
    def note(self) -> TaughtNote:
        """What a vocabulary file says of it."""
        return TaughtNote(tower=self.tower, examples=self.examples, digest=self.digest)

    def __repr__(self) -> str:
        """Everything it holds, the numbers as their digest: a vocabulary's identity is made of this."""
        return f"Prototype(digest={self.digest!r}, tower={self.tower!r}, examples={self.examples})"


def packed(taught: Mapping[str, Prototype]) -> bytes:
    """The numbers of taught labels, by name, as the content of a safetensors file."""
    import numpy as np
    from safetensors.numpy import save

    tensors: dict[str, Any] = {}
    for name, prototype in taught.items():
        tensors[f"direction:{name}"] = np.frombuffer(prototype.direction, "<f4")  # (D,)
        tensors[f"line:{name}"] = np.frombuffer(struct.pack("<2d", prototype.scale, prototype.bias), "<f8")  # (2,)
    content: bytes = save(tensors)
    return content


def load_prototypes(vocabulary: Path, notes: Mapping[str, TaughtNote]) -> dict[str, Prototype]:
    """Read the numbers of the labels that a vocabulary file says are taught.

    Raises:
        FileError: where the file is missing, damaged, or holds other numbers than the notes tell of.
    """
    if not notes:
        return {}
    from safetensors import SafetensorError
    from safetensors.numpy import load

    path = beside(vocabulary)
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


def _read(name: str, note: TaughtNote, tensors: Mapping[str, Any], path: Path) -> Prototype:
    shapes = {key: tuple(tensors[key].shape) for key in (f"direction:{name}", f"line:{name}") if key in tensors}
    if [len(shape) for shape in shapes.values()] != [1, 1] or shapes[f"line:{name}"] != (2,):
        raise FileError(
            f"{path}: expected tensors 'direction:{name}' (D,) and 'line:{name}' (2,), got {shapes or 'neither'}: it "
            "was not written with this vocabulary; teach the label again"
        )
    scale, bias = (float(value) for value in tensors[f"line:{name}"])
    direction = tensors[f"direction:{name}"].astype("<f4").tobytes()
    prototype = Prototype(direction, scale, bias, note.tower, note.examples)
    if prototype.digest != note.digest or not all(map(math.isfinite, (scale, bias))):
        raise FileError(
            f"{path}: label {name!r} has the digest {prototype.digest}, the vocabulary expects {note.digest}: the "
            "two files were not written together; teach the label again"
        )
    return prototype


def beside(vocabulary: Path) -> Path:
    """The file that keeps the numbers of a vocabulary file's taught labels.

    Raises:
        ConfigError: where the vocabulary's own name ends in `.safetensors`.
    """
    if vocabulary.suffix == ".safetensors":
        raise ConfigError(f"vocabulary file {vocabulary}: expected a name that ends in .toml")
    return vocabulary.with_suffix(".safetensors")
