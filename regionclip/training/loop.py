"""One loop for every training run: learning rate, steps, checks, checkpoints, exact resume.

What a run learns from and is measured by it says itself: regionclip/training/finetune.py (any dense tower) and
regionclip/training/embedded/run.py (the embedded tower, from nothing).
"""

import json
import math
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

import torch

from regionclip.errors import ConfigError, FileError, RegionclipError
from regionclip.formats.files import write_file
from regionclip.formats.growing import NewFile
from regionclip.training import processes

CHECKPOINT = "checkpoint.pt"
"""Everything that a run goes on from."""
CURVE = "curve.jsonl"
"""One row a check."""

B = TypeVar("B")


@dataclass(frozen=True, slots=True, eq=False)
class Terms:
    """What a batch gave.

    Attributes:
        total: the weighted sum, a scalar with gradient where any term had something to work on.
        parts: each loss, unweighted; those in `without` are 0.
        without: losses that this batch had nothing for.
    """

    total: torch.Tensor
    parts: dict[str, torch.Tensor]
    without: tuple[str, ...] = ()


class Loop(ABC, Generic[B]):
    """A run over batches of type B that can be stopped and resumed at any check.

    Args:
        out: folder of the run.
        modules: what a checkpoint holds, by name.
        parameters: those that are trained, by name.
        identity: what makes a run the same run, ready for JSON: the settings that touch what is learned, and the data.
        remedy: what to do where a loss is not finite.
        optimiser: options of AdamW (`adamw`).

    Attributes:
        step: updates that are done.
        seconds: that they took, checks left out.
        means: running mean of each loss.
        without: batches that had nothing for a loss, by its name.
        rows: what the checks found.
    """

    def __init__(
        self,
        out: Path,
        modules: Mapping[str, torch.nn.Module],
        parameters: Mapping[str, torch.nn.Parameter],
        identity: Mapping[str, Any],
        remedy: str,
        **optimiser: Any,  # noqa: ANN401 - torch's own options
    ) -> None:
        self.out = out
        self.parameters = parameters
        self.optimiser = adamw(parameters.values(), **optimiser)
        self.step = 0
        self.seconds = 0.0
        self.means: dict[str, float] = {}
        self.without: dict[str, int] = {}
        self.rows: list[dict[str, float]] = []
        self._modules = modules
        self._identity: dict[str, Any] = json.loads(json.dumps(identity))  # as a checkpoint gives it back
        self._remedy = remedy

    @abstractmethod
    def progress(self, step: int) -> float:
        """Share of the run that is done before `step`, 0..1."""

    @abstractmethod
    def rate(self) -> float:
        """Learning rate of the next step."""

    @abstractmethod
    def batches(self) -> Iterator[B]:
        """The batches from `step` to the end of the run."""

    @abstractmethod
    def loss(self, batch: B) -> Terms:
        """The losses of a batch."""

    @abstractmethod
    def is_check_due(self) -> bool:
        """Whether to check after the step that was just done; the last step always is."""

    @abstractmethod
    def figures(self) -> dict[str, float]:
        """The row of a check."""

    def updated(self) -> None:
        """Called after each update of the weights."""

    def write(self) -> None:
        """Called at each check, of one process only: what the run leaves beside curve and checkpoint."""

    def train(self, after_step: Callable[[Self], None] = lambda run: None, until: int | None = None) -> None:
        """Take steps until the run is over or `until` are done; `after_step` is called after each.

        Raises:
            RegionclipError: a loss or its gradients are not finite, or a batch cannot be made; the last checkpoint
                stays as it is.
        """
        started = time.monotonic()
        for batch in self.batches():
            self.take(batch)
            self.step += 1
            self.seconds += time.monotonic() - started
            is_over = self.progress(self.step) >= 1
            if is_over or self.is_check_due():
                self.check()
            after_step(self)
            if is_over or self.step == until:
                return  # batches made ahead are left
            started = time.monotonic()

    def take(self, batch: B) -> None:
        """One update; a batch that no loss has anything for changes nothing but the step number."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate()
        self.optimiser.zero_grad()
        terms = self.loss(batch)
        if terms.total.requires_grad:
            torch.autograd.backward(terms.total)
        processes.share_gradients(self.parameters.values())
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self._check_finite({**terms.parts, "gradients": norm})
        self.optimiser.step()
        self.updated()
        for name in terms.without:
            self.without[name] = self.without.get(name, 0) + 1
        for name, value in {**terms.parts, "total": terms.total}.items():
            if name not in terms.without:
                now = value.item()
                self.means[name] = 0.95 * self.means.get(name, now) + 0.05 * now

    def check(self) -> None:
        """Measure, then write the curve, what else the run leaves, and the checkpoint."""
        self.rows.append(self.figures())
        if processes.place()[0] == 0:
            write_file(self.out / CURVE, "".join(json.dumps(row) + "\n" for row in self.rows).encode())
            self.write()
            self._save(self.out / CHECKPOINT)
        processes.wait()

    def state(self) -> dict[str, Any]:
        """What a checkpoint holds: tensors and plain data."""
        return {
            **{name: module.state_dict() for name, module in self._modules.items()},
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "means": self.means,
            "without": self.without,
            "rows": self.rows,
            "run": json.dumps(self._identity),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take on what `state` gave."""
        for name, module in self._modules.items():
            module.load_state_dict(state[name])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds, self.rows = state["step"], state["seconds"], state["rows"]
        self.means, self.without = state["means"], state["without"]

    def resume(self) -> None:
        """Go on from the checkpoint in `out`, where there is one.

        Raises:
            ConfigError: it is of a run with other settings.
            FileError: it is damaged.
        """
        path = self.out / CHECKPOINT
        if not path.is_file():
            return
        try:
            state = torch.load(path, weights_only=True, map_location=next(iter(self.parameters.values())).device)
            saved = json.loads(state["run"])
        except Exception as error:  # torch and pickle raise whatever a damaged file leads to
            raise FileError(f"{path}: not a checkpoint of this program, or damaged ({error}): remove it") from error
        mine = self._identity
        if different := [key for key in mine if saved.get(key) != mine[key]]:
            told = "; ".join(f"{key}: expected {saved.get(key)}, got {mine[key]}" for key in different)
            raise ConfigError(f"{path} is of a run with other settings ({told}): give the same, or another out")
        self.restore(state)

    def _check_finite(self, values: Mapping[str, torch.Tensor]) -> None:
        if wrong := [f"{name} {value.item()}" for name, value in values.items() if not value.isfinite()]:
            kept = f"{self.out} keeps those of step {self.rows[-1]['step']}" if self.rows else "nothing was written yet"
            raise RegionclipError(
                f"step {self.step + 1}: expected finite losses and gradients, got {', '.join(wrong)}: "
                f"{self._remedy}; of the weights, {kept}"
            )

    def _save(self, path: Path) -> None:
        file = NewFile(path)
        try:
            torch.save(self.state(), file.temporary)
        except (OSError, RuntimeError) as error:
            file.discard()
            raise FileError(f"{path} cannot be written: {error}") from error
        file.keep()


def learning_rate(peak: float, step: int, *, warmup: int, share: float, floor: float = 0.0) -> float:
    """Linear warm-up, times a half cosine.

    Args:
        peak: rate at the end of the warm-up.
        step: number of the step, from 0.
        warmup: steps until the peak.
        share: of the cosine that is over, 0..1.
        floor: where the cosine ends, as a share of the peak.
    """
    cosine = 0.5 * (1 + math.cos(math.pi * min(max(share, 0.0), 1.0)))
    return peak * min(1.0, (step + 1) / max(warmup, 1)) * (floor + (1 - floor) * cosine)


def adamw(
    parameters: Collection[torch.nn.Parameter],
    *,
    rate: float,
    betas: tuple[float, float],
    weight_decay: float,
    fused: bool = False,
) -> torch.optim.AdamW:
    """AdamW that decays matrices only: vectors and scalars are norms, biases and scores."""
    groups = [
        {"params": [p for p in parameters if p.ndim >= 2], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim < 2], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=rate, betas=betas, fused=fused)
