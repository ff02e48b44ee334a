"""Fine-tuning of a dense tower: steps, checks, checkpoints, exact resume, weights that load.

Files of a run: `checkpoint.pt` (everything that a run goes on from), `curve.jsonl` (one row a check), `weights/` (a
folder for `regionclip.load`, of the last check), `start/` (an FG-CLIP 2 made out of SigLIP 2, where one was).
"""

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from regionclip.config import Config
from regionclip.data.examples import Example
from regionclip.errors import ConfigError, FileError, RegionclipError
from regionclip.formats.files import write_file
from regionclip.loading import TOWERS
from regionclip.towers.companions import copy_companions
from regionclip.towers.device import choose_device
from regionclip.towers.hub import CONFIG, WEIGHTS
from regionclip.towers.loading import read_json
from regionclip.training import processes
from regionclip.training.curriculum import Curriculum, Terms
from regionclip.training.measure import region_top1
from regionclip.training.origin import TRAINED, open_folder, starting_point
from regionclip.training.settings import TrainSettings
from regionclip.training.sources import batches, held_out_of, source_of
from regionclip.training.trainees.base import TrainableTower, Trainee

CHECKPOINT = "checkpoint.pt"
_FREE = {"device", "workers", "check", "check_every", "check_pictures", "out"}
"""Settings that may change when a run goes on: they do not touch what is learned."""


