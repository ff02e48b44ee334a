"""Which frames the embedded tower knows: how `domain.safetensors` is made, and what it tells.

A logistic regression parts the tower's tokens of rendered scenes from those of photographs, of which many parts in many
qualities are taken; Gaussians of the scenes add what no photograph at hand shows. The limit is taken from other scenes.

`python -m regionclip.training.embedded.domain regionclip/weights/tiny --photos FOLDER` makes the file;
`--measure` measures the one that is there on fresh scenes and on other photographs.

Letters: K patch budgets, F frames of scenes, P of photographs, S statistics of a frame's tokens.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
import torch

from regionclip.config import Config
from regionclip.errors import ImageFileError
from regionclip.frames import Frame, find_images, read_frame
from regionclip.scenes.clips import render_clip
from regionclip.scenes.render import render_scene
from regionclip.scenes.walks import render_walk
from regionclip.towers.domain import Domain, distance, statistics
from regionclip.towers.tiny.tower import TinyTower
from regionclip.words.logistic import fit_logistic

_Rng = np.random.Generator

BUDGETS: Final = (128, 256, 576)
"""Patch budgets that are measured."""

_MADE, _MEASURED = 61_001, 61_003  # series of scenes
_KEPT = 0.994  # share of scenes that the line keeps
_PULL = 0.001  # of the regression, towards no opinion
_SHRINKAGE = 0.003  # share of the correlations that the Gaussians do not believe
_VIEWS = 20  # of a photograph, beside itself
_SIZES = (
    *((480, 640), (480, 640), (240, 320), (360, 640), (128, 128), (300, 200)),
    *((96, 160), (540, 720), (64, 96), (144, 192), (720, 1280)),
)
_SCENES: Final[tuple[dict[str, Any], ...]] = (
    *({}, {}, {"style": "other"}, {"sides": (0.05, 0.15)}, {"count": (0, 2)}),
    *({"count": (1, 1), "sides": (0.7, 0.95)}, {"pairs": "held out"}, {"unnamed": 0.5}, {"count": (8, 14)}),
)


def _jpeg(frame: Frame, quality: int) -> Frame:
    packed = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def _cropped(rng: _Rng, frame: Frame) -> Frame:
    starts, ends = (0, 0.3), (0.7, 1)  # in heights and widths of the frame
    rows, columns = (slice(int(rng.uniform(*starts) * n), int(rng.uniform(*ends) * n)) for n in frame.shape[:2])
    return np.ascontiguousarray(frame[rows, columns])


def _noisy(rng: _Rng, frame: Frame) -> Frame:
    lit = frame * rng.uniform(0.7, 1.25) + rng.normal(0, rng.uniform(0, 6), frame.shape)
    return lit.clip(0, 255).astype(np.uint8)


CHANGES: Final[tuple[tuple[str, Callable[[_Rng, Frame], Any]], ...]] = (
    ("plain", lambda rng, frame: frame),
    ("plain", lambda rng, frame: frame),
    ("blurred", lambda rng, frame: cv2.GaussianBlur(frame, (0, 0), rng.uniform(0.5, 2) * min(frame.shape[:2]) / 320)),
    ("jpeg", lambda rng, frame: _jpeg(frame, int(rng.integers(25, 95)))),
    ("rescaled", lambda rng, frame: cv2.resize(frame, None, fx=(s := rng.uniform(0.5, 1.6)), fy=s)),
    ("noisy", _noisy),
    ("cropped", _cropped),
)
"""What happens to a scene's picture before a tower sees it, and what that is called."""


def scene_frames(seed: int, count: int) -> Iterator[tuple[str, Frame]]:
    """Changed scenes of many sizes, an eighth of them frames of clips, an eighth of walks, each with its kind."""
    rng = np.random.default_rng(seed)
    for index in range(count):
        size, kind = _SIZES[rng.integers(len(_SIZES))], {5: "clip", 7: "walk"}.get(index % 8)
        if kind:
            clip = render_clip(seed, index, size) if kind == "clip" else render_walk(seed, index)
            frame = clip[int(rng.integers(len(clip)))].frame
        else:
            frame = render_scene(seed, index, size, **_SCENES[rng.integers(len(_SCENES))]).frame
        name, change = CHANGES[rng.integers(len(CHANGES))]
        yield kind or name, change(rng, frame)


