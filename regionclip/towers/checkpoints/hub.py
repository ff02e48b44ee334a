"""Where the files of a checkpoint are: a local folder, the hub's cache, or the hub.

A checkpoint is asked for as a folder or as a hub name (`owner/name`). A name is looked up among the copies that were
handed over (`keep`) and in the hub's own cache, and downloaded only when a file is missing there: no surprise upgrade
and no network for what is already here.
`HF_HOME`, `HF_HUB_CACHE`, `HF_ENDPOINT` and `HF_HUB_OFFLINE` are honoured, because huggingface_hub does the work.
"""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from regionclip.errors import FileError, WeightsError
from regionclip.formats.files import user_cache

CONFIG: Final = "config.json"
WEIGHTS: Final = "model.safetensors"
"""The weights; where a checkpoint is cut into shards, `INDEX` stands for it."""
INDEX: Final = "model.safetensors.index.json"
TOKENIZER: Final = "tokenizer.json"
NEEDED: Final = (CONFIG, WEIGHTS, TOKENIZER)
"""What no tower and no describer can be without."""

TINY_WEIGHTS: Final = Path(__file__).parent.parent.parent / "weights" / "tiny"
"""The embedded tower."""

_HUB_NAME: Final = re.compile(r"[A-Za-z0-9][\w.-]*/[\w.-]+")
_SECONDS: Final = 10.0
_PATTERNS: Final = ("*.json", "*.jinja", "*.safetensors")
"""Files of a checkpoint that are taken beside those that are needed."""
_PICKLES: Final = ("*.bin", "*.pt", "*.pth", "*.ckpt", "*.pkl")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A checkpoint whose files are all on this computer.

    Attributes:
        folder: that holds them.
        commit: hub commit they belong to, or None for a local folder.
    """

    folder: Path
    commit: str | None = None


def locate(source: str | Path, needed: Sequence[str] = NEEDED, *, revision: str | None = None) -> Checkpoint:
    """Find a checkpoint, downloading it only if it is named on the hub and not complete on this machine.

    Args:
        source: folder, or hub name such as `qihoo360/fg-clip2-base`. An existing folder wins over a hub name.
        needed: names of the files without which it cannot be used; `model.safetensors` may be sharded.
        revision: hub branch, tag or commit; a local folder has none and is taken as it is.

    Raises:
        WeightsError: files are missing; names each of them, and where to put it.
    """
    check_source(source, needed)
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return _from_hub(str(source), needed, revision)
    if missing := missing_files(folder, needed):
        raise WeightsError(_incomplete(folder, missing))
    return Checkpoint(folder)


def on_machine(source: str | Path, needed: Sequence[str] = NEEDED, *, revision: str | None = None) -> Checkpoint | None:
    """The checkpoint that `locate` finds without the network; None where a needed file is not on this machine."""
    folder = Path(source).expanduser()
    if not folder.is_dir():
        return _found(str(source), needed, revision)
    return None if missing_files(folder, needed) else Checkpoint(folder)


def kept(name: str) -> Path | None:
    """The folder for a copy of what a hub name stands for, in the user's cache; None where there is no home."""
    cache = user_cache()
    return None if cache is None else cache / "weights" / name


def keep(folder: Path, name: str, needed: Sequence[str]) -> Path:
    """Copy a checkpoint to where `locate` finds it by its hub name, whole or not at all.

    Raises:
        FileError: it cannot be copied, as onto a full disk.
    """
    if (place := kept(name)) is None:
        raise FileError("there is no home folder to keep weights in: name a folder for it in XDG_CACHE_HOME")
    partial = place.with_name(f".{place.name}.part")
    files = {folder / each for each in needed} | {path for pattern in _PATTERNS for path in folder.glob(pattern)}
    try:
        shutil.rmtree(partial, ignore_errors=True)  # of a copy that was killed
        partial.mkdir(parents=True)
        for path in filter(Path.is_file, sorted(files)):
            shutil.copyfile(path, partial / path.name)
        shutil.rmtree(place, ignore_errors=True)  # incomplete, else nobody would copy
        partial.rename(place)
    except OSError as error:
        raise FileError(f"{folder} cannot be copied to {place}: {error.strerror}") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return place


def check_source(source: str | Path, needed: Sequence[str] = NEEDED) -> None:
    """Make sure that `source` is a folder, or may be a name on the hub.

    Raises:
        WeightsError: else; names the files that are `needed`.
    """
    folder = Path(source).expanduser()
    if folder.is_file():
        raise WeightsError(f"{folder} is a file: give the folder that holds it together with {_list(needed)}")
    if not folder.is_dir() and not _HUB_NAME.fullmatch(str(source)):
        raise WeightsError(
            f"{source}: no such folder, and not a hub name of the form owner/name. Missing: {_list(needed)}. "
            "Put these files into a folder and give it with --weights FOLDER"
        )


