"""Small checkpoints and data to fine-tune, all made here."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from checkpoints import write_fgclip2
from PIL import Image
from safetensors.torch import load_file, save_file

from regionclip.data.settings import DataSettings
from regionclip.towers.tiny.model import TinyConfig, TinyModel
from regionclip.towers.tiny.text import train_tokenizer
from regionclip.towers.tiny.tower import config_json
from regionclip.training import processes
from regionclip.training.finetune import FineTuning
from regionclip.training.losses import global_sigmoid
from regionclip.training.settings import CheckSettings, LossSettings, TrainSettings

SMALL = TinyConfig(
    width=32, heads=2, blocks=1, stem=(8, 8, 16), positions=4, text_blocks=1, vocabulary=330, text_length=16
)
COLOURS = {"red": (220, 20, 20), "green": (20, 180, 20), "blue": (20, 20, 220), "white": (240, 240, 240)}
CHINESE = {"red": "红", "green": "绿", "blue": "蓝", "white": "白"}


def write_tiny(folder: Path, seed: int = 0) -> Path:
    """A small random tower of the embedded kind."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer = train_tokenizer([*COLOURS, *CHINESE.values(), "a picture of a patch"], SMALL.vocabulary)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = replace(SMALL, vocabulary=tokenizer.get_vocab_size())
    torch.manual_seed(seed)
    save_file(TinyModel(config).state_dict(), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(config_json(config, threshold=0.5, budget=36)))
    return folder


def write_siglip2(folder: Path, seed: int = 0) -> Path:
    """A small random SigLIP 2 checkpoint: an FG-CLIP 2 one without what that has beside it."""
    write_fgclip2(folder, seed=seed)
    tensors = load_file(folder / "model.safetensors")
    extra = ("dense_feature_head.", "boxtext_head.", "longtext_head.")
    native = {
        k: v for k, v in tensors.items() if not k.startswith(extra) and not k.endswith(("_ori.weight", "_res.weight"))
    }
    save_file(native, folder / "model.safetensors")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"model_type": "siglip2"}))
    return folder


def write_coco(folder: Path, pictures: int = 8, *, seed: int = 0) -> DataSettings:
    """Pictures with two coloured patches each; colours are the categories, named in both languages.

    The first half is of split train, the rest of split val. Regions have phrases and hard negatives in English only;
    pictures a short caption in both languages and every second one a long one in English.
    """
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    names = list(COLOURS)
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for i in range(pictures):
        first, second = rng.permutation(len(names))[:2].tolist()
        picture = np.full((96, 128, 3), 90, np.uint8)
        for at, colour in ((8, first), (72, second)):
            picture[24:72, at : at + 48] = COLOURS[names[colour]]
            annotations.append(_annotation(len(annotations), i, at, names, colour))
        Image.fromarray(picture).save(folder / f"{i}.png")
        both = f"{names[first]}, {names[second]} {i}"  # no two captions are equal
        entry = {
            "id": i,
            "file_name": f"{i}.png",
            "split": "train" if i < pictures // 2 else "val",
            "caption": both,
            "caption_zh": f"{CHINESE[names[first]]}、{CHINESE[names[second]]} {i}",
        }
        images.append(entry | ({"long_caption": [f"a picture of {both}"]} if i % 2 else {}))
    categories = [{"id": 10 + i, "name": name, "name_zh": CHINESE[name]} for i, name in enumerate(names)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return DataSettings(kind="coco", annotations=str(folder / "annotations.json"), images=str(folder), split="train")


def _annotation(number: int, image: int, left: int, names: list[str], colour: int) -> dict[str, Any]:
    return {
        "id": number,
        "image_id": image,
        "category_id": 10 + colour,
        "bbox": [left, 24, 48, 48],
        "phrase": [f"{names[colour]} patch"],
        "hard_negatives": [f"{other} patch" for other in names if other != names[colour]],
    }


def edited(data: DataSettings, folder: Path, edit: Any) -> DataSettings:  # noqa: ANN401
    """The same pictures with another annotation file."""
    content = json.loads(Path(str(data.annotations)).read_text())
    edit(content)
    path = folder / "edited.json"
    path.write_text(json.dumps(content))
    return DataSettings(kind="coco", annotations=str(path), images=data.images, split=data.split)


def settings(out: Path, weights: Path, data: DataSettings, **changed: Any) -> TrainSettings:  # noqa: ANN401
    """A run of a few steps; `data` is checked on its split `val`."""
    check = CheckSettings(kind="coco", annotations=data.annotations, images=data.images, split="val")
    given: dict[str, Any] = {
        "out": str(out),
        "weights": str(weights),
        "steps": 4,
        "batch": 2,
        "rate": 1e-3,
        "device": "cpu",
        "check_every": 2,
        "hard_negatives": 2,
        "data": data,
        "check": check,
        "loss": LossSettings(),
    }
    return TrainSettings(**given | changed)


def one_of_two(rank: int, folder: str, run: TrainSettings) -> None:
    """What one of two gloo processes does for tests/training/test_processes.py: a contrast, then a run."""
    dist.init_process_group("gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=2)
    torch.save(_contrast(rank), f"{folder}/result{rank}.pt")
    FineTuning(run).train()
    dist.destroy_process_group()


def _contrast(rank: int) -> dict[str, Any]:
    images, texts, score = unequal_parts()
    unused = torch.nn.Parameter(torch.ones(()))
    others = processes.texts_of_others(texts[rank])
    loss = global_sigmoid(images[rank], texts[rank], (score[0], score[1]), others)
    torch.autograd.backward(loss + 2 * unused if rank == 0 else loss)
    processes.share_gradients([score, unused])
    device = torch.device("cpu")
    return {
        "loss": loss.detach(),
        "own": [images[rank].grad, texts[rank].grad],
        "shared": [score.grad, unused.grad],
        "agreed": processes.mean(torch.tensor(3.0) if rank == 1 else None, device),
        "nothing": processes.mean(None, device),
        "empty": processes.texts_of_others(torch.zeros(0, 8)),
    }


def unequal_parts() -> tuple[list[torch.Tensor], list[torch.Tensor], torch.nn.Parameter]:
    """Pictures and captions of two processes, three and two, and the score between them."""
    generator = torch.Generator().manual_seed(4)
    images = [torch.randn(n, 8, generator=generator).requires_grad_() for n in (3, 2)]
    texts = [torch.randn(n, 8, generator=generator).requires_grad_() for n in (3, 2)]
    return images, texts, torch.nn.Parameter(torch.tensor([0.3, -0.5]))
