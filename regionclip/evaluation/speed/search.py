"""Search in archives: what an index loses and saves at several sizes, and how well words find what clips show.

Sizes: regions of rendered scenes, each moved by random noise, are stored without thumbnails. `TOP` hits for words in
both languages, by the index, are compared with those of scoring all regions.

Things: rendered clips are written as videos, indexed with tracks, and asked for each kind and colour that they show. A
hit is right where an object of that kind and colour is at its box (IoU 0.5) on its frame; the tower's threshold decides
what is a hit. A thing is to be found if two frames that the tower looked at show it.

Letters: D channels.
"""

import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import astuple, dataclass
from pathlib import Path

import numpy as np
import supervision as sv

from regionclip.answers.regions import Regions
from regionclip.archive.indexing import IndexOptions, index_file, unfinished
from regionclip.archive.rows import rows_of
from regionclip.archive.search import Hit
from regionclip.archive.store import Archive, FrameKey
from regionclip.detector import Detector
from regionclip.formats.tables import as_table
from regionclip.scenes.clips import Clip, render_clip
from regionclip.scenes.language.phrases import phrase
from regionclip.scenes.language.sentences import LANGUAGES, Language
from regionclip.scenes.render import render_scene
from regionclip.scenes.stage import boxes_of
from regionclip.video.output.writer import VideoWriter

TOP = 10
_WORDS = (
    *("person", "red car", "a blue backpack", "white dog", "traffic cone", "yellow forklift", "green suitcase"),
    *("人", "红色的汽车", "蓝色的背包", "白色的狗", "交通锥", "黄色的叉车", "绿色的行李箱"),
)
_SCENES, _NOISE, _CHUNK = 24, 0.6, 2000
_FPS, _SECONDS, _EVERY = 12.0, 6.0, 6

Watch = Callable[[Sequence[int]], Iterable[int]]
"""Gets numbers and gives them back one by one, as a progress bar does."""


@dataclass(frozen=True, slots=True)
class SizeRow:
    """Figures of one size.

    Attributes:
        regions: how many.
        recall: share of the `TOP` exact hits that the index finds, 0..1.
        exact_milliseconds: median of a search that scores all.
        index_milliseconds: median of one by the index.
        add_seconds: adding all.
        index_seconds: making the index.
        bytes_region: on the disk for a region, without a thumbnail.
        index_bytes_region: of the index for a region.
    """

    regions: int
    recall: float
    exact_milliseconds: float
    index_milliseconds: float
    add_seconds: float
    index_seconds: float
    bytes_region: float
    index_bytes_region: float


@dataclass(frozen=True, slots=True)
class ThingsRow:
    """Figures of one language.

    Attributes:
        language: of the words.
        queries: kinds and colours asked for.
        things: that are to be found.
        hits: above the threshold.
        precision: share of hits that are right, 0..1.
        recall: share of things that are found, 0..1.
        doubled: hits on things that a better hit has found.
    """

    language: str
    queries: int
    things: int
    hits: int
    precision: float
    recall: float
    doubled: int


def measure_size(detector: Detector, count: int, folder: Path, seed: int = 900_901) -> SizeRow:
    """Fill an archive with `count` regions in a folder that is not there yet, and search it."""
    archive = Archive.create(folder, detector.tower.card)
    start = time.perf_counter()
    with archive.writer() as writer:
        for number, regions in enumerate(_noisy(detector, count, seed)):
            writer.append(rows_of(writer.columns, FrameKey(f"{number}"), regions))
    added, size = time.perf_counter() - start, _bytes(folder)
    start = time.perf_counter()
    archive.finish(exact=0)
    indexed = time.perf_counter() - start
    exact, slow = _searched(archive, detector, exact=True)
    near, fast = _searched(archive, detector, exact=False)
    found = [len(one & other) / max(len(one), 1) for one, other in zip(exact, near, strict=True)]
    own = _bytes(folder / "regions.lance" / "_indices")
    return SizeRow(count, statistics.mean(found), slow, fast, added, indexed, size / count, own / count)


def measure_things(
    detector: Detector, count: int, folder: Path, *, seed: int = 900_911, watch: Watch = iter
) -> list[ThingsRow]:
    """Index `count` rendered clips in a folder, and ask for what they show, in each language."""
    folder.mkdir(exist_ok=True)
    clips: dict[str, Clip] = {}
    for index in watch(range(count)):
        path = (folder / f"{index}.mp4").absolute()
        clips[str(path)] = render_clip(seed, index, seconds=_SECONDS, fps=_FPS, camera="still")
        with VideoWriter(path) as video:
            for shot in clips[str(path)]:
                video.write(shot.frame, shot.seconds)
    archive = Archive.create(folder / "archive", detector.tower.card, {"every": _EVERY})
    with archive.writer() as writer:
        for note in unfinished(archive, map(Path, clips)):
            index_file(writer, note, detector, IndexOptions(every=_EVERY, track=True))
    truth = _truth(clips)
    return [_asked(detector, archive, clips, truth, language) for language in LANGUAGES]


