import io
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from regionclip.errors import FileError
from regionclip.formats.arrays import Layout, check_layout, read_arrays

LAYOUT: Layout = {"xyxy": ("float", ("N", 4)), "valid": ("bool", ("N",)), "format": ("int", ())}


def archive(**entries: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in entries.items():
            file.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def entry(header: str) -> bytes:
    padded = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(padded)) + padded


def patched(at: bytes, offset: int, value: bytes) -> bytes:
    """An archive of which `value` stands `offset` bytes after the first `at`."""
    whole = bytearray(archive(x=entry("{'descr': '<f4', 'fortran_order': False, 'shape': (0,)}")))
    place = whole.index(at) + offset
    whole[place : place + len(value)] = value
    return bytes(whole)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"text",
        patched(b"PK\x01\x02", 8, b"\x01\x00"),  # encrypted
        patched(b"PK\x01\x02", 8, b"\x20\x00"),  # compressed patched data
        patched(b"PK\x01\x02", 10, b"\x63\x00"),  # unknown method
        patched(b"PK\x01\x02", 6, b"\xff\x00"),  # unknown version
        patched(b"PK\x03\x04", 40, b"\xff\xff\xff"),  # broken compression
        archive(x=entry("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}") + b"0" * 8),
        archive(x=entry("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999,)}")),
        archive(x=entry("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}")),
        archive(x=entry("{'descr': '<f4', 'fortran_order': False, 'shape': (9" + "0" * 30 + ",)}")),
        archive(x=entry("(" * 500)),
        archive(x=entry("{'descr': [('a', 3)], 'fortran_order': False, 'shape': ()}")),
    ],
)
def test_damage_of_any_kind_is_a_file_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(FileError, match=r"regions a cannot be read: ."):
        read_arrays(tmp_path / "a.npz", "regions a")


def test_libraries_warn_of_nothing(tmp_path: Path) -> None:
    content = archive(x=entry("{'descr': '<f4', 'fortran_order': False, 'shape': (1L,)}") + b"0000")  # of Python 2
    (tmp_path / "a.npz").write_bytes(content)
    assert read_arrays(tmp_path / "a.npz", "a")["x"].shape == (1,)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"xyxy": np.zeros((3, 5), np.float32)},
            r"a: xyxy: expected float of shape \(N = 3, 4\), got float32 of \(3, 5\)",
        ),
        ({"xyxy": np.zeros((3, 4), int)}, r"xyxy: expected float of shape .*got int64"),
        ({"valid": np.zeros(2, bool)}, r"valid: expected bool of shape \(N = 3\), got bool of \(2,\)"),
        ({"valid": np.zeros((), bool)}, r"valid: expected bool"),
        ({"format": np.zeros(1, int)}, r"format: expected int of shape \(\)"),
    ],
)
def test_another_layout_is_told(changed: dict[str, np.ndarray], said: str) -> None:
    good = {"xyxy": np.zeros((3, 4), np.float32), "valid": np.zeros(3, bool), "format": np.array(1)}
    assert check_layout(good, LAYOUT, "a") == {"N": 3}
    with pytest.raises(FileError, match=said):
        check_layout(good | changed, LAYOUT, "a")
    with pytest.raises(FileError, match="a has no entry 'valid'"):
        check_layout({"xyxy": good["xyxy"]}, LAYOUT, "a")
