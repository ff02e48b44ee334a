"""From a checkpoint to the files that ship, with a record of how they were made and what they reach.

The averaged weights of the run are written, in float16 where not told otherwise.

`python -m regionclip.training.embedded.export runs/tiny regionclip/weights/tiny`
"""

import argparse
import datetime
import io
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from matplotlib.figure import Figure
from rich.progress import Progress
from safetensors.torch import save

from regionclip.evaluation.accuracy.scenes import SceneFigures, evaluate_scenes, table
from regionclip.formats.files import write_file
from regionclip.loading import load
from regionclip.towers.tiny.model import TinyConfig
from regionclip.towers.tiny.tower import config_json
from regionclip.training.embedded.network import TrainingNetwork
from regionclip.training.embedded.run import RunSettings
from regionclip.training.loop import CHECKPOINT

THRESHOLD = 0.6
BUDGET = 256
_SEED = 900_001
CURVES = {
    "kinds_en": "kinds, English",
    "kinds_zh": "kinds, Chinese",
    "pairs_en": "kind x colour",
    "held_out_en": "kind x colour, pairs never trained",
    "unseen_en": "a sentence never trained, English",
    "unseen_zh": "a sentence never trained, Chinese",
    "typos": "misspelt kinds",
    "traits_en": "helmet, vest, backpack, open: yes or no",
    "recall50": "boxes, recall at IoU .5",
    "recall75": "boxes, recall at IoU .75",
}


def export(network: TrainingNetwork, tokenizer: Path, folder: Path, dtype: torch.dtype = torch.float16) -> None:
    """Write `model.safetensors`, `proposer.safetensors`, `tokenizer.json` and `config.json` into `folder`."""
    head = network.boxes
    sizes = {"width": str(head.width), "hidden": str(head.hidden), "split": str(head.split)}
    for module, file, notes in ((network.tower, "model.safetensors", {}), (head, "proposer.safetensors", sizes)):
        tensors = {name: value.detach().to(dtype).contiguous() for name, value in module.state_dict().items()}
        write_file(folder / file, save(tensors, {"format": "pt", **notes}))
    sizes_of_tower = config_json(network.tower.config, threshold=THRESHOLD, budget=BUDGET)
    write_file(folder / "config.json", (json.dumps(sizes_of_tower, indent=1) + "\n").encode())
    write_file(folder / "tokenizer.json", tokenizer.read_bytes())


def record(state: dict[str, Any], figures: SceneFigures, scenes: int) -> dict[str, Any]:
    """What `training.json` says.

    Args:
        state: the run's checkpoint.
        figures: what the exported weights reach.
        scenes: how many scenes the figures are measured on.
    """
    settings = json.loads(state["settings"])
    steps = settings["steps"]
    lengths = [f"--minutes {minutes:g}" for minutes in state["lengths"]] if steps is None else [f"--steps {steps}"]
    usual = RunSettings()
    options = "".join(
        option
        for option, given in (
            (" --strict-head", not json.loads(state["config"])["residual"]),
            (f" --boxes-from {settings['boxes_from']:g}", settings["boxes_from"] != usual.boxes_from),
            (f" --prototype {settings['prototype']:g}", settings["prototype"] != usual.prototype),
            (" --float32", not settings["bfloat16"]),
        )
        if given
    )
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": " && ".join(
            f"python -m regionclip.training.embedded.tiny {length} --seed {settings['seed']}{options}"
            for length in lengths
        ),
        "data": "scenes of regionclip.scenes.render and phrases of regionclip.scenes.language.phrases, nothing else",
        "settings": settings,
        "steps": state["step"],
        "minutes": round(state["seconds"] / 60, 1),
        "images": state["step"] * settings["batch"],
        "torch": torch.__version__,
        "measured_by": f"regionclip eval scenes --seed {figures.seed} --scenes {scenes}",
        "figures": {row.key: asdict(row.value) for row in figures.rows},
        "curve": state["rows"],
    }


def draw_curve(curve: list[dict[str, float]], path: Path) -> None:
    """A PNG of the figures that were taken while the run went on."""
    figure = Figure(figsize=(9, 5), dpi=110)
    axes = figure.subplots()
    minutes = [row["minutes"] for row in curve]
    for key, label in CURVES.items():
        axes.plot(minutes, [row[key] for row in curve], label=label)
    axes.set(xlabel="minutes of training", ylabel="share right", ylim=(0, 1), xlim=(0, None))
    axes.set_title("Embedded tower: figures on 60 + 30 fixed scenes while training")
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right", fontsize=8)
    drawn = io.BytesIO()
    figure.savefig(drawn, format="png", bbox_inches="tight")
    write_file(path, drawn.getvalue())


def main(given: Sequence[str] | None = None) -> None:
    """Read the command line (or what is given), export, measure, write the record and the curve."""
    parser = argparse.ArgumentParser(description="Make the files that ship from a training run.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--scenes", type=int, default=300, help="scenes that the record's figures are measured on")
    parser.add_argument("--float32", action="store_true", help="write float32, to compare with the float16 that ships")
    parser.add_argument("--curve", type=Path, help="PNG of the run's curve, beside the other files if not given")
    args = parser.parse_args(given)
    state = torch.load(args.run / CHECKPOINT, weights_only=True)
    config = json.loads(state["config"])
    network = TrainingNetwork(TinyConfig(**config | {"stem": tuple(config["stem"])}))
    network.load_state_dict(state["averaged"])
    export(network, args.run / "tokenizer.json", args.folder, torch.float32 if args.float32 else torch.float16)
    draw_curve(state["rows"], args.curve or args.folder / "curve.png")
    detector = load(args.folder)
    with Progress(disable=not sys.stdout.isatty()) as bar:
        figures = evaluate_scenes(detector, seed=_SEED, scenes=args.scenes, watch=lambda numbers: bar.track(numbers))
    sys.stdout.write(table(figures) + "\n")
    notes = record(state, figures, args.scenes)
    write_file(args.folder / "training.json", (json.dumps(notes, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
