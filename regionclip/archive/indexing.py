"""Files into an archive: what a file shows -> rows -> batch -> table. Each content once, whatever its name.

`look` is the part that costs time. It reads one file and knows no archive: it may run anywhere.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import numpy as np

from regionclip.answers.regions import Regions
from regionclip.archive.rows import FileNote, FrameKey, rows_of
from regionclip.archive.store import Archive, ArchiveWriter
from regionclip.archive.thumbnails import thumbnails
from regionclip.boxes import Boxes
from regionclip.detector import BATCH, Detector
from regionclip.errors import FileError, FrameError
from regionclip.frames import SUFFIXES, Frame, read_frame
from regionclip.video.follower import Follower
from regionclip.video.options import FollowOptions
from regionclip.video.sources.base import VideoFrame
from regionclip.video.sources.opening import open_source
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.vocabulary import Label

_ANYTHING = [Label("thing", threshold=0.0)]
"""What is followed while no words are known. Tracks go by objectness: how well this fits does not matter."""

_FOLLOWING = TrackSettings(follow="objectness")


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexOptions:
    """How files are looked at.

    Attributes:
        every: frames of a video from one look of the tower to the next.
        track: whether things in videos are followed.
        camera: that took the files; None takes the name of each.
        start_utc: when videos start, seconds since 1970 UTC; None where nobody knows.
    """

    every: int = 1
    track: bool = False
    camera: str | None = None
    start_utc: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """One frame of a file and what the tower saw in it.

    Attributes:
        key: of the frame.
        regions: with `tracker_id` where things are followed, -1 for what is not.
        image: `(H, W, 3)`.
        share: of the file that is read, 0..1; 0 where its length is not known.
    """

    key: FrameKey
    regions: Regions
    image: Frame
    share: float


def unfinished(archive: Archive, paths: Iterable[Path]) -> list[FileNote]:
    """What is known of the files that are not wholly in an archive, one for each content.

    A file of the name, size and time of change of one that is there is taken for it; of others the content is read.
    """
    known = archive.files()
    stamps = {(note.source, note.stamp): note for note in known.values()}
    found: dict[str, FileNote] = {}
    for path in paths:
        source, stamp, digest = str(path.absolute()), "", f"unread {path.absolute()}"
        try:
            status = path.stat()
            stamp = f"{status.st_size} {status.st_mtime_ns}"
            if (note := stamps.get((source, stamp))) is None:
                with path.open("rb") as file:
                    digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError:
            note = None  # why it cannot be read is told when it is to be read
        note = note or known.get(digest) or FileNote(source, digest, stamp)
        if not note.done:
            moved = note.source != source
            note = FileNote(source, note.digest, stamp) if moved else replace(note, stamp=stamp)
            found.setdefault(note.digest, note)
    return list(found.values())


def index_file(
    writer: ArchiveWriter,
    note: FileNote,
    detector: Detector,
    options: IndexOptions,
    *,
    boxes: Boxes | None = None,
    watch: Callable[[float], None] = lambda share: None,
) -> FileNote:
    """Add what a file shows, from the frame on at which its note says that an earlier run ended.

    Args:
        writer: of the archive.
        note: of the file.
        detector: whose proposer needs no words.
        options: how it is looked at.
        boxes: of a picture, instead of the proposer's.
        watch: called with the share of the file that is read.

    Returns:
        The note as it is now; a file that cannot be read, or not to its end, is done with an `error`.

    Raises:
        FileError: where the archive cannot be written.
    """
    writer.clear(note)
    looks = look(Path(note.source), detector, options, boxes=boxes, start=note.next, tracks=note.tracks)
    while True:
        try:
            each = next(looks, None)
        except (FileError, FrameError) as error:
            note = replace(note, error=str(error))
            each = None
        if each is None:
            break
        highest = note.tracks if each.regions.tracker_id is None else int(each.regions.tracker_id.max(initial=0))
        note = replace(note, next=each.key.index + 1, tracks=max(note.tracks, highest))
        pictures = thumbnails(each.image, each.regions.xyxy, each.regions.valid)
        writer.append(rows_of(writer.columns, each.key, each.regions, pictures), note)
        watch(each.share)
    # What could not even be opened may be readable the next time.
    note = replace(note, done=bool(note.stamp))
    writer.note(note)
    return note


def look(
    path: Path,
    detector: Detector,
    options: IndexOptions,
    *,
    boxes: Boxes | None = None,
    start: int = 0,
    tracks: int = 0,
) -> Iterator[Look]:
    """What the tower sees in a picture or a video; arguments as of `index_file`.

    Args:
        path: of the file.
        detector: whose proposer needs no words.
        options: how it is looked at.
        boxes: of a picture.
        start: frames before this one were looked at.
        tracks: numbers up to this one were given.

    Raises:
        FileError, FrameError: where it cannot be read; what was given until then is good.
    """
    source, camera, own = str(path), options.camera or path.name, detector.for_source()
    if path.suffix.lower() in SUFFIXES:
        if not start:
            image = read_frame(path)
            yield Look(FrameKey(source, camera=camera), own.regions(image, boxes), image, 1.0)
        return
    with open_source(path, mode="every", start_utc=options.start_utc) as video:
        first = -(-start // options.every) * options.every
        frames = (frame for frame in video if frame.index >= first)
        looks = _followed(frames, own, options.every, tracks) if options.track else _seen(frames, own, options.every)
        for frame, regions in looks:
            key = FrameKey(source, frame.index, frame.t_seconds, frame.utc_seconds, camera)
            yield Look(key, regions, frame.image, min(frame.t_seconds / (video.duration_seconds or np.inf), 1.0))


def _seen(frames: Iterator[VideoFrame], detector: Detector, every: int) -> Iterator[tuple[VideoFrame, Regions]]:
    """Each so many frames alone."""
    # On a CPU frames together gain nothing, and the bits are those of asking at once.
    one_by_one = detector.proposer.has_memory or detector.tower.placement.startswith("cpu")
    chosen = (frame for frame in frames if frame.index % every == 0)
    while batch := list(islice(chosen, 1 if one_by_one else BATCH)):
        for frame, features in zip(batch, detector.features_of([each.image for each in batch]), strict=True):
            yield frame, detector.regions(features)


def _followed(
    frames: Iterator[VideoFrame], detector: Detector, every: int, tracks: int
) -> Iterator[tuple[VideoFrame, Regions]]:
    """Each so many frames, and those on which a track looks other than before, with the numbers of tracks."""
    follower = Follower(detector, _ANYTHING, source="", options=FollowOptions(every=every, tracks=_FOLLOWING))
    for known in map(follower.follow, frames):
        if known.regions is not None:
            rows, numbers = known.detections, np.full(len(known.regions), -1)  # (N,)
            if rows.tracker_id is not None:
                region = np.asarray(rows.data["region"])  # (K,)
                numbers[region[region >= 0]] = rows.tracker_id[region >= 0] + tracks
            yield known.frame, replace(known.regions, tracker_id=numbers)