def missing_files(folder: Path, needed: Sequence[str]) -> list[str]:
    """Those of `needed` that `folder` lacks; for sharded weights, the shards their index names."""
    missing = [name for name in needed if not (folder / name).is_file()]
    index = folder / INDEX
    if WEIGHTS not in missing or not index.is_file():
        return missing
    # A search instead of a parser: a damaged index is for the reader of the weights to report.
    shards = sorted(set(re.findall(r"[\w.-]+\.safetensors", index.read_text(encoding="utf-8", errors="replace"))))
    absent = [shard for shard in shards if not (folder / shard).is_file()]
    return [name for name in missing if name != WEIGHTS] + absent


def _from_hub(name: str, needed: Sequence[str], revision: str | None) -> Checkpoint:
    from huggingface_hub import errors as hub_errors
    from huggingface_hub import snapshot_download

    if found := _found(name, needed, revision):
        return found
    try:
        folder = Path(
            snapshot_download(
                name,
                revision=revision,
                allow_patterns=[*needed, *_PATTERNS],
                etag_timeout=_SECONDS,
            )
        )
    # Everything the hub's client raises when it cannot answer is one of these: no connection, offline switch,
    # unknown or gated name, unknown revision, malformed name, full disk. httpx's errors are no OSError.
    except (OSError, ValueError, hub_errors.HTTPError) as error:  # type: ignore[attr-defined]
        cached = _cached(name, needed, revision)
        missing = list(needed) if cached is None else missing_files(cached, needed)
        raise WeightsError(_unreachable(name, missing, _reason(error))) from error
    if missing := missing_files(folder, needed):
        # Without a connection the client gives what its cache has, without a word.
        rest = "has only the rest; of a pickle `regionclip towers convert` makes what is missing"
        raise WeightsError(_unreachable(name, missing, f"the hub, or its cache without a connection, {rest}"))
    return Checkpoint(folder, folder.name)


def _found(name: str, needed: Sequence[str], revision: str | None) -> Checkpoint | None:
    """A complete checkpoint of a hub name on this machine; a copy that was handed over has no revision."""
    place = kept(name) if revision is None else None
    if place is not None and not missing_files(place, needed):
        return Checkpoint(place)
    cached = _cached(name, needed, revision)
    return None if cached is None or missing_files(cached, needed) else Checkpoint(cached, cached.name)


def _cached(name: str, needed: Sequence[str], revision: str | None) -> Path | None:
    """The folder in the hub's cache that has any of the files; whether it has all is for the caller to see."""
    from huggingface_hub import try_to_load_from_cache

    for file in (*needed, INDEX):
        try:
            found = try_to_load_from_cache(name, file, revision=revision)
        except ValueError:  # a name the hub would not allow
            return None
        if isinstance(found, str):
            return Path(found).parent
    return None


def _incomplete(folder: Path, missing: Sequence[str]) -> str:
    text = f"{folder}: the checkpoint is not complete. Missing: {_list(missing)}."
    pickles = sorted(path.name for pattern in _PICKLES for path in folder.glob(pattern))
    if WEIGHTS in missing and pickles:
        text += (
            f" {_list(pickles)} is a pickle, which can run any code when it is read, and is never loaded: "
            f"make safetensors of it once with `regionclip towers convert {folder} --out FOLDER`."
        )
    if TOKENIZER in missing and any((folder / name).is_file() for name in ("vocab.txt", "sentencepiece.bpe.model")):
        text += f" `regionclip towers convert {folder} --out FOLDER` makes {TOKENIZER} of the vocabulary here."
    return f"{text} Put the missing files into this folder, or give another one with --weights FOLDER"


def _unreachable(name: str, missing: Sequence[str], reason: str) -> str:
    return (
        f"{name}: the weights are not complete on this computer and cannot be downloaded ({reason}).\n"
        f"Missing: {_list(missing)}.\n"
        f"Where there is internet, run `hf download {name} --local-dir FOLDER`, bring FOLDER here and "
        "give it with --weights FOLDER. (If a folder of that name was meant: there is none here.)"
    )


def _reason(error: Exception) -> str:
    cause = error.__cause__ or error  # the hub's client wraps "no connection" into "not in the cache"
    return f"{type(cause).__name__}: {(str(cause).strip() or 'no reason given').splitlines()[0]}"


def _list(names: Sequence[str]) -> str:
    return ", ".join(f"{name} (or {INDEX} with its shards)" if name == WEIGHTS else name for name in names)
