"""`regionclip detect` and `regionclip classify`: label regions of pictures, or whole pictures."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, print_detections, progress, say, write_json
from regionclip.errors import ImageFileError

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.boxes import Boxes
    from regionclip.config import Config
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Picture files, folders (not their sub-folders), glob patterns ('photos/**/*.jpg').",
    ),
]


@options.grouped
def detect(
    sources: Sources,
    words: options.WordOptions,
    tower: options.DetectorOptions,
    boxes: options.BoxesFile = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write annotated pictures here, as NAME-regions.jpg or .png; those of other pictures stay.",
        ),
    ] = None,
    json_file: options.JsonFile = None,
    verify: Annotated[
        str | None,
        typer.Option(
            metavar="FOLDER",
            help="Ask this describer (docs/describe.md) about labels of small margin, and drop those it finds wrong.",
        ),
    ] = None,
) -> None:
    """Label regions of pictures with free-form words.

    Without --boxes, the proposer finds the regions. Results are printed; --out and --json write them to files.
    """
    from regionclip.formats.outputs import check_outputs
    from regionclip.formats.pictures import check_replaceable, picture_names
    from regionclip.frames import find_images, read_frame

    vocabulary, images = words.read(), find_images(sources)
    settings = tower.settings() if verify is None else _verified(tower.settings(), verify)
    pictures = [None] * len(images) if out is None else picture_names(out, images)
    inputs = {"SOURCE": images, "--boxes": boxes, **words.files, **tower.files}
    drawn = [picture for picture in pictures if picture is not None]
    check_outputs({"--json": json_file, "--out": drawn}, inputs, folders={"--out": out})
    check_replaceable(zip(drawn, images, strict=False))
    given = options.boxes_of(boxes, images)
    if len(images) == 1 and json_file is None:
        read_frame(images[0])  # told before anything heavy is loaded
    if out is not None:
        from regionclip.drawing.text import check_drawable

        check_drawable(vocabulary.names)
    from regionclip.answers.records import asked_record, result_json

    detector = tower.load(settings)
    preparing(detector, vocabulary)
    if boxes is None and detector.proposer.has_memory:
        say("a proposer here remembers earlier pictures: these count as frames of one camera, in order")
    records: list[dict[str, Any]] = []
    try:
        for image, own, picture in progress(list(zip(images, given, pictures, strict=True)), "detect"):
            record, detections = _one(detector, vocabulary, image, own, picture)
            records.append(record)
            if detections is not None and str(json_file) != "-":  # printed last: what is printed is in the file
                print_detections(str(image), detections)
    finally:  # an interrupt loses the pictures to come, not those that are done
        asked = asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary))
        write_json(json_file, result_json(asked, records))
    _check_read(records)


@options.grouped
def classify(
    sources: Sources, words: options.WordOptions, tower: options.TowerOptions, json_file: options.JsonFile = None
) -> None:
    """Label whole pictures with free-form words, by the tower's own rule; no regions are looked for.

    Prints every label of a picture and its confidence, the best first; with --threshold those that reach it. Thresholds
    of a vocabulary are for regions, and not looked at.
    """
    from regionclip.formats.outputs import check_outputs
    from regionclip.frames import find_images, read_frame

    vocabulary, settings, images = words.read(), tower.settings(), find_images(sources)
    check_outputs({"--json": json_file}, {"SOURCE": images, **words.files, **tower.files})
    if len(images) == 1 and json_file is None:
        read_frame(images[0])  # told before anything heavy is loaded
    from regionclip.answers.records import classification, classified_record, readable

    detector = tower.load(settings.with_proposers(["none"]))
    records: list[dict[str, Any]] = []
    try:
        for image in progress(images, "classify"):
            try:
                features = detector.features(image)
            except ImageFileError as error:
                say(f"{error}")
                records.append({"file": readable(str(image)), "error": readable(str(error)), "labels": []})
                continue
            found = detector.classify_image(features, vocabulary)
            assert found.confidence is not None
            named = zip((vocabulary.names[place] for place in found.class_id), found.confidence.tolist(), strict=True)
            labels = [(name, score) for name, score in named if score >= (words.threshold or 0)]
            records.append(classified_record(str(image), features, labels))
            if str(json_file) != "-":
                sys.stdout.write(f"{image}\n" + "".join(f"  {score:.4f}  {name}\n" for name, score in labels))
    finally:  # as above
        write_json(json_file, classification(detector.tower.card, vocabulary, records))
    _check_read(records)


def _check_read(records: Sequence[dict[str, Any]]) -> None:
    """End with the code of pictures that could not be read, where there are any."""
    failed = sum("error" in record for record in records)
    if failed:
        raise typer.Exit(exits.UNREADABLE if failed == len(records) else exits.PARTLY)


def _verified(settings: "Config", model: str) -> "Config":
    """The settings with another describer; when it is asked is as they say."""
    from regionclip.config import Verify

    checked = Verify(model=model) if settings.verify is None else settings.verify.replaced(model=model)
    return settings.replaced(verify=checked)


def _one(
    detector: "Detector",
    vocabulary: "Vocabulary",
    image: Path,
    boxes: "Boxes | None",
    picture: Path | None,
) -> tuple[dict[str, Any], "sv.Detections | None"]:
    """Detect on one picture and draw: its entry of the result file, and what was found."""
    from regionclip.answers.records import failed_record, image_record
    from regionclip.drawing import annotate
    from regionclip.formats.pictures import write_picture
    from regionclip.frames import read_frame

    try:
        frame = read_frame(image)
    except ImageFileError as error:
        say(f"{error}")
        return failed_record(str(image), error), None
    regions = detector.regions(frame, boxes, words=vocabulary)
    detections = detector.verify(frame, detector.classify(regions, vocabulary))
    unusable = int((~regions.valid).sum())
    if unusable:
        say(f"{image}: {unusable} of {len(regions)} boxes have no area inside the picture: no label")
    if picture is not None:
        write_picture(picture, annotate(frame, detections, banner=detector.banner(regions.out_of_domain)), source=image)
    return image_record(str(image), regions, detections), detections
