"""`regionclip index` and `regionclip search`: files through the tower once, words as often as wanted."""

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, say, waiting, write_json
from regionclip.errors import ConfigError, FileError
from regionclip.words.file import read_words

if TYPE_CHECKING:
    from regionclip.archive.indexing import IndexOptions
    from regionclip.archive.rows import FileNote
    from regionclip.archive.search import Hit
    from regionclip.archive.store import Archive, ArchiveWriter
    from regionclip.boxes import GivenBoxes
    from regionclip.config import Config
    from regionclip.detector import Detector

    _Work: TypeAlias = Sequence[tuple[FileNote, GivenBoxes | None]]
    _Bar: TypeAlias = Callable[[int, int, float], None]

_ASKING = {
    *("name", "weights", "revision", "device", "dtype", "threshold", "mode", "bank", "nms", "nms_iou"),
    *("labels_per_region", "max_detections", "unknown", "objectness_weight", "proposer_options", "phrase_cache"),
}
"""Settings that change no region: they may differ when an archive is added to. The tower is told by its fingerprint."""


@options.grouped
def index(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Pictures, videos, folders (not their sub-folders), glob patterns ('cameras/**/*.mp4').",
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The archive.")],
    tower: options.DetectorOptions,
    every: Annotated[int, typer.Option(metavar="N", min=1, help="Look at each Nth frame of videos.")] = 25,
    track: Annotated[bool, typer.Option("--track", help="Follow things in videos: one thing is then one hit.")] = False,
    resume: Annotated[
        bool, typer.Option("--resume", help="Add to an archive: what is missing, and the rest of an interrupted run.")
    ] = False,
    camera: Annotated[
        str | None, typer.Option(metavar="C", help="Camera of these files; else each file's name.")
    ] = None,
    start: Annotated[
        str | None, typer.Option(metavar="T", help="When the video starts, as 2026-11-30T08:00:00+08:00.")
    ] = None,
    boxes: options.BoxesFile = None,
    *,
    engine: options.EngineOptions,
) -> None:
    """Put the regions of pictures and videos into an archive, to be found later by any words (`regionclip search`).

    Files are known by their content: what is there already is skipped. A run that is killed loses the batch in hand.
    """
    from regionclip.formats.outputs import check_outputs
    from regionclip.frames import SUFFIXES, find_images
    from regionclip.video.sources.opening import VIDEOS

    settings, files = tower.settings(), find_images(sources, SUFFIXES.union(VIDEOS))
    check_outputs({}, {"SOURCE": files, "--boxes": boxes, **tower.files}, folders={"--out": out})
    videos = [file for file in files if file.suffix.lower() not in SUFFIXES]
    if boxes is not None and videos:
        raise ConfigError(f"--boxes: they are of pictures, and {videos[0]} is a video")
    if start is not None and len(videos) != 1:
        raise ConfigError(f"--start: expected one video, got {len(videos)}; give each its own")
    absolute = [str(file.absolute()) for file in files]
    given = dict(zip(absolute, options.boxes_of(boxes, files), strict=True))
    start_utc = None if start is None else _moment("--start", start).timestamp()
    from regionclip.archive.indexing import IndexOptions, unfinished
    from regionclip.archive.store import Archive

    if not Archive.is_at(out):
        Archive.check_free(out)
    is_ray = engine.is_ray()
    detector = (replace(tower, device="cpu") if is_ray else tower).load(settings)
    if boxes is None and detector.proposer.asks_words:
        raise ConfigError(
            "index: expected a proposer that needs no words, got one that looks for words, which come later"
        )
    archive = _archive(out, detector, {"every": every, "track": track}, given=boxes is not None)
    if boxes is None and detector.proposer.has_memory:
        say(
            "a proposer here remembers earlier frames: of a picture alone it may see nothing, and each file begins anew"
        )
    with waiting("looking for new files"):
        todo = unfinished(archive, files)
    if todo and not resume and archive.files():
        raise ConfigError(
            f"archive {out} exists, and {len(todo)} of {len(files)} files are not wholly in it: "
            "add them with --resume, or give another name"
        )
    looking = IndexOptions(every=every, track=track, camera=camera, start_utc=start_utc)
    work = [(note, given[note.source]) for note in todo]
    if is_ray and work:
        failed = _add(archive, todo, partial(_by_ray, engine.address, tower, settings, work, looking))
    else:
        failed = _add(archive, todo, partial(_here, detector, work, looking))
    say(
        f"{out}: {len(archive)} regions; {len(todo) - failed} files added, {len(files) - len(todo)} were there, "
        f"{failed} unreadable"
    )
    if failed:
        raise typer.Exit(exits.UNREADABLE if failed == len(files) else exits.PARTLY)


