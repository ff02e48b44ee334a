"""Every door that reads a file tells of a damaged one by an error of ours, whatever the damage."""

import io
import json
import warnings
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from shutil import copytree, ignore_patterns

import mutated
import numpy as np
import pytest
import torch
from mutated import Mutate, mutants
from PIL import Image
from safetensors.torch import save_file
from toy import ToyTower, planted

from proposals.dense import DenseHead
from regionclip.answers.regions import Regions
from regionclip.archive.store import Archive, FrameKey
from regionclip.boxes import GivenBoxes
from regionclip.config import Config, config_folder
from regionclip.data.coco_file import CocoFile
from regionclip.data.settings import DataSettings
from regionclip.errors import RegionclipError, RegionclipWarning
from regionclip.formats.coco import BoxFile
from regionclip.frames import read_frame
from regionclip.proposing import make_proposer
from regionclip.site.file import SiteFile
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS
from regionclip.towers.domain import DOMAIN
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.tiny.model import TinyConfig, TinyModel
from regionclip.towers.tiny.tower import TinyTower, config_json
from regionclip.training.settings import TrainSettings
from regionclip.video.rules.file import load_rules
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.prototype import Prototype
from regionclip.words.vocabulary import Label, Vocabulary

Read = Callable[[Path], object]

CPU, FLOAT32 = torch.device("cpu"), torch.float32
NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)


def attack(path: Path, read: Read, mutate: Mutate, count: int) -> None:
    """Read `count` mutants of the file at `path`; the file itself can be read, before and after."""
    content = path.read_bytes()
    read(path)
    refused = 0
    for place, mutant in enumerate(mutants(content, mutate, count, seed=7)):
        path.write_bytes(mutant)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                read(path)
        except (RegionclipError, RegionclipWarning):
            refused += 1
        except BaseException as foreign:
            kept = path.with_name(f"foreign-{path.name}")
            kept.write_bytes(mutant)
            raise AssertionError(
                f"mutant {place} lets out {type(foreign).__name__}: {foreign}; it is {kept}"
            ) from foreign
    path.write_bytes(content)
    read(path)
    assert refused >= count // 5  # else the mutants are too tame to say anything


def encoded(kind: str, **options: object) -> bytes:
    image = Image.fromarray(NOISE)
    if kind == "palette":
        image, kind = image.convert("P"), "PNG"
        options["transparency"] = bytes(range(256))
    if kind == "grey16":
        image, kind = Image.fromarray(NOISE[:, :, 0].astype(np.uint16) * 257), "PNG"
    if kind == "JPEG":
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "a picture"
        options["exif"] = exif
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        *(
            (kind, {})
            for kind in ("JPEG", "PNG", "palette", "grey16", "BMP", "WEBP", "TIFF", "GIF", "TGA", "ICO", "PPM")
        ),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_pictures(tmp_path: Path, kind: str, options: dict[str, object]) -> None:
    path = tmp_path / f"picture.{kind.lower()}"
    path.write_bytes(encoded(kind, **options))
    attack(path, read_frame, mutated.bytes_changed, 200)


