"""Options that several commands share, in groups: a parameter of a group's type gives a command all its options."""

import inspect
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast, get_type_hints

import typer

from regionclip.errors import ConfigError, PromptError
from regionclip.words.file import read_words, vocabulary_path
from regionclip.words.vocabulary import Vocabulary

if TYPE_CHECKING:
    from regionclip.boxes import GivenBoxes
    from regionclip.config import Budget, Config, Tiles
    from regionclip.detector import Detector

BoxesFile = Annotated[
    Path | None,
    typer.Option(
        "--boxes",
        metavar="B.json",
        help="Boxes from outside: COCO JSON, or a JSON object of file: list of x1 y1 x2 y2.",
    ),
]
JsonFile = Annotated[
    Path | None, typer.Option("--json", metavar="FILE", help="Write it all as JSON (docs/formats.md); - for stdout.")
]


def grouped(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of its parameters that are groups (dataclasses), in their place."""
    hints = get_type_hints(command, include_extras=True)
    groups: dict[str, Any] = {name: kind for name, kind in hints.items() if is_dataclass(kind)}
    shown: list[inspect.Parameter] = []
    for name, parameter in inspect.signature(command).parameters.items():
        if name in groups:
            shown += _parameters(groups[name])
        else:
            shown.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))

    def called(**given: Any) -> None:  # noqa: ANN401 - what typer has read
        for name, kind in groups.items():
            given[name] = kind(**{each.name: given.pop(each.name) for each in fields(kind)})
        command(**given)

    called.__name__, called.__doc__ = command.__name__, command.__doc__
    called.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
    called.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
    return called


def _parameters(group: Any) -> list[inspect.Parameter]:  # noqa: ANN401 - a dataclass
    hints = get_type_hints(group, include_extras=True)
    return [
        inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=each.default_factory() if callable(each.default_factory) else each.default,
            annotation=hints[each.name],
        )
        for each in fields(group)
    ]


@dataclass(frozen=True, kw_only=True)
class WordOptions:
    """What to look for."""

    prompts: Annotated[
        list[str],
        typer.Option(
            "--prompt",
            "-p",
            metavar="WORDS",
            help="What to look for, English or Chinese; give it once for each label. name=phrase|phrase gives a label "
            r"several phrases; write \= and \| for the characters themselves.",
        ),
    ] = field(default_factory=list)
    prompts_file: Annotated[
        Path | None,
        typer.Option(
            "--prompts-file",
            metavar="FILE|NAME",
            help="Labels from a file (.toml vocabulary, else one -p a line), or one of `regionclip vocab list`.",
        ),
    ] = None
    threshold: Annotated[
        float | None,
        typer.Option(metavar="T", help="Least confidence, 0..1, of labels without a threshold of their own."),
    ] = None

    @property
    def files(self) -> dict[str, list[Path]]:
        """What is read, by option."""
        return {"--prompts-file": vocabulary_files(self.prompts_file)}

    def read(self) -> Vocabulary:
        """The labels of `-p` options and a prompts file together; `threshold` wins over the file's.

        Raises:
            PromptError: where there are none, or they cannot be asked for.
        """
        vocabulary = read_words(self.prompts, self.prompts_file, self.threshold)
        if not vocabulary:
            raise PromptError('no words to look for: give -p "person" -p "红色的灭火器", or --prompts-file FILE')
        return vocabulary


@dataclass(frozen=True, kw_only=True)
class TowerOptions:
    """Which tower, and where it runs."""

    tower: Annotated[
        str | None,
        typer.Option(
            "--tower",
            metavar="NAME",
            help="A name that `regionclip towers` lists, or a folder of weights; without it fgclip2-base where its "
            "weights are on this machine, else tiny.",
        ),
    ] = None
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="FOLDER", help="Folder or hub name of the tower's weights.")
    ] = None
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="TOML file of settings (docs/configuration.md).")
    ] = None
    device: Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")] = "auto"
    dtype: Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16, float16.")] = "auto"
    phrase_cache: Annotated[
        str | None,
        typer.Option("--phrase-cache", metavar="DIR|none", help="Where encoded phrases are kept for the next start."),
    ] = None

    @property
    def files(self) -> dict[str, Path | None]:
        """What is read, by option; a folder stands for its files."""
        return {"--tower": _path(self.tower), "--weights": _path(self.weights), "--config": self.config}

    def settings(self) -> "Config":
        """The settings; with both `--tower` and `--config`, the file's tower and weights give way to `--tower`.

        With neither, a folder given as `--weights` says itself which tower it is of.
        """
        from regionclip.loading import check_loadable

        config = self._config().changed(phrase_cache=self.phrase_cache)
        check_loadable(config.changed(weights=self.weights))
        return config

    def _config(self) -> "Config":
        from regionclip.config import AUTO, Config
        from regionclip.loading import config_of

        if self.config is None:
            return config_of(self.tower or AUTO)
        read = Config.read(self.config)
        if self.tower is None:
            return Config.of(read, str(self.config))
        return config_of(self.tower).changed(
            **{key: value for key, value in read.items() if key not in ("name", "tower", "weights", "revision")}
        )

    def load(self, settings: "Config | None" = None) -> "Detector":
        """The detector, of `settings` where they were read already."""
        from regionclip.cli.terminal.output import waiting

        with waiting("loading the tower"):
            from regionclip.loading import load

            return load(settings or self.settings(), weights=self.weights, device=self.device, dtype=self.dtype)


@dataclass(frozen=True, kw_only=True)
class PresetOptions(TowerOptions):
    """A tower, and a choice of proposers."""

    preset: Annotated[
        str | None,
        typer.Option(
            "--preset",
            metavar="NAME",
            help="Choice of proposers: static-camera, moving-robot, photo-archive, none (docs/proposals.md).",
        ),
    ] = None

    @property
    def files(self) -> dict[str, Path | None]:
        """What is read, by option."""
        return {**super().files, "--preset": _path(self.preset)}

    def settings(self) -> "Config":
        """The settings, with those of the preset over them."""
        settings = super().settings()
        return settings if self.preset is None else settings.with_preset(self.preset)


@dataclass(frozen=True, kw_only=True)
class DetectorOptions(PresetOptions):
    """All that makes a detector."""

    proposer: Annotated[
        list[str],
        typer.Option(
            "--proposer",
            metavar="NAME[=WEIGHTS]",
            help="Who finds boxes where none are given; repeatable, several are united. `regionclip proposals` lists "
            "them.",
        ),
    ] = field(default_factory=list)
    budget: Annotated[
        str | None,
        typer.Option("--budget", metavar="B", help="Patches a frame: fast, balanced, fine, dynamic, or a number."),
    ] = None
    tiles: Annotated[
        str | None,
        typer.Option(
            "--tiles", metavar="CxR", help="Look at parts of large frames too: 3x2 (columns x rows), auto, none."
        ),
    ] = None

    @property
    def files(self) -> dict[str, Path | None]:
        """What is read, by option."""
        weights = {f"--proposer {each}": _path(each.partition("=")[2]) for each in self.proposer}
        return {**super().files, **weights}

    def settings(self) -> "Config":
        """The settings, with the proposers, the budget and the tiles over those of preset and file."""
        from regionclip.proposing import check_names

        settings = super().settings()
        if self.proposer:
            settings = settings.with_proposers(self.proposer)
        check_names(settings)
        # A budget that is no number is a name, which the config judges.
        budget = int(self.budget) if self.budget and self.budget.isdecimal() else cast("Budget | None", self.budget)
        return settings.changed(budget=budget, tiles=read_tiles(self.tiles))


@dataclass(frozen=True, kw_only=True)
class EngineOptions:
    """Where the work is done."""

    engine: Annotated[
        str, typer.Option("--engine", metavar="E", help="local, or ray: Ray on this machine or a cluster.")
    ] = "local"
    address: Annotated[
        str | None,
        typer.Option("--address", metavar="HOST:PORT", help="Head of a Ray cluster; auto is that of this machine."),
    ] = None

    def is_ray(self) -> bool:
        """Whether it is Ray, which is then ready to be imported.

        Raises:
            ConfigError: where the options do not fit, or Ray is not installed.
        """
        check_choice("--engine", self.engine, ("local", "ray"))
        if self.engine == "local":
            if self.address is not None:
                raise ConfigError("--address: it is of a Ray cluster; give --engine ray too")
            return False
        if find_spec("ray") is None:
            raise ConfigError('--engine ray needs more packages: pip install "regionclip[ray]"')
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # it would tell its makers
        if self.address is None:  # its ports run any code, and are not on loopback only: nobody else may use them
            os.environ |= {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
        return True


def boxes_of(file: Path | None, images: Sequence[Path]) -> "list[GivenBoxes | None]":
    """The boxes of each picture in the file of `--boxes`; None for each without a file.

    Raises:
        BoxError: where the file cannot be read, or has no entry for a picture.
    """
    if file is None:
        return [None] * len(images)
    from regionclip.formats.coco import BoxFile

    box_file = BoxFile(file)
    return [box_file.of(image) for image in images]


def vocabulary_files(vocabulary: Path | None) -> list[Path]:
    """The file of a vocabulary, and the one beside it with what was taught."""
    return [] if vocabulary is None else [path := vocabulary_path(vocabulary), path.with_suffix(".safetensors")]


def read_tiles(text: str | None) -> "Tiles | None":
    """The value of `--tiles`.

    Raises:
        ConfigError: for anything but `none`, `auto` and `CxR`.
    """
    if text is None:
        return None
    if text in ("none", "auto"):
        return cast("Tiles", text)
    parts = text.lower().split("x")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise ConfigError(f"tiles {text!r}: expected none, auto, or columns x rows, as 3x2")
    return int(parts[0]), int(parts[1])


def check_choice(option: str, given: str | None, choices: Sequence[str]) -> None:
    """Refuse what is none of the choices of an option; None has not been given.

    Raises:
        ConfigError: it is none.
    """
    if given is not None and given not in choices:
        raise ConfigError(f"{option} {given!r}: expected {' or '.join(choices)}")


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
