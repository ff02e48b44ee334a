"""Fine-tuning of a dense tower: steps, checks, checkpoints, exact resume, weights that load.

Files of a run: `checkpoint.pt` (everything that a run goes on from), `curve.jsonl` (one row a check), `weights/` (a
folder for `regionclip.load`, of the last check), `start/` (an FG-CLIP 2 made out of SigLIP 2, where one was).
"""

import json
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from safetensors.torch import save

from regionclip.config import Config
from regionclip.data.examples import Example, ExampleSource, HeldOutSource
from regionclip.errors import ConfigError
from regionclip.formats.files import write_file
from regionclip.loading import make_tower
from regionclip.towers.base import Tower
from regionclip.towers.checkpoints.companions import copy_companions
from regionclip.towers.checkpoints.hub import CONFIG, WEIGHTS
from regionclip.towers.checkpoints.loading import read_json
from regionclip.towers.device import choose_device
from regionclip.training import processes
from regionclip.training.coco_data import CocoExamples, HeldOutCoco
from regionclip.training.curriculum import Curriculum
from regionclip.training.loader import load
from regionclip.training.loop import Loop, Terms, learning_rate
from regionclip.training.origin import TRAINED, open_folder, starting_point
from regionclip.training.scene_data import HeldOutScenes, SceneExamples
from regionclip.training.settings import TrainSettings
from regionclip.training.trainees.base import Trainee
from regionclip.training.trainees.known import trainee_of

_FREE = {"device", "workers", "check", "check_every", "check_pictures", "out"}
"""Settings that may change when a run goes on: they do not touch what is learned."""


class FineTuning(Loop[list[Example]]):
    """A run that goes on from the checkpoint in its folder, where there is one.

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
        examples = CocoExamples if settings.data.kind == "coco" else SceneExamples
        held_out = HeldOutCoco if settings.check.kind == "coco" else HeldOutScenes
        self.source: ExampleSource = examples(settings, settings.batch * self.world)
        self.held_out: HeldOutSource = held_out(settings.check, settings.languages, settings.check_pictures)
        out = open_folder(settings)
        self.folder = starting_point(settings, out)
        self.trainee = self._load()
        dtype = getattr(torch, settings.dtype)
        self.curriculum = Curriculum(self.trainee, settings.stage, settings.loss, dtype).to(self.device)
        kept = settings.model_dump(exclude=_FREE)
        exact = "" if settings.dtype == "float32" else f" or dtype float32, not {settings.dtype}"
        super().__init__(
            out,
            {"module": self.trainee.module, "curriculum": self.curriculum},
            self._trained(),
            identity={**kept, "data": self.source.identity, "processes": self.world},
            remedy=f"take a rate below {settings.rate:g}{exact}",
            rate=settings.rate,
            betas=settings.betas,
            weight_decay=settings.weight_decay,
        )
        self.resume()

    def progress(self, step: int) -> float:
        """Share of the run that is done before `step`, 0..1."""
        return step / self.settings.steps

    def rate(self) -> float:
        """Linear warm-up to the peak, then a half cosine to 0 at the end of the run."""
        settings = self.settings
        warmup = math.ceil(settings.warmup * settings.steps)
        share = (self.step - warmup) / max(settings.steps - warmup, 1)
        return learning_rate(settings.rate, self.step, warmup=warmup, share=share)

    def batches(self) -> Iterator[list[Example]]:
        """This process's part of each batch.

        Raises:
            ImageFileError: a picture is unreadable.
        """
        settings = self.settings
        part = slice(self.rank * settings.batch, (self.rank + 1) * settings.batch)
        return load(partial(self.source.batch, part=part), range(self.step, settings.steps), settings.workers)

    def loss(self, batch: list[Example]) -> Terms:
        """The losses of the stage."""
        terms: Terms = self.curriculum(batch)
        return terms

    def is_check_due(self) -> bool:
        """Every `check_every` steps."""
        return self.step % self.settings.check_every == 0

    def figures(self) -> dict[str, float]:
        """Region top-1 on held-out boxes, smoothed losses, batches that lacked a loss."""
        figures = region_top1(self.trainee.tower(), self.held_out, self.device)
        means = {f"loss_{name}": value for name, value in self.means.items()}
        without = {f"batches_without_{name}": count for name, count in self.without.items()}
        return {"step": self.step, **{key: round(value, 4) for key, value in {**figures, **means}.items()}, **without}

    def write(self) -> None:
        """The weights as the tower reads them, in float32, with the files that belong to them."""
        copy_companions(self.folder, self.out / TRAINED, self._config())
        state = self.trainee.module.state_dict()
        tensors = {name: value.detach().cpu().contiguous() for name, value in state.items()}
        write_file(self.out / TRAINED / WEIGHTS, save(tensors, {"format": "pt"}))

    def _config(self) -> bytes | None:
        """Content of the weights' config.json where it names a budget and the run had one of its own, else None."""
        notes = read_json(self.folder / CONFIG)
        if "budget" not in notes or not isinstance(self.settings.budget, int):
            return None
        return (json.dumps(notes | {"budget": self.settings.budget}, indent=1) + "\n").encode()

    def _load(self) -> Trainee[Any]:
        settings = self.settings
        config = Config(tower=settings.tower, weights=str(self.folder), dtype="float32", budget=settings.budget)
        tower = make_tower(config, self.device)
        return trainee_of(settings.tower, tower)

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


def region_top1(tower: Tower, held_out: HeldOutSource, device: torch.device) -> dict[str, float]:
    """Share of true boxes whose nearest name, by cosine, is their own.

    All names compete, each on its own without a template. Boxes without area inside the frame are not counted. Several
    processes share the pictures.

    Args:
        tower: as the detector uses it.
        held_out: pictures, boxes and names.
        device: for the sum over processes.

    Returns:
        `region_top1_en`, `region_top1_zh` (those languages that have names), 0..1, and `boxes`, how many.
    """
    names = {language: tower.encode_text(names, "region") for language, names in held_out.names.items()}  # (C, D) each
    hits = dict.fromkeys(names, 0)
    boxes = 0
    rank, world = processes.place()
    for index in range(rank, len(held_out), world):
        picture = held_out[index]
        vectors, valid = tower.encode_image([picture.frame])[0].pool(picture.boxes)  # (N, D), (N,)
        labels = torch.tensor(picture.labels, dtype=torch.int64)[valid]  # (N',)
        boxes += len(labels)
        for language, texts in names.items():
            hits[language] += int(((vectors[valid] @ texts.T).argmax(1) == labels).sum())
    counts = processes.total(torch.tensor([boxes, *hits.values()], dtype=torch.float64, device=device)).tolist()
    share = {f"region_top1_{language}": hit / max(counts[0], 1) for language, hit in zip(hits, counts[1:], strict=True)}
    return {**share, "boxes": int(counts[0])}
