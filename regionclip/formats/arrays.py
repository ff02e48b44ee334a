"""Archives of plain arrays (.npz) from files that nobody vouches for."""

import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from regionclip.errors import FileError, quiet
from regionclip.formats.files import write_file

Arrays: TypeAlias = dict[str, NDArray[Any]]

Layout: TypeAlias = Mapping[str, tuple[str, tuple[int | str, ...]]]
"""Name of each array, its kind, and its shape, where a letter is the same length wherever it stands."""

_KINDS = {"float": "f", "bool": "b", "int": "iu", "str": "U"}
"""What `numpy.dtype.kind` may be."""


def read_arrays(path: str | Path, what: str, names: Sequence[str] | None = None) -> Arrays:
    """The arrays of an archive, or those of `names`; pickled content is refused.

    Args:
        path: of the archive.
        what: names it in errors.
        names: of the arrays that are wanted; None reads all.

    Raises:
        FileError: where the file is missing or damaged, or has no such arrays.
    """
    try:
        with quiet(), Path(path).open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in names or archive.files}
    # numpy, zipfile, zlib and the reader of array headers let out a dozen kinds; none is for the caller to know.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise FileError(f"{what} cannot be read: {reason}") from error


def write_arrays(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write an archive, whole or not at all.

    Raises:
        FileError: where it cannot be written.
    """
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **arrays)
    write_file(path, buffer.getvalue())


def check_layout(arrays: Mapping[str, NDArray[Any]], layout: Layout, what: str) -> dict[str, int]:
    """Make sure that all arrays of a layout are there and as it says.

    Returns:
        The length that each letter stands for.

    Raises:
        FileError: telling of the first that is not; `what` names the file.
    """
    lengths: dict[str, int] = {}
    for name, (kind, shape) in layout.items():
        if name not in arrays:
            raise FileError(f"{what} has no entry {name!r}")
        array = arrays[name]
        fits = array.dtype.kind in _KINDS[kind] and array.ndim == len(shape)
        for side, length in zip(shape, array.shape, strict=False):
            fits &= length == (side if isinstance(side, int) else lengths.setdefault(side, length))
        if not fits:
            sides = ", ".join(f"{side} = {lengths[side]}" if side in lengths else str(side) for side in shape)
            raise FileError(f"{what}: {name}: expected {kind} of shape ({sides}), got {array.dtype} of {array.shape}")
    return lengths
