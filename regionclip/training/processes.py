"""What training processes tell one another; alone, each function gives back what it got.

A process group is started by `torchrun`. Every process must call these functions equally often and in the same order.

Letters: P texts of this process, M texts of the others, D channels.
"""

import os
from collections.abc import Iterable
from typing import Any

import torch
import torch.distributed as dist
from torch.autograd.function import once_differentiable

from regionclip.errors import ConfigError
from regionclip.towers.device import choose_device


def together() -> bool:
    """Whether several processes train together."""
    return dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1


def place() -> tuple[int, int]:
    """`(rank, world size)`; `(0, 1)` alone."""
    return (dist.get_rank(), dist.get_world_size()) if together() else (0, 1)


def join(device: str) -> str:
    """Enter the group that `torchrun` has prepared, where it has.

    Args:
        device: as in the settings.

    Returns:
        The device of this process: with `auto` or `cuda` its own CUDA device, where there are such devices; outside
        `torchrun` what was given.

    Raises:
        ConfigError: a device that several processes cannot share out, or fewer CUDA devices than processes.
    """
    if not dist.is_available() or not dist.is_torchelastic_launched():
        return device
    if device not in ("auto", "cuda", "cpu"):
        raise ConfigError(f"device: expected auto, cuda or cpu under torchrun, which gives each its own, got {device}")
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        dist.init_process_group("gloo")
        return "cpu"
    own = choose_device(f"cuda:{os.environ['LOCAL_RANK']}")  # torchrun's own way of telling
    torch.cuda.set_device(own)
    dist.init_process_group("nccl")
    return str(own)


def leave() -> None:
    """Leave the group, where there is one."""
    if dist.is_available() and dist.is_initialized():
        dist.destroy_process_group()


def texts_of_others(texts: torch.Tensor) -> torch.Tensor | None:
    """The `(M, D)` texts of all other processes, in order of rank; None alone.

    Processes may hold unequal numbers of texts. Gradients flow back to the process that a text is from.
    """
    if not together():
        return None
    if not texts.requires_grad:  # a process without texts must take part in the way back too
        texts = texts.detach().requires_grad_()
    counts = [int(count) for count in _gather(torch.tensor([len(texts)], device=texts.device)).flatten()]
    longest = max(counts)
    if longest == 0:
        return texts
    padded = torch.nn.functional.pad(texts, (0, 0, 0, longest - len(texts)))  # (longest, D)
    everything: torch.Tensor = _Gather.apply(padded)  # (world, longest, D)
    pieces = [rows[:count] for rows, count in zip(everything, counts, strict=True)]
    pieces.pop(dist.get_rank())
    return torch.cat(pieces)


def mean(value: torch.Tensor | None, device: torch.device) -> torch.Tensor | None:
    """Mean of a scalar over the processes that have one; None where none has."""
    if not together():
        return value
    pair = torch.zeros(2, device=device) if value is None else torch.stack([value.float(), torch.ones_like(value)])
    dist.all_reduce(pair)
    return pair[0] / pair[1] if pair[1] > 0 else None


def total(counts: torch.Tensor) -> torch.Tensor:
    """Sum of a tensor over processes."""
    if together():
        dist.all_reduce(counts)
    return counts


def share_gradients(parameters: Iterable[torch.nn.Parameter]) -> None:
    """Average gradients over processes; one that a process lacks counts as zero there."""
    if not together():
        return
    own = list(parameters)
    used = torch.tensor([parameter.grad is not None for parameter in own], dtype=torch.int32, device=own[0].device)
    dist.all_reduce(used, op=dist.ReduceOp.MAX)
    for parameter, is_used in zip(own, used.tolist(), strict=True):
        if is_used:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
            dist.all_reduce(parameter.grad)
            parameter.grad /= dist.get_world_size()


def wait() -> None:
    """Until every process is here."""
    if together():
        dist.barrier()


def _gather(rows: torch.Tensor) -> torch.Tensor:
    """`(world, ...)` of equal tensors."""
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.contiguous())
    return torch.stack(parts)


class _Gather(torch.autograd.Function):
    """`_gather` with a way back: a text's gradient is the sum of those of all processes."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor) -> torch.Tensor:  # noqa: ANN401 - torch's own context type is private
        return _gather(rows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> torch.Tensor:  # noqa: ANN401
        gradient = gradient.contiguous()
        dist.all_reduce(gradient)
        return gradient[dist.get_rank()]