def _add(
    archive: "Archive", todo: "Sequence[FileNote]", looks: "Callable[[ArchiveWriter, _Bar], Iterator[FileNote]]"
) -> int:
    """Add what files show; how many cannot be read."""
    failed = 0
    with archive.writer() as writer, _bar(sum(map(_size, todo))) as bar:
        for note in looks(writer, bar):
            if note.error:
                say(note.error)
                failed += 1
    if todo:
        with waiting("finishing the archive"):
            archive.finish()
    return failed


def _here(
    detector: "Detector", work: "_Work", looking: "IndexOptions", writer: "ArchiveWriter", bar: "_Bar"
) -> "Iterator[FileNote]":
    """Add file by file; each when it is done."""
    from regionclip.archive.indexing import index_file

    done = 0
    for note, boxes in work:
        yield index_file(writer, note, detector, looking, boxes=boxes, watch=partial(bar, done, _size(note)))
        done += _size(note)
        bar(done, 0, 1.0)


def _by_ray(
    address: str | None,
    tower: options.DetectorOptions,
    settings: "Config",
    work: "_Work",
    looking: "IndexOptions",
    writer: "ArchiveWriter",
    bar: "_Bar",
) -> "Iterator[FileNote]":
    """Add many files at once; each when it is done."""
    from regionclip.cluster.indexing import index_files
    from regionclip.cluster.joining import joined

    done = 0
    with joined(address):
        for note in index_files(writer, work, partial(tower.load, settings), looking, device=tower.device):
            yield note
            done += _size(note)
            bar(done, 0, 1.0)


def _size(note: "FileNote") -> int:
    return int(note.stamp.partition(" ")[0] or 0)


def _archive(out: Path, detector: "Detector", looking: dict[str, Any], *, given: bool) -> "Archive":
    """The archive to add to, whose regions are made as these will be.

    Raises:
        ConfigError: where its regions were made with other settings.
    """
    from regionclip.archive.store import Archive

    proposer = detector.scorer.conditions(given=given).proposer
    settings = detector.config.model_dump(mode="json", exclude=_ASKING) | {"proposer": proposer} | looking
    if not Archive.is_at(out):
        return Archive.create(out, detector.tower.card, settings)
    archive = Archive(out)
    detector.scorer.check_fingerprint(archive.fingerprint, f"archive {out}")
    changed = [name for name in settings if archive.settings.get(name) != settings[name]]
    if changed:
        told = "; ".join(f"{name}: {archive.settings.get(name)}, now {settings[name]}" for name in changed)
        raise ConfigError(f"archive {out} was made with other settings ({told}): expected the same ones to add to it")
    return archive


@contextmanager
def _bar(size: int) -> Iterator[Callable[[int, int, float], None]]:
    """A progress bar with the time that is left, on a terminal, over so many bytes.

    It is moved by the bytes of the files that are done, those of the file at hand, and the share of it that is done.
    """
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task("index", total=size)
        yield lambda done, own, share: bar.update(task, completed=done + own * share)


