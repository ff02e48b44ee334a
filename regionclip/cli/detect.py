"""`regionclip detect` and `regionclip classify`: label regions of pictures, or whole pictures."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import preparing, print_detections, progress, say, write_json
from regionclip.errors import ConfigError, ImageFileError

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.boxes import Boxes
    from regionclip.config import Config
    from regionclip.data.auto_labels import AutoLabels, DatasetFormat
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary

Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="SOURCE...",
        help="Picture files, folders (not their sub-folders), glob patterns ('photos/**/*.jpg').",
    ),
]


@dataclass(frozen=True, kw_only=True)
class DatasetOptions:
    """A set to train on, of what was found."""

    dataset: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write pictures and boxes here as a set to train on (docs/datasets.md)."),
    ] = None
    form: Annotated[str, typer.Option("--format", help="Of --dataset: coco, yolo or voc.")] = "coco"
    review: Annotated[
        Path | None,
        typer.Option(metavar="FILE.png", help="Write a sheet of the least certain: those to look at first."),
    ] = None

    def check(self) -> None:
        """Refuse what cannot be written.

        Raises:
            ConfigError: for an unknown format, a folder that holds something, and a sheet that is no picture.
        """
        options.check_choice("--format", self.form, ("coco", "yolo", "voc"))
        if self.dataset is not None and self.dataset.is_dir() and any(self.dataset.iterdir()):
            raise ConfigError(f"--dataset {self.dataset}: expected a folder that is not there yet, or is empty")
        if self.review is not None and self.review.suffix.lower() not in (".png", ".jpg"):
            raise ConfigError(f"--review {self.review}: expected a name ending in .png or .jpg")

    def begun(self, vocabulary: "Vocabulary") -> "AutoLabels":
        """What is to be gathered."""
        from regionclip.data.auto_labels import AutoLabels

        return AutoLabels(vocabulary)

    def write(self, labelled: "AutoLabels") -> None:
        """Write what is asked for, where a picture could be read."""
        from regionclip.formats.pictures import write_picture

        if labelled and self.dataset is not None:
            labelled.write(self.dataset, cast("DatasetFormat", self.form))
        if labelled and self.review is not None:
            write_picture(self.review, labelled.doubtful())


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
    *,
    training: DatasetOptions,
) -> None:
    """Label regions of pictures with free-form words.

    Without --boxes, the proposer finds the regions. Results are printed; --out, --json and --dataset write them.
    """
    from regionclip.formats.outputs import check_outputs
    from regionclip.formats.pictures import check_replaceable, picture_names
    from regionclip.frames import find_images, read_frame

    vocabulary, images = words.read(), find_images(sources)
    settings = tower.settings() if verify is None else _verified(tower.settings(), verify)
    pictures = [None] * len(images) if out is None else picture_names(out, images)
    inputs = {"SOURCE": images, "--boxes": boxes, **words.files, **tower.files}
    drawn = [picture for picture in pictures if picture is not None]
    files = {"--json": json_file, "--out": drawn, "--review": training.review}
    check_outputs(files, inputs, folders={"--out": out, "--dataset": training.dataset})
    training.check()
    check_replaceable(zip(drawn, images, strict=False))
    given = options.boxes_of(boxes, images)
    if len(images) == 1 and json_file is None:
        read_frame(images[0])  # told before anything heavy is loaded
    if out is not None or training.review is not None:
        from regionclip.drawing.text import check_drawable

        check_drawable(vocabulary.names)
    from regionclip.answers.records import asked_record, result_json

    detector = tower.load(settings)
    preparing(detector, vocabulary)
    if boxes is None and detector.proposer.has_memory:
        say("a proposer here remembers earlier pictures: these count as frames of one camera, in order")
    records: list[dict[str, Any]] = []
    labelled = training.begun(vocabulary)
    try:
        for image, own, picture in progress(list(zip(images, given, pictures, strict=True)), "detect"):
            record, detections = _one(detector, vocabulary, image, own, picture)
            records.append(record)
            if detections is not None:
                labelled.add(image, detections)
            if detections is not None and str(json_file) != "-":  # printed last: what is printed is in the file
                print_detections(str(image), detections)
    finally:  # an interrupt loses the pictures to come, not those that are done
        asked = asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary))
        write_json(json_file, result_json(asked, records))
    training.write(labelled)
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
