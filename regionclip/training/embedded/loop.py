"""The training loop: schedule, steps, checkpoints, exact resume."""

import json
import math
import time
from collections.abc import Callable
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer

from regionclip.errors import ConfigError
from regionclip.towers.tiny.model import TinyConfig
from regionclip.training.embedded.data import Batch, SceneBatches, batches
from regionclip.training.embedded.network import TrainingNetwork, losses, run_network


@dataclass(frozen=True, slots=True)
class Settings:
    """One training run. Its length is `steps`, or, where that is None, `minutes` of computing.

    Attributes:
        seed: of weights, scenes and phrases.
        steps: steps of the run; only a run counted in steps is resumed exactly.
        minutes: length where `steps` is None.
        batch: images a step.
        rate: peak learning rate.
        warmup: steps until the peak.
        prototype: weight of the prototype loss at the start; 0 from 70 % of the run on.
        boxes_from: share of the run at which the box losses begin, 0..1.
        workers: rendering processes.
        average: how slowly the averaged weights follow, 0..1; they are what is checked and shipped.
        bfloat16: compute in bfloat16 (weights stay float32); faster where the processor has AMX.
    """

    seed: int = 1
    steps: int | None = None
    minutes: float = 45.0
    batch: int = 16
    rate: float = 1.5e-3
    warmup: int = 100
    prototype: float = 0.5
    boxes_from: float = 0.0
    workers: int = 1
    average: float = 0.998
    bfloat16: bool = True


class Run:
    """A training run that can be saved and resumed at any step."""

    def __init__(self, settings: Settings, config: TinyConfig, tokenizer: Tokenizer) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.network = TrainingNetwork(config)
        self.network.tower.stem.to(memory_format=torch.channels_last)
        self.averaged = deepcopy(self.network).requires_grad_(False)
        self.step = 0
        self.seconds = 0.0
        self.means: dict[str, float] = {}
        self.curve: list[dict[str, float]] = []
        self.lengths = [settings.minutes]
        self._data = SceneBatches(settings.seed, tokenizer, config.text_length, settings.batch)
        decayed = [p for p in self.network.parameters() if p.ndim >= 2]
        plain = [p for p in self.network.parameters() if p.ndim < 2]
        groups = [{"params": decayed, "weight_decay": 0.05}, {"params": plain, "weight_decay": 0.0}]
        self.optimiser = torch.optim.AdamW(groups, lr=settings.rate, betas=(0.9, 0.98), fused=True)

    def progress(self, step: int) -> float:
        """Share of the run that is done before `step`, 0..1."""
        if self.settings.steps is not None:
            return step / self.settings.steps
        return self.seconds / (60 * self.settings.minutes)

    def train(self, after_step: Callable[["Run"], None], until: int | None = None) -> None:
        """Take steps until the run is over or `until` steps are done; `after_step` is called after each."""
        loader = batches(self._data, self.step, self.progress, self.settings.workers)
        started = time.monotonic()
        for batch in loader:
            self.take(batch)
            self.step += 1
            self.seconds += time.monotonic() - started
            after_step(self)
            started = time.monotonic()  # evaluation and saving do not count as training
            if self.progress(self.step) >= 1 or self.step == until:
                return  # batches rendered ahead are left

    def take(self, batch: Batch) -> None:
        """One step on `batch`; the learning rate is that of the run's progress."""
        share = self.progress(self.step)
        rate = self.settings.rate * min(1.0, (self.step + 1) / self.settings.warmup) * _cosine(share)
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        fade = self.settings.prototype * max(0.0, 1 - share / 0.7)
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.step)
        out = run_network(self.network, batch, torch.bfloat16 if self.settings.bfloat16 else torch.float32)
        weights = {"prototype": fade, "boxes": 3.0 if share >= self.settings.boxes_from else 0.0}
        parts = losses(self.network, out, batch, weights, generator)
        self.optimiser.zero_grad()
        torch.autograd.backward(parts["total"])
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self._average()
        for name, value in parts.items():
            self.means[name] = 0.96 * self.means.get(name, value.item()) + 0.04 * value.item()

    def _average(self) -> None:
        """Move the averaged weights towards the present ones (Polyak), faster while there is little to keep."""
        keep = min(self.settings.average, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - keep)

    def save(self, path: Path) -> None:
        """Write a checkpoint; written beside and moved, so that a crash leaves the old one."""
        state = {
            "network": self.network.state_dict(),
            "averaged": self.averaged.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "means": self.means,
            "curve": self.curve,
            "lengths": self.lengths,
            "settings": json.dumps(asdict(self.settings)),
            "config": json.dumps(asdict(self.network.tower.config)),
        }
        beside = path.with_suffix(".part")
        torch.save(state, beside)
        beside.replace(path)

    def resume(self, path: Path) -> None:
        """Continue from a checkpoint.

        A run counted in minutes may be given another length, finished or not: the learning rate and the stages are then
        those of the new length, and `lengths` keeps them all.

        Raises:
            ConfigError: where the checkpoint was made with other settings.
        """
        state = torch.load(path, weights_only=True)
        saved = json.loads(state["settings"]) | json.loads(state["config"])
        mine = json.loads(json.dumps(asdict(self.settings) | asdict(self.network.tower.config)))
        different = {key for key in mine if saved.get(key) != mine[key]} - {"workers", "bfloat16"}
        if mine["steps"] is None:
            different -= {"minutes"}
        if different:
            told = "; ".join(f"{key}: expected {mine[key]}, got {saved.get(key)}" for key in sorted(different))
            raise ConfigError(
                f"{path} is a checkpoint of a run with other settings ({told}): give the same, or another --out"
            )
        self.network.load_state_dict(state["network"])
        self.averaged.load_state_dict(state["averaged"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.means, self.curve = state["means"], state["curve"]
        self.lengths = [*state["lengths"], *([mine["minutes"]] if mine["minutes"] != saved["minutes"] else [])]


def _cosine(share: float) -> float:
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(share, 1.0)))
