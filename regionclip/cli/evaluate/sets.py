"""What protocols on sets of pictures share: options for pictures, words, and where rows and figures go."""

import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from regionclip.cli.terminal import options
from regionclip.cli.terminal.output import preparing, progress, write_json
from regionclip.errors import ConfigError
from regionclip.formats.outputs import check_outputs

if TYPE_CHECKING:
    from regionclip.config import Config
    from regionclip.detector import Detector
    from regionclip.evaluation.protocols.report import Report
    from regionclip.evaluation.protocols.rows import Recorded
    from regionclip.evaluation.protocols.truth import TrueSet
    from regionclip.words.vocabulary import Vocabulary

watch = partial(progress, what="images")
Naming = tuple[list[str], str, bool]
"""Languages, templates, and whether crowd boxes are asked."""

Languages = Annotated[
    list[str], typer.Option(help="en or zh; repeatable. Without it those that all classes have names in.")
]
Templates = Annotated[
    str, typer.Option(metavar="SET", help="Sentences that names are put into: imagenet, security, none, ...")
]


@dataclass(frozen=True, kw_only=True)
class SetOptions:
    """Which pictures."""

    annotations: Annotated[Path, typer.Option("--annotations", metavar="A.json", help="COCO-format annotation file.")]
    images: Annotated[
        Path | None, typer.Option("--images", metavar="DIR", help="Its pictures; `images` beside it without this.")
    ] = None
    split: Annotated[str | None, typer.Option(metavar="NAME", help="Only pictures with this `split`.")] = None
    first: Annotated[int | None, typer.Option("--first", min=1, help="Only so many pictures.")] = None

    @property
    def folder(self) -> Path:
        """Of the pictures."""
        return self.images or self.annotations.parent / "images"

    def read(self) -> "TrueSet":
        """The set."""
        from regionclip.evaluation.protocols.truth import TrueSet

        return TrueSet.read(self.annotations, self.folder, self.split, self.first)

    @property
    def files(self) -> dict[str, Path | None]:
        """What is read, by option."""
        return {"--annotations": self.annotations, "--images": self.images}


@dataclass(frozen=True, kw_only=True)
class OutOptions:
    """Where rows and figures go."""

    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="DIR",
            help="Keep rows and figures there, eval-PROTOCOL without this; run again to go on after an interruption.",
        ),
    ] = None
    json_file: options.JsonFile = None

    def folder(self, protocol: str, *read: Mapping[str, Any]) -> Path:
        """The folder of the run; nothing that is written is an input."""
        folder = self.out or Path(f"eval-{protocol}")
        inputs = {name: path for each in read for name, path in each.items()}
        check_outputs({"--json": self.json_file}, inputs, folders={"--out": folder})
        return folder

    def tell(self, report: "Report", folder: Path) -> None:
        """Print the report and keep it."""
        sys.stdout.write(report.table() + "\n")
        keep(report, folder)
        write_json(self.json_file, report.record())


def keep(report: "Report", folder: Path) -> None:
    """Write the figures beside the rows, as `PROTOCOL.json` and `PROTOCOL.csv`."""
    from regionclip.formats.files import write_file

    write_json(folder / f"{report.name}.json", report.record())
    write_file(folder / f"{report.name}.csv", report.csv().encode())


@dataclass(frozen=True, kw_only=True)
class AskOptions:
    """What is asked, and in whose boxes."""

    prompts: Annotated[
        list[str],
        typer.Option("--prompt", "-p", metavar="WORDS", help="Ask these classes only, as name or name=phrase|phrase."),
    ] = field(default_factory=list)
    language: Annotated[Literal["en", "zh", "both"], typer.Option(help="Names of the classes that are asked.")] = "en"
    templates: Templates = "none"
    boxes: Annotated[Literal["truth", "proposals"], typer.Option("--boxes", help="Whose boxes are labelled.")] = (
        "proposals"
    )

    def read(self, truth: "TrueSet") -> "tuple[TrueSet, Vocabulary]":
        """The set of these classes, and their words."""
        from regionclip.evaluation.protocols.truth import ask

        return ask(truth, self.prompts, self.language, self.templates)

    def find(
        self,
        tower: options.DetectorOptions,
        truth: "TrueSet",
        folder: Path,
        **settings: Any,  # noqa: ANN401 - fields of a Config
    ) -> "tuple[Detector, TrueSet, Recorded]":
        """Rows of all images, ranked and not thresholded; the set is that of the classes asked."""
        from regionclip.evaluation.protocols.coco import SETTINGS

        truth, words = self.read(truth)
        detector = tower.load(tower.settings().replaced(**{**SETTINGS, **settings}))
        return detector, truth, self.found(detector, truth, words, folder)

    def found(self, detector: "Detector", truth: "TrueSet", words: "Vocabulary", folder: Path) -> "Recorded":
        """The same by a detector that is loaded.

        Raises:
            ConfigError: where its proposer remembers earlier frames.
        """
        if detector.proposer.has_memory and self.boxes == "proposals":
            raise ConfigError("this proposer remembers earlier frames, and photographs follow none; take another")
        preparing(detector, words)
        from regionclip.evaluation.protocols.coco import find

        return find(detector, truth, words, folder, boxes=self.boxes, watch=watch)


def name_boxes(
    tower: options.DetectorOptions, settings: "Config", which: SetOptions, folder: Path, how: Naming
) -> "tuple[Detector, TrueSet, Recorded]":
    """Rows of all true boxes."""
    from regionclip.evaluation.protocols import boxes
    from regionclip.evaluation.protocols.truth import ask

    languages, templates, crowds = how
    for language in languages:
        options.check_choice("--language", language, ("en", "zh"))
    truth = which.read()
    words = {language: ask(truth, [], language, templates)[1] for language in languages or truth.languages}
    detector = tower.load(settings)
    for vocabulary in words.values():
        preparing(detector, vocabulary)
    return detector, truth, boxes.name(detector, truth, words, folder, crowds=crowds, watch=watch)