@pytest.mark.parametrize(
    ("file", "read"),
    [
        ("fgclip2-base.toml", Config.load),
        ("presets/static-camera.toml", lambda path: Config().with_preset(path)),
        ("vocabularies/security-ppe.toml", Vocabulary.load),
        ("rules/left-luggage.toml", load_rules),
        ("sites/yard.toml", SiteFile),
        ("train/fgclip2-coco.toml", TrainSettings.load),
        ("tracks.toml", TrackSettings.load),
    ],
)
def test_settings(tmp_path: Path, file: str, read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "configs"
    copytree(config_folder(), folder)
    monkeypatch.setenv("YARD_PASSWORD", "secret")
    (folder / "tracks.toml").write_text("[tracks]\nhold_seconds = 1.5\nconfirm_frames = 3\nminimum_resemblance = 0.6\n")
    attack(folder / file, read, mutated.text_changed, 150)


BOXES = {"a.png": [[1, 2, 30, 20.5]], "b.png": []}
COCO = {
    "images": [{"id": 1, "file_name": "a.png", "width": 32, "height": 24}],
    "annotations": [{"id": 5, "image_id": 1, "bbox": [1, 2, 9, 9], "category_id": 3, "score": 0.5, "caption": "a dog"}],
    "categories": [{"id": 3, "name": "dog", "name_zh": "狗"}],
}


@pytest.mark.parametrize("mutate", [mutated.text_changed, mutated.json_changed])
@pytest.mark.parametrize("content", [BOXES, COCO])
def test_boxes(tmp_path: Path, content: object, mutate: Mutate) -> None:
    path = tmp_path / "boxes.json"
    path.write_text(json.dumps(content))
    attack(path, lambda file: BoxFile(file).of(tmp_path / "a.png"), mutate, 200)


@pytest.mark.parametrize("mutate", [mutated.text_changed, mutated.json_changed])
def test_labelled_sets(tmp_path: Path, mutate: Mutate) -> None:
    path = tmp_path / "set.json"
    path.write_text(json.dumps(COCO, ensure_ascii=False))
    Image.fromarray(NOISE).save(tmp_path / "a.png")
    attack(
        path, lambda file: CocoFile(DataSettings(kind="coco", annotations=str(file), images=str(tmp_path))), mutate, 200
    )


def some_regions() -> Regions:
    features = ToyTower().encode_image([planted(red=(0, 0, 64, 64))])[0]
    boxes = GivenBoxes(
        np.array([[0, 0, 64, 64], [9, 9, 5, 5]], np.float32),
        np.ones(2, np.float32),
        np.array([3, 4]),
        {"name": np.array(["红", "b"]), "speed": np.array([1.5, 2])},
    )
    return Regions.pool(features, boxes, has_objectness=True)


def test_regions(tmp_path: Path) -> None:
    some_regions().save(tmp_path / "r.npz")
    attack(tmp_path / "r.npz", Regions.load, mutated.zip_changed, 400)


@pytest.mark.parametrize("folder", ["data", "_versions"])
def test_archives(tmp_path: Path, folder: str) -> None:
    archive = Archive.create(tmp_path / "archive", ToyTower().card, {"note": ["x", 1]})
    with archive.writer() as writer:
        writer.add(FrameKey("a.png"), some_regions())
        writer.add(FrameKey("v.mp4", 3, 1.5), some_regions())
    file = min((archive.path / "regions.lance" / folder).iterdir())
    attack(file, lambda _: list(Archive(archive.path)), mutated.bytes_changed, 200)


def small_tiny(folder: Path) -> Path:
    """The tiny tower with other, small weights: its own tokenizer, and a learned head beside it."""
    copytree(TINY_WEIGHTS, folder, ignore=ignore_patterns(DOMAIN))
    shipped = json.loads((folder / "config.json").read_text())
    sizes = {field.name: shipped[field.name] for field in fields(TinyConfig)}
    config = TinyConfig(**(sizes | {"width": 16, "heads": 2, "stem": (4, 8, 8)}))
    (folder / "config.json").write_text(json.dumps(config_json(config, threshold=0.5, budget=64)))
    save_file(TinyModel(config).state_dict(), folder / "model.safetensors")
    head = DenseHead(16, hidden=8, split=2)
    save_file(head.state_dict(), folder / "proposer.safetensors", {"width": "16", "hidden": "8", "split": "2"})
    return folder


@pytest.mark.parametrize(
    ("file", "mutate"),
    [
        ("config.json", mutated.json_changed),
        ("config.json", mutated.text_changed),
        ("tokenizer.json", mutated.bytes_changed),
        ("model.safetensors", mutated.safetensors_changed),
        ("proposer.safetensors", mutated.safetensors_changed),
    ],
)
def test_weights_of_tiny(tmp_path: Path, file: str, mutate: Mutate) -> None:
    folder = small_tiny(tmp_path / "tiny")

    def read(_: Path) -> None:
        if file == "proposer.safetensors":
            make_proposer(Config(weights=str(folder), proposers=("dense",)), 16)
        else:
            TinyTower.load(folder, Config(tower="tiny", dtype="float32"), CPU)

    attack(folder / file, read, mutate, 40)


@pytest.mark.parametrize(
    ("file", "mutate"),
    [
        ("config.json", mutated.json_changed),
        ("config.json", mutated.text_changed),
        ("tokenizer.json", mutated.text_changed),
        ("tokenizer_config.json", mutated.text_changed),
        ("model.safetensors", mutated.safetensors_changed),
    ],
)
def test_weights_of_fgclip2(tmp_path: Path, fgclip2_folder: Path, file: str, mutate: Mutate) -> None:
    folder = copytree(fgclip2_folder, tmp_path / "fgclip2")
    attack(
        folder / file, lambda _: FGCLIP2Tower.load(folder, Config(tower="fgclip2", dtype="float32"), CPU), mutate, 40
    )


@pytest.mark.parametrize(
    ("file", "mutate"), [("v.safetensors", mutated.safetensors_changed), ("v.toml", mutated.text_changed)]
)
def test_taught_vocabularies(tmp_path: Path, file: str, mutate: Mutate) -> None:
    taught = Prototype(np.ones(3, np.float32).tobytes(), 10.0, -5.0, "toy-1", 4)
    Vocabulary([Label("mine", taught=taught), "person"]).save(tmp_path / "v.toml")
    attack(tmp_path / file, lambda _: Vocabulary.load(tmp_path / "v.toml"), mutate, 150)