@options.grouped
def search(
    archive: Annotated[Path, typer.Argument(metavar="DIR", help="Archive that `regionclip index` made.")],
    words: options.WordOptions,
    tower: options.TowerOptions,
    named: Annotated[
        list[str],
        typer.Argument(metavar="[WORDS]...", help="What to find, as -p takes it; each has a list of hits of its own."),
    ] = [],  # noqa: B006 - typer copies it
    like: Annotated[
        Path | None, typer.Option(metavar="CROP.jpg", help="A picture of one thing; with words both must fit.")
    ] = None,
    without: Annotated[list[str], typer.Option("--not", metavar="WORDS", help="What must not fit; repeatable.")] = [],  # noqa: B006
    camera: Annotated[str | None, typer.Option(metavar="C", help="This camera or file only.")] = None,
    since: Annotated[
        str | None,
        typer.Option(
            "--from", metavar="T", help="From a time in the video (90, 1:30, 1:00:00) or a moment (ISO 8601)."
        ),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="T", help="To such a time.")] = None,
    top: Annotated[int, typer.Option(metavar="K", min=1, help="Most hits of each list.")] = 20,
    json_file: options.JsonFile = None,
    sheet: Annotated[Path | None, typer.Option(metavar="F.png", help="The hits on one page, .png or .jpg.")] = None,
    clips: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A few seconds around each hit in a video, as NUMBER-WORDS.mp4.")
    ] = None,
) -> None:
    """Find things in an archive by words, by a picture, or both; no frame is looked at again.

    One thing is one hit, however often it was seen.
    """
    from regionclip.formats.outputs import check_outputs

    vocabulary, settings = read_words([*named, *words.prompts], words.prompts_file, words.threshold), tower.settings()
    if not vocabulary and like is None:
        raise ConfigError('search: expected words ("拿红色雨伞的人") or --like CROP.jpg, got neither')
    window = _time("--from", since), _time("--to", until)
    inputs = {"DIR": archive, "--like": like, **words.files, **tower.files}
    check_outputs({"--json": json_file, "--sheet": sheet}, inputs, folders={"--clips": clips})
    if sheet is not None and sheet.suffix.lower() not in (".png", ".jpg"):
        raise ConfigError(f"--sheet {sheet}: expected a name ending in .png or .jpg")
    if sheet is not None or clips is not None:
        from regionclip.drawing.text import check_drawable

        check_drawable(vocabulary.names)
    from regionclip.frames import read_frame

    crop = None if like is None else read_frame(like)
    from regionclip.archive.store import Archive

    stored = Archive(archive)
    detector = tower.load(settings)
    detector.scorer.check_fingerprint(stored.fingerprint, f"archive {archive}")
    preparing(detector, vocabulary)
    hits = stored.search(
        detector,
        vocabulary,
        like=crop,
        without=without,
        camera=camera,
        since=window[0],
        until=window[1],
        top=top,
        threshold=words.threshold or 0.0,
    )
    named_hits = [hit if hit.label else replace(hit, label=str(like)) for hit in hits]
    _tell(detector, named_hits, json_file)
    if sheet is not None:
        _draw(named_hits, sheet)
    if clips is not None:
        _cut(named_hits, clips)


def _tell(detector: "Detector", hits: "Sequence[Hit]", json_file: Path | None) -> None:
    """Print hits list by list, and write them as JSON where that is asked for."""
    from regionclip.archive.pictures import where
    from regionclip.archive.records import search_json

    label = None
    for hit in hits if str(json_file) != "-" else ():
        if hit.label != label:
            label = hit.label
            sys.stdout.write(f"{label}\n")
        corners = " ".join(f"{side:.0f}" for side in hit.best.box)
        matched = f"  ({hit.prompt})" if hit.prompt not in (hit.label, "") else ""
        place = "  ".join(filter(None, where(hit)))
        sys.stdout.write(f"  {hit.confidence:.2f}  {place}  [{corners}]{matched}\n")
    write_json(json_file, search_json(detector.tower.card, hits))


def _draw(hits: "Sequence[Hit]", path: Path) -> None:
    from regionclip.archive.pictures import sheet
    from regionclip.formats.pictures import write_picture

    write_picture(path, sheet(hits))
    say(f"wrote {path}")


def _cut(hits: "Sequence[Hit]", folder: Path) -> None:
    """Write a clip around each hit that has a time in a file; a video that is gone is told, and the others are cut."""
    from regionclip.archive.pictures import write_clip

    for number, hit in enumerate(hits, 1):
        if hit.best.key.seconds is None:
            continue
        name = "".join(each if each.isalnum() else "-" for each in hit.label)[:40]
        try:
            write_clip(hit, folder / f"{number:02}-{name}.mp4")
        except FileError as error:
            say(f"{error}")


def _time(option: str, text: str | None) -> float | datetime | None:
    """Seconds of `90`, `1:30` or `1:00:00`, else a moment."""
    if text is None or not re.fullmatch(r"(\d+:){0,2}\d+(\.\d+)?", text):
        return None if text is None else _moment(option, text)
    seconds = 0.0
    for part in text.split(":"):
        seconds = 60 * seconds + float(part)
    return seconds


def _moment(option: str, text: str) -> datetime:
    """A moment in ISO 8601; without a time zone it is that of this machine.

    Raises:
        ConfigError: for anything else.
    """
    try:
        return datetime.fromisoformat(text).astimezone()
    except ValueError as error:
        raise ConfigError(
            f"{option} {text!r}: expected seconds, H:MM:SS, or a moment as 2026-11-30T08:00:00+08:00"
        ) from error