def photo_views(photos: Iterable[Frame], seed: int = 8) -> Iterator[Frame]:
    """Parts of photographs, as good and bad cameras would show them: other sizes, light, colour casts, blur, JPEG."""
    rng = np.random.default_rng(seed)
    for photo in photos:
        scale = min(1.0, 900 / max(photo.shape[:2]))
        frame = cv2.resize(photo, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else photo
        yield photo
        for _ in range(_VIEWS):
            share = rng.uniform(0.15, 1)
            h, w = int(frame.shape[0] * share), int(frame.shape[1] * min(1, share * rng.uniform(0.8, 1.6)))
            top, left = rng.integers(0, frame.shape[0] - h + 1), rng.integers(0, frame.shape[1] - w + 1)
            view: Any = np.ascontiguousarray(frame[top : top + h, left : left + w][:, :: rng.choice([-1, 1])])
            scale = rng.choice([160, 240, 320, 320, 480]) / max(h, w)
            view = cv2.resize(view, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA if scale < 1 else 1)
            view = view * rng.uniform(0.4, 1.25) * (rng.uniform(0.7, 1.3, 3) if rng.random() < 0.5 else 1)
            if rng.random() < 0.3:
                view = (view.clip(0, 255) - 128) * rng.uniform(0.4, 1) + 128 + rng.uniform(-30, 30)
            if rng.random() < 0.3:
                view = cv2.GaussianBlur(view, (0, 0), rng.uniform(0.5, 2))
            view = view.clip(0, 255).astype(np.uint8)
            yield _jpeg(view, int(rng.integers(30, 90))) if rng.random() < 0.5 else view


def photo_frames(folders: Iterable[Path]) -> Iterator[Frame]:
    """The pictures of folders that can be read."""
    for path in find_images([str(folder) for folder in folders]):
        try:
            yield read_frame(path)
        except ImageFileError as error:
            sys.stderr.write(f"{error}\n")


def make(folder: Path, photos: Iterable[Frame], scenes: int) -> Domain:
    """What tells `scenes` scenes from photographs; nearly all of as many other scenes stay within the limits."""
    towers = _towers(folder)
    rendered = _statistics(towers, (frame for _, frame in scene_frames(_MADE, 2 * scenes)))  # (K, 2F, S)
    known, others = rendered[:, :scenes], rendered[:, scenes:]
    strange = _statistics(towers, photo_views(photos))  # (K, P, S)
    weight, pairs = _line(known.flatten(0, 1), strange.flatten(0, 1)), [_gaussian(each) for each in known]
    slopes, limits = [], []
    for made, other, pair in zip(known, others, pairs, strict=True):
        slopes.append(1 / distance(made, *pair).std())
        limits.append((other @ weight + slopes[-1] * distance(other, *pair)).quantile(_KEPT))
    mean, whiten = (torch.stack(parts) for parts in zip(*pairs, strict=True))  # (K, S), (K, S, S)
    return Domain(torch.tensor(BUDGETS).float(), weight, mean, whiten, torch.stack(slopes), torch.stack(limits))


def _towers(folder: Path) -> list[TinyTower]:
    """One for each of `BUDGETS`."""
    return [TinyTower.load(folder, Config(tower="tiny", budget=budget), torch.device("cpu")) for budget in BUDGETS]


def _statistics(towers: Sequence[TinyTower], frames: Iterable[Frame]) -> torch.Tensor:
    """`(K, F, S)`."""
    rows = [torch.stack([statistics(tower.encode_image([frame])[0].tokens) for tower in towers]) for frame in frames]
    return torch.stack(rows, 1)


def _line(known: torch.Tensor, strange: torch.Tensor) -> torch.Tensor:
    """`(S,)` weights of a logistic regression between statistics, both kinds of frames weighing the same."""
    scale = known.std(0) + 1e-6  # (S,)
    rows = ((torch.cat([strange, known]) - known.mean(0)) / scale).double().numpy()  # (P + F, S)
    counts = [len(strange), len(known)]
    targets, weights = np.repeat([1.0, 0.0], counts), np.repeat([0.5 / count for count in counts], counts)  # (P + F,)
    return torch.tensor(fit_logistic(rows, targets, weights, pull=_PULL)[:-1]).float() / scale


def _gaussian(frames: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean `(S,)` and whitening `(S, S)` of frames with statistics `(F, S)`."""
    mean, scale = frames.mean(0), frames.std(0) + 1e-6  # (S,), (S,)
    believed = (1 - _SHRINKAGE) * torch.corrcoef(frames.T) + _SHRINKAGE * torch.eye(len(mean))  # (S, S)
    root = torch.linalg.cholesky(torch.linalg.inv(believed.double())).float()  # (S, S)
    return mean, root.T / scale


def measure(folder: Path, photos: Sequence[Path], scenes: int) -> Iterator[str]:
    """Lines of how many scenes and photographs are told, at each budget."""
    rendered = list(scene_frames(_MEASURED, scenes))
    kinds = {"scenes": [frame for _, frame in rendered]}
    kinds |= {f"  {kind}": [each for own, each in rendered if own == kind] for kind, _ in rendered}
    kinds |= {f"photographs, {each.name}": list(photo_frames([each])) for each in photos}
    towers = _towers(folder)
    yield f"{'told as no scene, by patches':34}" + "".join(f"{budget:8}" for budget in BUDGETS)
    for kind, frames in kinds.items():
        told = [[tower.encode_image([each])[0] for each in frames] for tower in towers]
        shares = [np.mean([bool(each.tokens is not None and each.out_of_domain) for each in row]) for row in told]
        yield f"{f'{kind} ({len(frames)})':34}" + "".join(f"{share:8.3f}" for share in shares)


def main(given: Sequence[str] | None = None) -> None:
    """Read the command line (or what is given), make the file or measure it."""
    parser = argparse.ArgumentParser(description="Which frames the embedded tower knows.")
    parser.add_argument("folder", type=Path, help="folder of the tower's weights")
    parser.add_argument("--photos", type=Path, nargs="*", default=[], help="folders of photographs")
    parser.add_argument("--scenes", type=int, default=1000, help="rendered scenes")
    parser.add_argument("--measure", action="store_true", help="measure the file that is there")
    args = parser.parse_args(given)
    if args.measure:
        for line in measure(args.folder, args.photos, args.scenes):
            sys.stdout.write(line + "\n")
    elif args.photos:
        make(args.folder, photo_frames(args.photos), args.scenes).write(args.folder)
    else:
        parser.error("--photos: expected folders of photographs to tell scenes from, got none")


if __name__ == "__main__":
    main()
