"""Where a tower runs and in which number format, when the user says `auto`."""

from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import torch

from regionclip.errors import ConfigError

_DTYPES: Final = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}

# CPU flags as Linux names them: x86 instructions that multiply bfloat16, then ARM's. The kernel is asked because
# `torch.cpu` has no public question for this in the oldest torch we run on.
_FAST_BFLOAT16: Final = frozenset({"avx512_bf16", "amx_bf16", "bf16", "svebf16"})
_CPUINFO: Final = Path("/proc/cpuinfo")
_AMPERE: Final = (8, 0)


def choose_device(name: str | torch.device = "auto") -> torch.device:
    """The device a tower runs on.

    Args:
        name: `auto` (CUDA where there is a usable card, else the CPU), `cpu`, `cuda`, `cuda:1`, `mps`, or a device.

    Raises:
        ConfigError: the name is not a device, or this computer has no such device.
    """
    if isinstance(name, str) and name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device: expected auto, cpu, cuda, cuda:N or mps, got {name!r}") from error
    if device.type == "cuda":
        _check_cuda(device)
    elif device.type == "mps":
        if not torch.backends.mps.is_available():
            raise ConfigError("device: mps asked for, but torch finds no Apple GPU here; use `cpu` or `auto`")
    elif device.type != "cpu":
        raise ConfigError(f"device: expected auto, cpu, cuda, cuda:N or mps, got {str(name)!r}")
    return device


def choose_dtype(name: str | torch.dtype, device: torch.device) -> torch.dtype:
    """The number format of a tower's weights and activations on `device`.

    Args:
        name: `auto`, `float32`, `bfloat16`, `float16`, or a torch dtype of these. `auto` is bfloat16 on a processor
            that multiplies it fast and on CUDA from compute capability 8.0, float16 on older CUDA cards, float32
            everywhere else.
        device: where the tower will run.

    Raises:
        ConfigError: unknown name, or float16 on a CPU (measured 90 to 240 times slower than float32).
    """
    if name == "auto":
        return _fast_dtype(device)
    dtype = _DTYPES.get(name) if isinstance(name, str) else name
    if dtype is None or dtype not in _DTYPES.values():
        raise ConfigError(f"dtype: expected auto, {', '.join(_DTYPES)}, got {name!r}")
    if dtype == torch.float16 and device.type == "cpu":
        raise ConfigError("dtype: float16 is very slow on a CPU; use `bfloat16`, `float32` or `auto`")
    return dtype


def register_nms() -> None:
    """Make torchvision's `nms` known to torch without importing torchvision, which takes longer than all else here.

    Where its compiled library is not found at its usual place, whoever needs `nms` imports torchvision.
    """
    spec = find_spec("torchvision")
    for folder in (spec and spec.submodule_search_locations) or ():
        for library in sorted(Path(folder).glob("_C*")):  # `_C.so`, and `_C_stable.so` from 0.29 on
            with suppress(OSError):
                torch.ops.load_library(library)


def has_fast_bfloat16(cpuinfo: str) -> bool:
    """Whether the processor described by `cpuinfo` (text of /proc/cpuinfo) multiplies bfloat16."""
    flags = (line.partition(":") for line in cpuinfo.splitlines())
    return any(
        not _FAST_BFLOAT16.isdisjoint(values.split())
        for key, _, values in flags
        if key.strip().lower() in ("flags", "features")
    )


def _fast_dtype(device: torch.device) -> torch.dtype:
    if device.type == "cuda":
        modern = torch.cuda.get_device_capability(device) >= _AMPERE
        return torch.bfloat16 if modern else torch.float16
    if device.type == "cpu" and torch.backends.mkldnn.is_available() and _CPUINFO.is_file():
        return torch.bfloat16 if has_fast_bfloat16(_CPUINFO.read_text(errors="replace")) else torch.float32
    return torch.float32


def _check_cuda(device: torch.device) -> None:
    if not torch.cuda.is_available():
        raise ConfigError(
            f"device: {device} asked for, but torch finds no CUDA card here "
            "(a CPU build of torch, a missing driver, or no card); use `cpu` or `auto`"
        )
    count = torch.cuda.device_count()
    if device.index is not None and device.index >= count:
        raise ConfigError(f"device: {device} asked for, but this computer has {count} CUDA card(s), counted from 0")