class FineTuning:
    """A run that can be stopped and resumed at any check.

    Args:
        settings: of the run.

    Raises:
        ConfigError: settings or data do not fit each other, or a checkpoint in `out` is of another run.
        FileError: `out` cannot be written to.
        WeightsError: weights are missing, damaged or do not fit.
    """

    def __init__(self, settings: TrainSettings) -> None:
        self.device = choose_device(processes.join(settings.device))
        self.settings = settings
        self.rank, self.world = processes.place()
        self.source = source_of(settings, settings.batch * self.world)
        self.held_out = held_out_of(settings)
        self.out = open_folder(settings)
        self.folder = starting_point(settings, self.out)
        self.trainee = self._load()
        self.curriculum = Curriculum(self.trainee, settings.stage, settings.loss, getattr(torch, settings.dtype)).to(
            self.device
        )
        self.parameters = self._trained()
        self.optimiser = _optimiser(self.parameters, settings)
        self.step = 0
        self.means: dict[str, float] = {}
        self.without: dict[str, int] = {}
        self.rows: list[dict[str, float]] = []
        if (self.out / CHECKPOINT).is_file():
            self._resume()

    def train(self, after_step: Callable[["FineTuning"], None], until: int | None = None) -> None:
        """Take steps until the run is over or `until` are done; `after_step` is called after each.

        Raises:
            RegionclipError: a loss or its gradients are not finite; the last checkpoint stays as it is.
            ImageFileError: a picture is unreadable.
        """
        last = min(self.settings.steps, until or self.settings.steps)
        part = slice(self.rank * self.settings.batch, (self.rank + 1) * self.settings.batch)
        for batch in batches(self.source, part, range(self.step, last), self.settings.workers):
            self._take(batch)
            self.step += 1
            if self.step % self.settings.check_every == 0 or self.step == self.settings.steps:
                self._check()
            after_step(self)

    def _take(self, batch: Sequence[Example]) -> None:
        """One update; a batch that no loss has anything for changes nothing but the step number."""
        for group in self.optimiser.param_groups:
            group["lr"] = learning_rate(self.settings, self.step)
        self.optimiser.zero_grad()
        terms: Terms = self.curriculum(batch)
        if terms.total.requires_grad:
            torch.autograd.backward(terms.total)
        processes.share_gradients(self.parameters.values())
        norm = torch.nn.utils.clip_grad_norm_(self.parameters.values(), 1.0)
        self._check_finite({**terms.parts, "gradients": norm})
        self.optimiser.step()
        for name in terms.without:
            self.without[name] = self.without.get(name, 0) + 1
        for name, value in {**terms.parts, "total": terms.total}.items():
            if name not in terms.without:
                self.means[name] = 0.95 * self.means.get(name, value.item()) + 0.05 * value.item()

    def _check_finite(self, values: dict[str, torch.Tensor]) -> None:
        if wrong := [f"{name} {value.item()}" for name, value in values.items() if not value.isfinite()]:
            remedy = "" if self.settings.dtype == "float32" else f" or dtype float32, not {self.settings.dtype}"
            kept = f"{self.out} keeps those of step {self.rows[-1]['step']}" if self.rows else "nothing was written yet"
            raise RegionclipError(
                f"step {self.step + 1}: expected finite losses and gradients, got {', '.join(wrong)}: "
                f"take a rate below {self.settings.rate:g}{remedy}; of the weights, {kept}"
            )

    def _check(self) -> None:
        """Measure, then write the curve, the weights and the checkpoint."""
        figures = region_top1(self.trainee.tower(), self.held_out, self.device)
        means = {f"loss_{name}": value for name, value in self.means.items()}
        without = {f"batches_without_{name}": count for name, count in self.without.items()}
        row = {"step": self.step, **{k: round(v, 4) for k, v in {**figures, **means}.items()}, **without}
        self.rows.append(row)
        if self.rank == 0:
            write_file(self.out / "curve.jsonl", "".join(json.dumps(row) + "\n" for row in self.rows).encode())
            copy_companions(self.folder, self.out / TRAINED, self._config())
            write_weights(self.trainee, self.out / TRAINED)
            self._save()
        processes.wait()

    def _config(self) -> bytes | None:
        """Content of the weights' config.json where it names a budget and the run had one of its own, else None."""
        notes = read_json(self.folder / CONFIG)
        if "budget" not in notes or not isinstance(self.settings.budget, int):
            return None
        return (json.dumps(notes | {"budget": self.settings.budget}, indent=1) + "\n").encode()

    def _load(self) -> Trainee:
        settings = self.settings
        config = Config(tower=settings.tower, weights=str(self.folder), dtype="float32", budget=settings.budget)
        tower = TOWERS[settings.tower](config, self.device)
        if not isinstance(tower, TrainableTower):
            raise ConfigError(f"tower {settings.tower} cannot be fine-tuned: expected a dense tower")
        return tower.trainee()

    def _trained(self) -> dict[str, torch.nn.Parameter]:
        """Parameters by name; those of the curriculum behind those of the tower."""
        named = dict(self.trainee.module.named_parameters())
        for start in self.settings.freeze:
            if not any(name.startswith(start) for name in named):
                known = ", ".join(sorted({name.partition(".")[0] for name in named}))
                raise ConfigError(f"freeze: no parameter begins with {start!r}; their names begin with {known}")
        for name, parameter in named.items():
            parameter.requires_grad_(not name.startswith(self.settings.freeze))
        trained = {name: parameter for name, parameter in named.items() if parameter.requires_grad}
        if not trained:
            raise ConfigError("freeze: nothing is left to train")
        return trained | {f"curriculum.{name}": p for name, p in self.curriculum.named_parameters()}

    def _save(self) -> None:
        state = {
            "module": self.trainee.module.state_dict(),
            "curriculum": self.curriculum.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "step": self.step,
            "means": self.means,
            "without": self.without,
            "rows": json.dumps(self.rows),
            "run": json.dumps(self._run()),
        }
        beside = self.out / f"{CHECKPOINT}.part"  # written beside and moved: a crash leaves the old one
        try:
            torch.save(state, beside)
            beside.replace(self.out / CHECKPOINT)
        except (OSError, RuntimeError) as error:
            raise FileError(f"{self.out / CHECKPOINT} cannot be written: {error}") from error

    def _resume(self) -> None:
        path = self.out / CHECKPOINT
        try:
            state = torch.load(path, weights_only=True, map_location=self.device)
            saved = json.loads(state["run"])
        except Exception as error:  # torch and pickle raise whatever a damaged file leads to
            raise FileError(f"{path}: not a checkpoint of this program, or damaged ({error}): remove it") from error
        mine = self._run()
        if different := [key for key in mine if saved.get(key) != mine[key]]:
            told = "; ".join(f"{key}: expected {saved.get(key)}, got {mine[key]}" for key in different)
            raise ConfigError(f"{path} is of a run with other settings ({told}): give the same, or another out")
        self.trainee.module.load_state_dict(state["module"])
        self.curriculum.load_state_dict(state["curriculum"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.step, self.means, self.without = state["step"], state["means"], state["without"]
        self.rows = json.loads(state["rows"])

    def _run(self) -> dict[str, Any]:
        """What makes a run the same run."""
        settings = self.settings.model_dump(exclude=_FREE)
        settings = {**settings, "data": self.source.identity, "processes": self.world}
        plain: dict[str, Any] = json.loads(json.dumps(settings))
        return plain


def learning_rate(settings: TrainSettings, step: int) -> float:
    """Linear warm-up to `rate`, then a half cosine to 0 at the end of the run."""
    warmup = math.ceil(settings.warmup * settings.steps)
    if step < warmup:
        return settings.rate * (step + 1) / warmup
    return settings.rate * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(settings.steps - warmup, 1)))


def write_weights(trainee: Trainee, folder: Path) -> None:
    """Write the weights as the tower reads them, in float32."""
    tensors = {name: value.detach().cpu().contiguous() for name, value in trainee.module.state_dict().items()}
    write_file(folder / WEIGHTS, save(tensors, {"format": "pt"}))


def _optimiser(parameters: dict[str, torch.nn.Parameter], settings: TrainSettings) -> torch.optim.AdamW:
    matrices = [p for p in parameters.values() if p.ndim >= 2]
    others = [p for p in parameters.values() if p.ndim < 2]
    groups = [
        {"params": matrices, "weight_decay": settings.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW([g for g in groups if g["params"]], lr=settings.rate, betas=settings.betas)
