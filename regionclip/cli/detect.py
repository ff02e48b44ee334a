"""`regionclip detect`: label regions of pictures."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from regionclip.cli.terminal import exits, options
from regionclip.cli.terminal.output import print_detections, progress, say
from regionclip.errors import ConfigError, ImageFileError

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.boxes import Boxes
    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary


def detect(
    sources: Annotated[
        list[str],
        typer.Argument(
            metavar="SOURCE...",
            help="Picture files, folders (not their sub-folders), glob patterns ('photos/**/*.jpg').",
        ),
    ],
    prompts: options.Prompts = [],  # noqa: B006 - typer copies it
    prompts_file: options.PromptsFile = None,
    tower: options.TowerName = None,
    weights: options.WeightsName = None,
    boxes: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(
            metavar="B.json", help="Boxes from outside: COCO JSON, or a JSON object of file: list of x1 y1 x2 y2."
        ),
    ] = None,
    proposer: options.ProposerNames = [],  # noqa: B006
    preset: options.PresetName = None,
    threshold: options.Threshold = None,
    budget: options.BudgetName = None,
    tiles: options.TilesName = None,
    config: options.ConfigFile = None,
    out: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option(metavar="DIR", help="Write annotated pictures here, as NAME-regions.jpg or .png."),
    ] = None,
    json_file: Annotated[
        Optional[Path],  # noqa: UP045
        typer.Option("--json", metavar="FILE", help="Write the results as JSON (docs/formats.md); - for stdout."),
    ] = None,
    device: options.DeviceName = "auto",
    dtype: options.DtypeName = "auto",
) -> None:
    """Label regions of pictures with free-form words.

    Without --boxes, the proposer finds the regions. Results are printed; --out and --json write them to files.
    """
    from regionclip.answers.records import asked_record, result_json
    from regionclip.drawing.text import check_drawable
    from regionclip.formats.coco import BoxFile
    from regionclip.formats.files import write_file
    from regionclip.formats.pictures import picture_names
    from regionclip.frames import find_images
    from regionclip.loading import load

    vocabulary = options.read_vocabulary(prompts, prompts_file, threshold)
    settings = options.read_config(tower, config, weights, preset, proposer, budget, tiles)
    check_outputs(out, json_file)
    if out is not None:
        check_drawable(vocabulary.names)
    images = find_images(sources)
    box_file = None if boxes is None else BoxFile(boxes)
    given = [None if box_file is None else box_file.of(image) for image in images]
    pictures = [None] * len(images) if out is None else picture_names(out, images)
    detector = load(settings, weights=weights, device=device, dtype=dtype)
    if box_file is None and detector.proposer.has_memory:
        say("regionclip: a proposer here remembers earlier pictures: these count as frames of one camera, in order")
    quiet = json_file is not None and str(json_file) == "-"
    records: list[dict[str, Any]] = []
    try:
        for image, own, picture in progress(list(zip(images, given, pictures, strict=True)), "detect"):
            record, detections = _one(detector, vocabulary, image, own, picture)
            records.append(record)
            if detections is not None and not quiet:  # printed last: what is printed is in the file
                print_detections(str(image), detections)
    finally:  # an interrupt loses the pictures to come, not those that are done
        text = result_json(asked_record(detector.tower.card, vocabulary, detector.thresholds(vocabulary)), records)
        if quiet:
            sys.stdout.write(text)
        elif json_file is not None:
            write_file(json_file, text.encode())
    failed = sum("error" in record for record in records)
    if failed:
        raise typer.Exit(exits.UNREADABLE if failed == len(records) else exits.PARTLY)


def check_outputs(out: Path | None, json_file: Path | None) -> None:
    """Refuse outputs that cannot be before any work is done.

    Raises:
        ConfigError: where `--out` is a file or `--json` a folder.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: expected a folder, got a file")
    if json_file is not None and json_file.is_dir():
        raise ConfigError(f"--json {json_file}: expected a file, got a folder")


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
        say(f"regionclip: {error}")
        return failed_record(str(image), error), None
    regions = detector.regions(frame, boxes, words=vocabulary)
    detections = detector.classify(regions, vocabulary)
    unusable = int((~regions.valid).sum())
    if unusable:
        say(f"regionclip: {image}: {unusable} of {len(regions)} boxes have no area inside the picture: no label")
    if picture is not None:
        write_picture(picture, annotate(frame, detections))
    return image_record(str(image), regions, detections), detections
