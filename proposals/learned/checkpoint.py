"""Checkpoints of transformers' models: where their files are, and reading them without running anything of theirs.

Only safetensors are read: a pickle can run any code. No remote code is run. `HF_HOME`, `HF_HUB_CACHE` and
`HF_HUB_OFFLINE` are honoured, because huggingface_hub does the looking up.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError

WEIGHTS: Final = "model.safetensors"
INDEX: Final = "model.safetensors.index.json"
CONFIG: Final = "config.json"
PROCESSORS: Final = ("preprocessor_config.json", "processor_config.json")
"""How pictures are prepared; one of the two is needed."""

_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_SHOWN: Final = 6
_FAULTS: Final = (
    OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, RuntimeError, SafetensorError
)  # fmt: skip
"""What transformers raises for a damaged or foreign file, or one that needs a package which is not here."""


class CheckpointError(ValueError):
    """Weights are missing, damaged, or of another model than is needed."""


def find(source: str | Path) -> Path:
    """The folder of a checkpoint; a hub name is looked up in the hub's cache, and downloaded where it is not there.

    Args:
        source: folder, or hub name as `owner/name`. An existing folder wins.

    Raises:
        CheckpointError: names the files that are missing, and where to put them.
    """
    folder = Path(source).expanduser()
    if folder.is_dir():
        if lacking := missing(folder):
            raise CheckpointError(
                f"{folder}: the checkpoint is not complete. Missing: {', '.join(lacking)}. Put them into this folder; "
                "pickles (.bin, .pt, .pth) are not read"
            )
        return folder
    name = str(source)
    if not _HUB_NAME.fullmatch(name):
        raise CheckpointError(
            f"{name}: no such folder, and not a hub name of the form owner/name. "
            f"Expected a folder with {', '.join(missing(folder))}"
        )
    return _from_hub(name)


def missing(folder: Path) -> list[str]:
    """Names of the files that a folder lacks; for weights in shards, the shards that their index names."""
    lacking = [] if (folder / CONFIG).is_file() else [CONFIG]
    if not any((folder / name).is_file() for name in PROCESSORS):
        lacking.append(" or ".join(PROCESSORS))
    if (folder / WEIGHTS).is_file():
        return lacking
    if not (folder / INDEX).is_file():
        return [*lacking, f"{WEIGHTS} (or {INDEX} with its shards)"]
    text = (folder / INDEX).read_text(encoding="utf-8", errors="replace")
    shards = sorted(set(re.findall(r"[\w.-]+\.safetensors", text)))
    return lacking + [shard for shard in shards if not (folder / shard).is_file()]


def expect_type(folder: Path, model_type: str) -> None:
    """Refuse a checkpoint whose config.json says that it is of another model.

    Raises:
        CheckpointError: it is of another model, or damaged.
    """
    try:
        found = json.loads((folder / CONFIG).read_text(encoding="utf-8")).get("model_type")
    except (OSError, ValueError, AttributeError) as error:
        raise CheckpointError(f"{folder / CONFIG} cannot be read: {_first_line(error)}") from error
    if found != model_type:
        raise CheckpointError(f"{folder}: expected model_type {model_type!r} in {CONFIG}, got {found!r}")


def load_model(kind: Any, folder: Path, device: str | torch.device) -> Any:  # noqa: ANN401 - a class of transformers
    """A model in float32, ready to be used.

    Args:
        kind: class of transformers with `from_pretrained`.
        folder: of a complete checkpoint (`find`).
        device: where the model runs.

    Raises:
        CheckpointError: the files are damaged or of another model, or lack tensors.
    """
    try:
        with _quiet():
            model, told = kind.from_pretrained(
                folder,
                dtype=torch.float32,
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
                ignore_mismatched_sizes=True,  # they are told below, with the missing ones
                output_loading_info=True,
            )
    except _FAULTS as error:
        raise CheckpointError(f"{folder}: cannot be read as {kind.__name__}: {_first_line(error)}") from error
    lost = sorted({*told["missing_keys"], *(entry[0] for entry in told["mismatched_keys"])})
    if lost:
        more = f" and {len(lost) - _SHOWN} more" if len(lost) > _SHOWN else ""
        raise CheckpointError(
            f"{folder}: the weights do not fit {type(model).__name__}: {len(lost)} tensors are missing or of another "
            f"shape: {', '.join(lost[:_SHOWN])}{more}"
        )
    return model.to(device).eval()


def load_processor(folder: Path) -> Any:  # noqa: ANN401 - an image processor of transformers
    """The checkpoint's own image processor.

    Raises:
        CheckpointError: it is damaged or not known.
    """
    import transformers

    reader: Any = transformers.AutoImageProcessor
    try:
        return reader.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except _FAULTS as error:
        raise CheckpointError(f"{folder}: {' or '.join(PROCESSORS)} cannot be read: {_first_line(error)}") from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and reports: what is wrong with a file is an error here."""
    from transformers import utils

    logging: Any = utils.logging
    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


def _from_hub(name: str) -> Path:
    from huggingface_hub import errors, snapshot_download

    wanted = ["*.json", "*.safetensors"]
    try:
        cached = Path(snapshot_download(name, allow_patterns=wanted, local_files_only=True))
        if not missing(cached):
            return cached
    except (OSError, ValueError):
        pass  # not in the cache
    try:
        folder = Path(snapshot_download(name, allow_patterns=wanted, etag_timeout=10.0))
    except (OSError, ValueError, errors.HTTPError) as error:  # type: ignore[attr-defined]
        raise CheckpointError(_unreachable(name, missing(Path()), _first_line(error.__cause__ or error))) from error
    if lacking := missing(folder):
        raise CheckpointError(
            _unreachable(name, lacking, "the hub, or its cache without a connection, has only the rest")
        )
    return folder


def _unreachable(name: str, lacking: list[str], reason: str) -> str:
    return (
        f"{name}: the weights are not complete on this computer and cannot be downloaded ({reason}). "
        f"Missing: {', '.join(lacking)}. Where there is internet, run `hf download {name} --local-dir FOLDER`, bring "
        "FOLDER here and give it as weights. (If a folder of that name was meant: there is none here.)"
    )


def _first_line(error: BaseException) -> str:
    return f"{type(error).__name__}: {(str(error).strip() or 'no reason given').splitlines()[0]}"
