"""Options that several commands share, and what they mean."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from regionclip.errors import PromptError
from regionclip.vocabulary import Vocabulary, parse_label

if TYPE_CHECKING:
    from regionclip.config import Config

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
    typer.Option("--prompts-file", metavar="FILE", help="Labels from a file: .toml vocabulary, else one -p a line."),
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
        given = Vocabulary.load(file) if file.suffix == ".toml" else _read_lines(file)
        fallback = given.threshold if threshold is None else threshold
        vocabulary = Vocabulary((*given, *labels), given.negatives, fallback)
    if not vocabulary:
        raise PromptError('no words to look for: give -p "person" -p "红色的灭火器", or --prompts-file FILE')
    return vocabulary


def read_config(tower: str | None, file: Path | None, weights: str | None) -> "Config":
    """The settings of `--tower` and `--config`; with both, the file's tower and weights give way to `--tower`.

    With neither, a folder given as `--weights` says itself which tower it is of.
    """
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


def _read_lines(file: Path) -> Vocabulary:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except OSError as error:
        raise PromptError(f"prompts file {file} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise PromptError(f"prompts file {file} is not UTF-8: {error}") from error
    return Vocabulary([parse_label(line) for line in lines if line.strip() and not line.startswith("#")])
