"""Options that several commands share, and what they mean."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional, cast

import typer

from regionclip.errors import ConfigError, PromptError
from regionclip.words.file import vocabulary_names
from regionclip.words.vocabulary import Vocabulary, parse_label

if TYPE_CHECKING:
    from regionclip.config import Budget, Config, Tiles

Prompts = Annotated[
    list[str],
    typer.Option(
        "--prompt",
        "-p",
        metavar="WORDS",
        help="What to look for, English or Chinese; give it once for each label. name=phrase|phrase gives a label "
        r"several phrases; write \= and \| for the characters themselves.",
    ),
]
PromptsFile = Annotated[
    Optional[Path],  # noqa: UP045 - read by typer at run time
    typer.Option(
        "--prompts-file",
        metavar="FILE|NAME",
        help="Labels from a file (.toml vocabulary, else one -p a line), or one of `regionclip vocab list`.",
    ),
]
TowerName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--tower",
        metavar="NAME",
        help="tiny (default), fgclip2-base, fgclip2-large, fgclip2-so400m, or a folder.",
    ),
]
WeightsName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--weights", metavar="FOLDER", help="Folder or hub name of the tower's weights."),
]
ConfigFile = Annotated[
    Optional[Path],  # noqa: UP045
    typer.Option("--config", metavar="FILE", help="TOML file of settings (docs/configuration.md)."),
]
PresetName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option(
        "--preset",
        metavar="NAME",
        help="Choice of proposers: static-camera, moving-robot, photo-archive, none (docs/proposals.md).",
    ),
]
ProposerNames = Annotated[
    list[str],
    typer.Option(
        "--proposer",
        metavar="NAME[=WEIGHTS]",
        help="Who finds boxes where none are given; repeatable, several are united. `regionclip proposals` lists them.",
    ),
]
BudgetName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--budget", metavar="B", help="Patches a frame: fast, balanced, fine, dynamic, or a number."),
]
TilesName = Annotated[
    Optional[str],  # noqa: UP045
    typer.Option("--tiles", metavar="CxR", help="Look at parts of large frames too: 3x2 (columns x rows), auto, none."),
]
Threshold = Annotated[
    Optional[float],  # noqa: UP045
    typer.Option(metavar="T", help="Least confidence, 0..1, of labels without a threshold of their own."),
]
DeviceName = Annotated[str, typer.Option("--device", help="auto, cpu, cuda, cuda:1, ...")]
DtypeName = Annotated[str, typer.Option("--dtype", help="auto, float32, bfloat16, float16.")]


def read_vocabulary(prompts: Sequence[str], file: Path | None, threshold: float | None) -> Vocabulary:
    """The labels of `-p` options and a prompts file together; `threshold` wins over the file's.

    Raises:
        PromptError: where there are none, or they cannot be asked for.
    """
    labels = [parse_label(prompt) for prompt in prompts]
    vocabulary = Vocabulary(labels, threshold=threshold)
    if file is not None:
        shipped = str(file) in vocabulary_names()
        given = Vocabulary.load(file) if shipped or file.suffix == ".toml" else _read_lines(file)
        fallback = given.threshold if threshold is None else threshold
        vocabulary = replace(given, labels=(*given, *labels), threshold=fallback)
    if not vocabulary:
        raise PromptError('no words to look for: give -p "person" -p "红色的灭火器", or --prompts-file FILE')
    return vocabulary


def read_config(
    tower: str | None,
    file: Path | None,
    weights: str | None,
    preset: str | None = None,
    proposers: Sequence[str] = (),
    budget: str | None = None,
    tiles: str | None = None,
) -> "Config":
    """The settings of `--tower`, `--config`, `--preset`, `--proposer`, `--budget`, `--tiles`, the later first.

    With both `--tower` and `--config`, the file's tower and weights give way to `--tower`; with neither, a folder given
    as `--weights` says itself which tower it is of.
    """
    config = _read_tower(tower, file, weights)
    if preset is not None:
        config = config.with_preset(preset)
    if proposers:
        config = config.with_proposers(proposers)
    return config.changed(budget=read_budget(budget), tiles=read_tiles(tiles))


def _read_tower(tower: str | None, file: Path | None, weights: str | None) -> "Config":
    from regionclip.config import Config
    from regionclip.loading import config_of

    if file is None:
        is_folder = weights is not None and Path(weights).is_dir()
        return config_of(tower or (weights if is_folder and weights else "tiny"))
    settings = Config.read(file)
    if tower is None:
        return Config.of(settings, str(file))
    return config_of(tower).changed(
        **{key: value for key, value in settings.items() if key not in ("name", "tower", "weights", "revision")}
    )


def read_budget(text: str | None) -> "Budget | None":
    """The value of `--budget`; what is no number is a name, which the config judges."""
    return int(text) if text is not None and text.isdecimal() else cast("Budget | None", text)


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


def _read_lines(file: Path) -> Vocabulary:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise PromptError(f"prompts file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"prompts file {file} is not UTF-8: {error}") from error
    return Vocabulary([parse_label(line) for line in lines if line.strip() and not line.startswith("#")])
