"""Choosing device and number format."""

import subprocess
import sys

import pytest
import torch

from regionclip.errors import ConfigError
from regionclip.towers.device import choose_device, choose_dtype, has_fast_bfloat16

CPU = torch.device("cpu")

X86 = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu sse2 avx2 avx512f {}\nbugs\t\t: spectre_v1\n"
ARM = "processor\t: 0\nFeatures\t: fp asimd sha2 {}\nCPU implementer\t: 0x41\n"


@pytest.mark.parametrize(
    ("cpuinfo", "fast"),
    [
        (X86.format("avx512_bf16"), True),
        (X86.format("amx_bf16 amx_tile"), True),
        (X86.format("avx512_vnni"), False),
        (ARM.format("bf16 i8mm"), True),
        (ARM.format("i8mm"), False),
        ("model name\t: bf16 avx512_bf16\n", False),  # a name is not a feature
        ("", False),
    ],
)
def test_bfloat16_is_read_from_the_flags(cpuinfo: str, fast: bool) -> None:
    assert has_fast_bfloat16(cpuinfo) is fast


@pytest.mark.parametrize(
    ("name", "dtype"),
    [
        ("float32", torch.float32),
        ("bfloat16", torch.bfloat16),
        (torch.bfloat16, torch.bfloat16),
    ],
)
def test_dtype_by_name(name: str | torch.dtype, dtype: torch.dtype) -> None:
    assert choose_dtype(name, CPU) == dtype


def test_auto_on_a_cpu_is_never_float16() -> None:
    assert choose_dtype("auto", CPU) in (torch.float32, torch.bfloat16)


def test_float16_on_a_cpu_is_refused_with_the_remedy() -> None:
    for name in ("float16", torch.float16):
        with pytest.raises(ConfigError, match="use `bfloat16`, `float32` or `auto`"):
            choose_dtype(name, CPU)
    assert choose_dtype("float16", torch.device("cuda")) == torch.float16


@pytest.mark.parametrize("name", ["half", "int8", "", torch.int64])
def test_unknown_dtype(name: str | torch.dtype) -> None:
    with pytest.raises(ConfigError, match="dtype: expected auto, float32, bfloat16, float16"):
        choose_dtype(name, CPU)


def test_device_by_name() -> None:
    assert choose_device("cpu") == CPU
    assert choose_device(CPU) == CPU
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "", "cuda:x", "meta", "xla"])
def test_unknown_device(name: str) -> None:
    with pytest.raises(ConfigError, match="device: expected auto, cpu, cuda"):
        choose_device(name)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this computer has a CUDA card")
def test_absent_card() -> None:
    with pytest.raises(ConfigError, match="no CUDA card here"):
        choose_device("cuda")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this computer has an Apple GPU")
def test_absent_apple_gpu() -> None:
    with pytest.raises(ConfigError, match="no Apple GPU here"):
        choose_device("mps")


def test_a_detection_needs_torchvisions_kernel_and_not_its_package() -> None:
    """Importing the package would take a third of the time to the first detection; later it may still come."""
    code = """
import sys
import numpy as np
import regionclip
detector = regionclip.load("tiny", device="cpu")
frame = np.full((120, 160, 3), 90, np.uint8)
frame[20:100, 30:60] = (0, 0, 220)
rows = detector(frame, ["red", "blue"])
heavy = {"torchvision", "torch._dynamo", "transformers"} & set(sys.modules)
assert not heavy, heavy
import torchvision
again = detector(frame, ["red", "blue"])
assert rows.xyxy.tolist() == again.xyxy.tolist()
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_leaves_are_imported_without_torchvision() -> None:
    code = "import sys, heads.select, proposals.tiled, proposals.dense; assert 'torchvision' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
