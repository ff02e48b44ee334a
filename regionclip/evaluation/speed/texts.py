"""What words cost a process that starts, and what encoding them together would give. FG-CLIP 2 with random weights."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from regionclip.config import Config
from regionclip.evaluation.speed.random_tower import random_fgclip2
from regionclip.formats.tables import as_table
from regionclip.scenes.language.phrases import KINDS
from regionclip.scorer import Scorer
from regionclip.towers.fgclip2.tower import FGCLIP2Tower
from regionclip.towers.gemma import PAD
from regionclip.words.phrase_store import PhraseStore
from regionclip.words.vocabulary import Vocabulary


@dataclass(frozen=True, slots=True)
class Start:
    """A process that asks for words: phrases it encoded, and seconds until it had them all."""

    encoded: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Together:
    """Phrases encoded in batches of one size.

    Attributes:
        size: phrases a batch.
        milliseconds: a phrase.
        differ: phrases whose bits are not those of the phrase alone.
        moved: phrases whose bits depend on place or company in the batch.
        phrases: how many were compared.
    """

    size: int
    milliseconds: float
    differ: int
    moved: int
    phrases: int


def measure_starts(size: str, device: str, dtype: str, labels: int) -> Iterator[Start]:
    """Two processes, one after another, ask for the same labels and share a folder that is empty at first."""
    with tempfile.TemporaryDirectory() as folder:
        told = (size, device, dtype, str(labels), str(torch.get_num_threads()), folder)
        for _ in range(2):
            done = subprocess.run([sys.executable, "-m", __name__, *told], stdout=subprocess.PIPE, check=True)
            yield Start(*json.loads(done.stdout))


def measure_together(size: str, device: str, dtype: str, sizes: tuple[int, ...] = (1, 8, 32)) -> Iterator[Together]:
    """The background phrases as region phrases, in batches of each size, the last one filled up with padding."""
    tower = random_fgclip2(size, device=device, dtype=dtype, text=True)
    length = tower.model.config.text.max_position_embeddings
    read = [tower.token_ids(phrase, "region") for phrase in tower.card.negatives]
    ids = torch.tensor([row + [PAD] * (length - len(row)) for row in read], device=tower.device)  # (P, length)
    alone, _ = _in_batches(tower, ids, 1)
    for each in sizes:
        rows, seconds = _in_batches(tower, ids, each)
        turned = _in_batches(tower, ids.flip(0), each)[0].flip(0)  # other places, other neighbours
        yield Together(each, 1000 * seconds / len(ids), _unlike(rows, alone), _unlike(rows, turned), len(ids))


def table(starts: list[Start], together: list[Together], labels: int) -> str:
    """The figures as lines of text."""
    lines = [f"{labels} labels and the background bank in two processes that share a --phrase-cache"]
    names = ("first", "second")
    rows = [(name, each.encoded, f"{each.seconds:.3f}") for name, each in zip(names, starts, strict=True)]
    lines += [as_table(("process", "phrases encoded", "seconds"), rows, indent=2), "phrases in batches of one size"]
    head = ("batch", "ms a phrase", "other bits than alone", "other bits in another place")
    cells = [
        (each.size, f"{each.milliseconds:.1f}", f"{each.differ} of {each.phrases}", f"{each.moved} of {each.phrases}")
        for each in together
    ]
    return "\n".join([*lines, as_table(head, cells, indent=2)])


@torch.no_grad()
def _in_batches(tower: FGCLIP2Tower, ids: torch.Tensor, size: int) -> tuple[torch.Tensor, float]:
    """`(P, D)` of ids `(P, length)`, and the seconds that took."""
    filled = torch.cat([ids, ids.new_full((-len(ids) % size, ids.shape[1]), PAD)])
    tower.model.text_features(filled[:size], "box")  # the first pass is slower
    start = time.perf_counter()
    parts = [filled[first : first + size] for first in range(0, len(filled), size)]  # (size, length) each
    rows = torch.cat([tower.model.text_features(part, "box") for part in parts])[: len(ids)].cpu()
    return rows, time.perf_counter() - start


def _unlike(rows: torch.Tensor, others: torch.Tensor) -> int:
    return int((rows != others).any(dim=1).sum())


def _start(size: str, device: str, dtype: str, labels: int, folder: Path) -> Start:
    tower = random_fgclip2(size, device=device, dtype=dtype, text=True)
    passes: list[None] = []
    tower.model.text_model.final_layer_norm.register_forward_hook(lambda *_: passes.append(None))
    vocabulary = Vocabulary([f"{KINDS[number % len(KINDS)]} {number}" for number in range(labels)])
    start = time.perf_counter()
    # Random phrases are all alike: independent scores would leave the whole bank out.
    Scorer(tower, Config(mode="closed"), "none", PhraseStore(folder)).ask(vocabulary)
    return Start(len(passes), time.perf_counter() - start)


if __name__ == "__main__":
    _size, _device, _dtype, _labels, _threads, _folder = sys.argv[1:]
    torch.set_num_threads(int(_threads))
    _done = _start(_size, _device, _dtype, int(_labels), Path(_folder))
    sys.stdout.write(json.dumps([_done.encoded, _done.seconds]))
