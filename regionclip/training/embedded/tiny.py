"""Train the embedded tower: `python -m regionclip.training.embedded.tiny --minutes 100 --seed 1 --out runs/tiny`.

Run it again with the same settings to continue from the last checkpoint, or with more `--minutes` to go further.
`regionclip.training.embedded.export` then makes the files that ship.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch
from tokenizers import Tokenizer

from regionclip.errors import ConfigError, FileError
from regionclip.formats.files import write_file
from regionclip.scenes.language.phrases import COLOURS, KINDS, PhraseMaker, name, phrase
from regionclip.scenes.language.sentences import LANGUAGES
from regionclip.scenes.render import SMALLEST, render_scene
from regionclip.towers.tiny.model import TinyConfig
from regionclip.towers.tiny.text import train_tokenizer
from regionclip.training.embedded.check import Check
from regionclip.training.embedded.run import Run, RunSettings
from regionclip.training.loop import CHECKPOINT
from regionclip.training.watch import train_watched

SIZES = TinyConfig()
"""Of the tower that ships."""


def corpus(seed: int, scenes: int) -> list[str]:
    """Sentences to learn the tokenizer from: all plain names and phrases, and what is said of some scenes."""
    rng = np.random.default_rng((seed, 0x7E87))
    maker = PhraseMaker(rng, typos=0.0)
    texts = [name(kind, language) for kind in KINDS for language in LANGUAGES]
    texts += [phrase(kind, colour, language) for kind in KINDS for colour in COLOURS for language in LANGUAGES]
    for index in range(scenes):
        for item in render_scene(seed, index, (SMALLEST, SMALLEST)).objects:
            texts += [maker.true_of(item).text for _ in range(15)]
        texts += [maker.unknown().text for _ in range(15)]
    return texts


def tokenizer_for(seed: int, config: TinyConfig, folder: Path, scenes: int = 400) -> Tokenizer:
    """The run's tokenizer: made anew for a new run, read from the folder of one that goes on."""
    path = folder / "tokenizer.json"
    if not (folder / CHECKPOINT).exists():
        write_file(path, train_tokenizer(corpus(seed, scenes), config.vocabulary).to_str(pretty=True).encode())
    return Tokenizer.from_file(str(path))


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the embedded tower on rendered scenes.")
    parser.add_argument("--minutes", type=float, default=100.0, help="length of the run, where --steps is not given")
    parser.add_argument("--steps", type=int, help="length of the run in steps; such a run is repeated exactly")
    parser.add_argument("--seed", type=int, default=1, help="of weights, scenes and phrases")
    parser.add_argument("--out", type=Path, default=Path("runs/tiny"), help="folder of checkpoint, tokenizer and curve")
    parser.add_argument("--workers", type=int, default=1, help="rendering processes")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network")
    parser.add_argument("--check-every", type=float, default=3.0, help="minutes between figures and checkpoints")
    parser.add_argument("--float32", action="store_true", help="compute in float32: faster without AMX or AVX512-BF16")
    parser.add_argument("--strict-head", action="store_true", help="FG-CLIP 2's dense head, without a residual")
    parser.add_argument("--boxes-from", type=float, default=0.0, help="share of the run at which boxes are trained")
    parser.add_argument("--prototype", type=float, default=0.5, help="weight of the prototype loss at the start")
    args = parser.parse_args(given)
    if (args.steps is not None and args.steps < 1) or args.minutes <= 0:
        parser.error(f"expected more than 0 --steps or --minutes, got {args.steps} and {args.minutes:g}")
    return args


def main(given: Sequence[str] | None = None, *, sizes: TinyConfig = SIZES, scenes: int = 400) -> None:
    """Read the command line and train.

    Args:
        given: its words, where not those of this process.
        sizes: of the network.
        scenes: that the tokenizer learns its sentences from.
    """
    args = _arguments(given)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    config = replace(sizes, residual=not args.strict_head)
    tokenizer = tokenizer_for(args.seed, config, args.out, scenes)
    settings = RunSettings(
        args.seed,
        args.steps,
        args.minutes,
        prototype=args.prototype,
        boxes_from=args.boxes_from,
        workers=args.workers,
        bfloat16=not args.float32,
    )
    try:
        check = Check(tokenizer, config.text_length)
        run = Run(settings, config, tokenizer, args.out, measure=check, check_minutes=args.check_every)
    except (ConfigError, FileError) as error:
        sys.exit(f"regionclip.training.embedded.tiny: {error}")
    if run.step:
        sys.stdout.write(f"resumed at step {run.step}\n")
    if run.progress(run.step) >= 1:
        sys.stdout.write("the run is complete\n")
        return
    train_watched(run)


if __name__ == "__main__":
    main()
