"""The training run of the embedded tower: from random weights to the averaged ones that ship."""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer

from regionclip.towers.tiny.model import TinyConfig
from regionclip.training.embedded.data import Batch, SceneBatches, batches
from regionclip.training.embedded.network import TrainingNetwork, losses, run_network
from regionclip.training.loop import Loop, Terms, learning_rate

_FREE = ("workers", "bfloat16", "minutes")
"""Settings that may change when a run goes on; of a run counted in steps, `minutes` says nothing."""


@dataclass(frozen=True, slots=True)
class RunSettings:
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


class Run(Loop[Batch]):
    """A run that goes on from the checkpoint in its folder, where there is one.

    A run counted in minutes may be given another length, finished or not: the learning rate and the phases are then
    those of the new length, and `lengths` keeps them all.

    Args:
        settings: of the run.
        config: sizes of the network.
        tokenizer: of the same run.
        out: folder of the run.
        measure: figures of a network, 0..1; called with the averaged weights.
        check_minutes: of computing between two checks.

    Raises:
        ConfigError: the checkpoint in `out` is of a run with other settings.
        FileError: it is damaged.
    """

    def __init__(
        self,
        settings: RunSettings,
        config: TinyConfig,
        tokenizer: Tokenizer,
        out: Path,
        *,
        measure: Callable[[TrainingNetwork], dict[str, float]],
        check_minutes: float = 3.0,
    ) -> None:
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.network = TrainingNetwork(config)
        self.network.tower.stem.to(memory_format=torch.channels_last)
        self.averaged = deepcopy(self.network).requires_grad_(False)
        self.lengths = [settings.minutes]
        self._data = SceneBatches(settings.seed, tokenizer, config.text_length, settings.batch)
        self._measure = measure
        self._check_seconds = 60 * check_minutes
        kept = {key: value for key, value in asdict(settings).items() if key not in _FREE}
        super().__init__(
            out,
            {"network": self.network, "averaged": self.averaged},
            dict(self.network.named_parameters()),
            identity=kept | asdict(config),
            remedy="take --float32" if settings.bfloat16 else "take another --seed",
            rate=settings.rate,
            betas=(0.9, 0.98),
            weight_decay=0.05,
            fused=True,
        )
        self.resume()
        self._checked = self.seconds

    def progress(self, step: int) -> float:
        """Share of the run that is done before `step`, 0..1."""
        if self.settings.steps is not None:
            return step / self.settings.steps
        return self.seconds / (60 * self.settings.minutes)

    def rate(self) -> float:
        """Warm-up, times a half cosine over the whole run that ends at 1 % of the peak."""
        settings, share = self.settings, self.progress(self.step)
        return learning_rate(settings.rate, self.step, warmup=settings.warmup, share=share, floor=0.01)

    def batches(self) -> Iterator[Batch]:
        """Rendered scenes with phrases, of the phase that the progress is in."""
        return batches(self._data, self.step, self.progress, self.settings.workers)

    def loss(self, batch: Batch) -> Terms:
        """Regions, whole images, prototypes and boxes, weighted by the progress of the run."""
        share = self.progress(self.step)
        fade = self.settings.prototype * max(0.0, 1 - share / 0.7)
        weights = {"prototype": fade, "boxes": 3.0 if share >= self.settings.boxes_from else 0.0}
        generator = torch.Generator().manual_seed(self.settings.seed * 1_000_003 + self.step)
        out = run_network(self.network, batch, torch.bfloat16 if self.settings.bfloat16 else torch.float32)
        return losses(self.network, out, batch, weights, generator)

    def updated(self) -> None:
        """Move the averaged weights towards the present ones (Polyak), faster while there is little to keep."""
        keep = min(self.settings.average, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.averaged.parameters()), list(self.network.parameters()), 1 - keep)

    def is_check_due(self) -> bool:
        """Every `check_minutes` of computing."""
        return self.seconds - self._checked > self._check_seconds

    def figures(self) -> dict[str, float]:
        """What the averaged weights reach."""
        self._checked = self.seconds
        figures = {key: round(value, 4) for key, value in self._measure(self.averaged).items()}
        return {"minutes": round(self.seconds / 60, 2), "step": self.step, **figures}

    def state(self) -> dict[str, Any]:
        """What `regionclip.training.embedded.export` makes the record of, too."""
        return {
            **super().state(),
            "lengths": self.lengths,
            "settings": json.dumps(asdict(self.settings)),
            "config": json.dumps(asdict(self.network.tower.config)),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take on what `state` gave; another length is kept beside the earlier ones."""
        super().restore(state)
        minutes = self.settings.minutes
        self.lengths = [*state["lengths"], *([minutes] if minutes != state["lengths"][-1] else [])]
