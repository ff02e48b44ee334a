"""`regionclip index` and `regionclip ask`: pictures through the tower once, words as often as wanted."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import print_detections, progress, say
from regionclip.errors import ConfigError, ImageFileError

if TYPE_CHECKING:
    from regionclip.archive.search import Hit
    from regionclip.archive.store import FrameKey, RegionsStore
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary

_ASKING = {
    *("name", "weights", "revision", "device", "dtype", "threshold", "mode", "bank", "nms", "nms_iou"),
    *("labels_per_region", "max_detections", "unknown", "objectness_weight", "proposer_options"),
}
"""Settings that change no region: they may differ when an index is resumed. The tower is told by its fingerprint."""


def index(
    sources: Annotated[
        list[str],
        typer.Argument(metavar="SOURCE...", help="Picture files, folders (not their sub-folders), glob patterns."),
    ],
    out: Annotated[Path, typer.Option(metavar="X.regions", help="Folder to write the regions to.")],
    resume: Annotated[
        bool, typer.Option("--resume", help="Add to a folder that is there; pictures it holds are skipped.")
    ] = False,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    boxes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="B.json", help="Boxes from outside, as in `regionclip detect`."),
    ] = None,
    proposer: options.ProposerNames = [],  # noqa: B006 - typer copies it
    preset: options.PresetName = None,
    budget: options.BudgetName = None,
    tiles: options.TilesName = None,
    config: options.ConfigFile = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Put the regions of pictures into a folder, to be asked later with any words (`regionclip ask`).

    The pictures are named as they are given. An interrupt keeps what is done; --resume goes on there.
    """
    from regionclip.archive.store import FrameKey, RegionsStore
    from regionclip.formats.coco import BoxFile
    from regionclip.frames import find_images, read_frame
    from regionclip.loading import load

    settings = options.read_config(tower, config, weights, preset, proposer, budget, tiles)
    if not resume:
        RegionsStore.check_free(out)
    images = find_images(sources)
    box_file = None if boxes is None else BoxFile(boxes)
    given = [None if box_file is None else box_file.of(image) for image in images]
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    if boxes is None and detector.proposer.asks_words:
        raise ConfigError(
            "index: expected a proposer that needs no words, got one that looks for words, which come later"
        )
    if boxes is None and detector.proposer.has_memory:
        say("regionclip: a proposer here remembers earlier pictures: these count as frames of one camera, in order")
    store = _store(out, detector, boxes is not None, resume)
    failed = done = 0
    with store.writer() as writer:
        for image, own in progress(list(zip(images, given, strict=True)), "index"):
            key = FrameKey(str(image))
            if key in writer:
                continue
            try:
                frame = read_frame(image)
            except ImageFileError as error:
                say(f"regionclip: {error}")
                failed += 1
                continue
            writer.add(key, detector.regions(frame, own))
            done += 1
    say(f"regionclip: {out}: {done} pictures added, {len(images) - done - failed} were there, {failed} unreadable")
    if failed:
        raise typer.Exit(exits.UNREADABLE if failed == len(images) else exits.PARTLY)


def _store(out: Path, detector: "Detector", given: bool, resume: bool) -> "RegionsStore":
    """The store to add to, whose regions are made as these will be.

    Raises:
        ConfigError: where there is one and it is not to be resumed, or its regions were made with other settings.
    """
    from regionclip.archive.store import RegionsStore

    settings = detector.config.model_dump(mode="json", exclude=_ASKING)
    notes = {**settings, "proposer": detector.conditions(given=given).proposer, "name": detector.tower.card.name}
    if not resume or not out.exists():
        return RegionsStore.create(out, detector.tower.card.revision, notes)
    store = RegionsStore(out)
    detector.check_fingerprint(store.fingerprint, f"regions {out}")
    changed = [name for name in notes if store.notes.get(name) != notes[name]]
    if changed:
        told = "; ".join(f"{name}: {store.notes.get(name)}, now {notes[name]}" for name in changed)
        raise ConfigError(f"regions {out} were made with other settings ({told}): expected the same ones to resume")
    return store


def ask(
    store: Annotated[Path, typer.Argument(metavar="X.regions", help="Folder that `regionclip index` wrote.")],
    prompts: options.Prompts = [],  # noqa: B006
    prompts_file: options.PromptsFile = None,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    threshold: options.Threshold = None,
    config: options.ConfigFile = None,
    top: Annotated[
        Optional[int],  # noqa: UP045
        typer.Option(metavar="N", min=1, help="The N best regions of each label instead, whatever the thresholds."),
    ] = None,
    json_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write the results as JSON (docs/formats.md); - for stdout."),
    ] = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Ask stored regions for any words; the tower sees no picture again.

    Prints the frames with detections, or with --top the best regions of each label over all frames.
    """
    from regionclip.archive.records import search_json
    from regionclip.archive.store import RegionsStore
    from regionclip.cli.detect import check_outputs
    from regionclip.formats.files import write_file
    from regionclip.loading import load

    vocabulary = options.read_vocabulary(prompts, prompts_file, threshold)
    settings = options.read_config(tower, config, weights)
    check_outputs(None, json_file)
    regions = RegionsStore(store)
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    detector.check_fingerprint(regions.fingerprint, f"regions {store}")
    quiet = json_file is not None and str(json_file) == "-"
    if top is None:
        text = _all_frames(detector, regions, vocabulary, quiet=quiet)
    else:
        hits = detector.search(regions, vocabulary, top=top)
        text = search_json(detector.tower.card, vocabulary, hits)
        if not quiet:
            _print_hits(hits)
    if quiet:
        sys.stdout.write(text)
    elif json_file is not None:
        write_file(json_file, text.encode())


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
    say(f"regionclip: {fitting} of {len(records)} frames with detections")
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
