"""From a checkpoint to the files that ship, with a record of how they were made and what they reach.

`python -m regionclip.training.export runs/tiny regionclip/weights/tiny`
"""

import argparse
import datetime
import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save

from regionclip.evaluation.scenes import evaluate_scenes, table
from regionclip.files import write_file
from regionclip.loading import load
from regionclip.towers.tiny import config_json
from regionclip.towers.tiny_model import TinyConfig
from regionclip.training.network import TrainingNetwork
from regionclip.training.tiny import CHECKPOINT

THRESHOLD = 0.6
BUDGET = 256
_SEED = 900_001


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


def record(state: dict[str, Any], run: Path, figures: dict[str, Any], measured: str) -> dict[str, Any]:
    """What `training.json` says."""
    settings = json.loads(state["settings"])
    length = f"--minutes {settings['minutes']:g}" if settings["steps"] is None else f"--steps {settings['steps']}"
    curve = (run / "curve.jsonl").read_text(encoding="utf-8").splitlines() if (run / "curve.jsonl").exists() else []
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": f"python -m regionclip.training.tiny {length} --seed {settings['seed']}",
        "data": "scenes of regionclip.scenes.render and phrases of regionclip.scenes.phrases, nothing else",
        "settings": settings,
        "steps": state["step"],
        "minutes": round(state["seconds"] / 60, 1),
        "images": state["step"] * settings["batch"],
        "torch": torch.__version__,
        "measured_by": measured,
        "figures": figures,
        "curve": [json.loads(row) for row in curve],
    }


def main() -> None:
    """Read the command line, export, measure, write the record."""
    parser = argparse.ArgumentParser(description="Make the files that ship from a training run.")
    parser.add_argument("run", type=Path, help="folder of the run")
    parser.add_argument("folder", type=Path, help="where the files go")
    parser.add_argument("--scenes", type=int, default=300, help="scenes that the record's figures are measured on")
    args = parser.parse_args()
    state = torch.load(args.run / CHECKPOINT, weights_only=True)
    network = TrainingNetwork(TinyConfig())
    network.load_state_dict(state["network"])
    export(network, args.run / "tokenizer.json", args.folder)
    detector = load(args.folder)
    figures = evaluate_scenes(detector.tower, detector.proposer, seed=_SEED, scenes=args.scenes)
    sys.stdout.write(table(figures) + "\n")
    measured = f"regionclip eval scenes --seed {_SEED} --scenes {args.scenes}"
    notes = record(state, args.run, asdict(figures), measured)
    write_file(args.folder / "training.json", (json.dumps(notes, indent=1) + "\n").encode())


if __name__ == "__main__":
    main()