def _noisy(detector: Detector, count: int, seed: int) -> Iterator[Regions]:
    """`count` regions, `_CHUNK` a frame, which are all different things."""
    seen = [detector.regions(render_scene(seed, index).frame, words=_WORDS) for index in range(_SCENES)]
    real = np.concatenate([each.embeddings[each.valid] for each in seen])  # (n, D)
    rng = np.random.default_rng(seed)
    for start in range(0, count, _CHUNK):
        n = min(_CHUNK, count - start)
        noise = rng.standard_normal((n, real.shape[1]), np.float32) * (_NOISE / real.shape[1] ** 0.5)
        moved = real[rng.integers(0, len(real), n)] + noise  # (n, D)
        yield Regions(
            xyxy=np.tile(np.array([[0, 0, 9, 9]], np.float32), (n, 1)),
            objectness=np.ones(n, np.float32),
            embeddings=moved / np.linalg.norm(moved, axis=1, keepdims=True),
            valid=np.ones(n, np.bool_),
            frame_size=(9, 9),
            fingerprint=detector.tower.card.revision,
        )


def _searched(archive: Archive, detector: Detector, *, exact: bool) -> tuple[list[set[tuple[str, int]]], float]:
    """What is found for each of the words, and the median of the milliseconds that takes."""
    archive.search(detector, _WORDS[0], top=TOP, exact=exact)  # files are read and the words encoded
    detector.prepare(_WORDS)
    found, spent = [], []
    for words in _WORDS:
        start = time.perf_counter()
        hits = archive.search(detector, words, top=TOP, exact=exact)
        spent.append((time.perf_counter() - start) * 1000)
        found.append({(hit.best.key.source, hit.region) for hit in hits})
    return found, statistics.median(spent)


Thing = tuple[str, int]
"""A source and the number of an object in it."""


def _truth(clips: dict[str, Clip]) -> dict[tuple[str, str], set[Thing]]:
    """What is to be found, by kind and colour."""
    shown = Counter(
        ((item.kind, item.colour), (source, track))
        for source, clip in clips.items()
        for index in range(0, len(clip), _EVERY)
        for item, track in zip(clip[index].objects, clip[index].tracks, strict=True)
        if item.colour is not None
    )
    truth: dict[tuple[str, str], set[Thing]] = {}
    for ((kind, colour), thing), times in shown.items():
        if times >= 2 and colour is not None:
            truth.setdefault((kind, colour), set()).add(thing)
    return truth


def _asked(
    detector: Detector,
    archive: Archive,
    clips: dict[str, Clip],
    truth: dict[tuple[str, str], set[Thing]],
    language: Language,
) -> ThingsRow:
    hits = right = doubled = recalled = 0
    for (kind, colour), things in truth.items():
        words = phrase(kind, colour, language)
        threshold = float(detector.thresholds(words)[0])
        found: set[Thing] = set()
        for hit in archive.search(detector, words, top=100, threshold=threshold):
            at = _at(hit, clips[hit.best.key.source], kind, colour)
            hits, right, doubled = hits + 1, right + bool(at), doubled + bool(at and at <= found)
            found |= at
        recalled += len(found & things)
    wanted = sum(map(len, truth.values()))
    precision = right / hits if hits else float("nan")
    return ThingsRow(language, len(truth), wanted, hits, precision, recalled / max(wanted, 1), doubled)


def _at(hit: Hit, clip: Clip, kind: str, colour: str) -> set[Thing]:
    """The objects of that kind and colour that a hit shows, one at most."""
    shot = clip[hit.best.key.index]
    overlap = sv.box_iou_batch(np.array([hit.best.box], np.float32), boxes_of(shot.objects))[0]  # (n,)
    fits = np.array([(item.kind, item.colour) == (kind, colour) for item in shot.objects], np.bool_)
    overlap = np.where(fits, overlap, 0) if len(fits) else np.zeros(1)
    best = int(overlap.argmax())
    return {(hit.best.key.source, shot.tracks[best])} if overlap[best] >= 0.5 else set()


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def sizes_table(rows: Sequence[SizeRow]) -> str:
    """The figures of sizes as lines of text."""
    columns = ("regions", f"recall@{TOP}", "exact ms", "index ms", "add s", "index s", "bytes", "index bytes")
    cells = [
        (
            f"{row.regions:,}",
            f"{row.recall:.3f}",
            *(f"{value:.1f}" for value in astuple(row)[2:6]),
            *(f"{value:.0f}" for value in astuple(row)[6:]),
        )
        for row in rows
    ]
    return f"regions of rendered scenes moved by noise, {len(_WORDS)} queries\n{as_table(columns, cells)}"


def things_table(rows: Sequence[ThingsRow], count: int) -> str:
    """The figures of things as lines of text."""
    columns = ("words", "queries", "things", "hits", "precision", "recall", "doubled")
    cells = [(*astuple(row)[:4], f"{row.precision:.3f}", f"{row.recall:.3f}", row.doubled) for row in rows]
    return f"{count} rendered clips, things by kind and colour\n{as_table(columns, cells)}"
