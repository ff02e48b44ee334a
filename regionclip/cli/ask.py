"""`regionclip index` and `regionclip ask`: pictures through the tower once, words as often as wanted."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, print_detections, progress, say, write_json
from regionclip.errors import ConfigError, ImageFileError

if TYPE_CHECKING:
    from regionclip.archive.search import Hit
    from regionclip.archive.store import FrameKey, RegionsStore
    from regionclip.boxes import GivenBoxes
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary

_ASKING = {
    *("name", "weights", "revision", "device", "dtype", "threshold", "mode", "bank", "nms", "nms_iou"),
    *("labels_per_region", "max_detections", "unknown", "objectness_weight", "proposer_options", "phrase_cache"),
}
"""Settings that change no region: they may differ when an index is resumed. The tower is told by its fingerprint."""


@options.grouped
def index(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Picture files, folders (not their sub-folders), glob patterns."),
    ],
    out: Annotated[Path, typer.Option(metavar="X.regions", help="Folder to write the regions to.")],
    tower: options.DetectorOptions,
    resume: Annotated[
        bool, typer.Option("--resume", help="Add to a folder that is there; pictures it holds are skipped.")
    ] = False,
    boxes: options.BoxesFile = None,
) -> None:
    """Put the regions of pictures into a folder, to be asked later with any words (`regionclip ask`).

    The pictures are named as they are given. An interrupt keeps what is done; --resume goes on there.
    """
    from regionclip.formats.outputs import check_outputs
    from regionclip.frames import find_images

    settings, images = tower.settings(), find_images(sources)
    check_outputs({}, {"SOURCE": images, "--boxes": boxes, **tower.files}, folders={"--out": out})
    given = options.boxes_of(boxes, images)
    from regionclip.archive.store import RegionsStore

    if not resume:
        RegionsStore.check_free(out)
    detector = tower.load(settings)
    if boxes is None and detector.proposer.asks_words:
        raise ConfigError(
            "index: expected a proposer that needs no words, got one that looks for words, which come later"
        )
    if boxes is None and detector.proposer.has_memory:
        say("a proposer here remembers earlier pictures: these count as frames of one camera, in order")
    done, failed = _add(_store(out, detector, boxes is not None, resume), detector, images, given)
    say(f"{out}: {done} pictures added, {len(images) - done - failed} were there, {failed} unreadable")
    if failed:
        raise typer.Exit(exits.UNREADABLE if failed == len(images) else exits.PARTLY)


def _add(
    store: "RegionsStore", detector: "Detector", images: Sequence[Path], given: "Sequence[GivenBoxes | None]"
) -> tuple[int, int]:
    """Add the regions of the pictures that are not there; how many were added, and how many cannot be read."""
    from regionclip.archive.store import FrameKey
    from regionclip.frames import read_frame

    done = failed = 0
    with store.writer() as writer:
        for image, own in progress(list(zip(images, given, strict=True)), "index"):
            key = FrameKey(str(image))
            if key in writer:
                continue
            try:
                frame = read_frame(image)
            except ImageFileError as error:
                say(f"{error}")
                failed += 1
                continue
            writer.add(key, detector.regions(frame, own))
            done += 1
    return done, failed


def _store(out: Path, detector: "Detector", given: bool, resume: bool) -> "RegionsStore":
    """The store to add to, whose regions are made as these will be.

    Raises:
        ConfigError: where there is one and it is not to be resumed, or its regions were made with other settings.
    """
    from regionclip.archive.store import RegionsStore

    settings = detector.config.model_dump(mode="json", exclude=_ASKING)
    notes = {**settings, "proposer": detector.scorer.conditions(given=given).proposer, "name": detector.tower.card.name}
    if not resume or not out.exists():
        return RegionsStore.create(out, detector.tower.card.revision, notes)
    store = RegionsStore(out)
    detector.scorer.check_fingerprint(store.fingerprint, f"regions {out}")
    changed = [name for name in notes if store.notes.get(name) != notes[name]]
    if changed:
        told = "; ".join(f"{name}: {store.notes.get(name)}, now {notes[name]}" for name in changed)
        raise ConfigError(f"regions {out} were made with other settings ({told}): expected the same ones to resume")
    return store


@options.grouped
def ask(
    store: Annotated[Path, typer.Argument(metavar="X.regions", help="Folder that `regionclip index` wrote.")],
    words: options.WordOptions,
    tower: options.TowerOptions,
    top: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="The N best regions of each label instead, whatever the thresholds."),
    ] = None,
    json_file: options.JsonFile = None,
) -> None:
    """Ask stored regions for any words; the tower sees no picture again.

    Prints the frames with detections, or with --top the best regions of each label over all frames.
    """
    from regionclip.formats.outputs import check_outputs

    vocabulary, settings = words.read(), tower.settings()
    check_outputs({"--json": json_file}, {"X.regions": store, **words.files, **tower.files})
    from regionclip.archive.store import RegionsStore

    regions = RegionsStore(store)  # before anything heavy
    from regionclip.archive.records import search_json

    detector = tower.load(settings)
    detector.scorer.check_fingerprint(regions.fingerprint, f"regions {store}")
    preparing(detector, vocabulary)
    quiet = str(json_file) == "-"
    if top is None:
        text = _all_frames(detector, regions, vocabulary, quiet=quiet)
    else:
        hits = detector.search(regions, vocabulary, top=top)
        text = search_json(detector.tower.card, vocabulary, hits)
        if not quiet:
            _print_hits(hits)
    write_json(json_file, text)


def _all_frames(detector: "Detector", store: "RegionsStore", vocabulary: "Vocabulary", *, quiet: bool) -> str:
    """Print the frames with detections; all of them as the text of a result file."""
    from regionclip.answers.records import asked_record, result_json
    from regionclip.archive.records import frame_record

    records: list[dict[str, Any]] = []
    for key, regions in progress(store, "ask"):
        detections = detector.classify(regions, vocabulary)
        records.append(frame_record(key, regions, detections))
        if len(detections) and not quiet:
            print_detections(_title(key), detections)
    fitting = sum(bool(record["detections"]) for record in records)
    say(f"{fitting} of {len(records)} frames with detections")
    return result_json(asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary)), records)


def _print_hits(hits: "list[Hit]") -> None:
    """The best regions, label by label."""
    label = None
    for hit in hits:
        if hit.label != label:
            label = hit.label
            sys.stdout.write(f"{label}\n")
        corners = " ".join(f"{side:.0f}" for side in hit.box)
        matched = f"  ({hit.prompt})" if hit.prompt != hit.label else ""
        sys.stdout.write(f"  {hit.confidence:.2f}  {_title(hit.key)}  [{corners}]{matched}\n")


def _title(key: "FrameKey") -> str:
    return key.source if key.seconds is None else f"{key.source} at {key.seconds:.2f} s"
