"""Reading safetensors into a model, and saying plainly what is wrong with a file that does not fit.

Only safetensors are read: a pickle can run any code. The model is built without memory (on torch's meta device) and
the tensors of the file become its parameters, so that loading takes the memory of the weights once.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, Final

import torch
from safetensors import SafetensorError, safe_open
from torch import nn

from regionclip.errors import WeightsError, few
from regionclip.towers.checkpoints.hub import CONFIG, INDEX, WEIGHTS, Checkpoint

_SHOWN: Final = 12
_CHUNK: Final = 1 << 22
_LFS_POINTER: Final = b"version https://git-lfs"
# Buffers that follow from the sizes; checkpoints of old hold them, and nothing is lost without.
_POSITIONS: Final = "position_ids"
_COMPUTED: Final = (_POSITIONS, "token_type_ids")
_SINUSOIDS: Final = "weights"
# A zip archive (torch.save since 1.6), and pickle protocols 2 to 5 as their first two bytes.
_PICKLE_STARTS: Final = (b"PK\x03\x04", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        WeightsError: the file is missing, not JSON, or not an object.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsError(f"{path}: missing") from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsError(f"{path}: expected a JSON file, cannot read it: {error}") from error
    if not isinstance(data, dict):
        raise WeightsError(f"{path}: expected a JSON object, got {type(data).__name__}")
    return data


def weight_files(folder: Path) -> list[Path]:
    """The safetensors files of a checkpoint: `model.safetensors`, else the shards of its index, by name.

    Raises:
        WeightsError: neither is there, the index is malformed, or names a shard that is absent.
    """
    if (folder / WEIGHTS).is_file():
        return [folder / WEIGHTS]
    if not (folder / INDEX).is_file():
        raise WeightsError(f"{folder}: neither {WEIGHTS} nor {INDEX} is here; put the weights there")
    shards = sorted(set(_weight_map(folder).values()))
    if absent := [shard for shard in shards if not (folder / shard).is_file()]:
        raise WeightsError(
            f"{folder / INDEX}: {len(absent)} of {len(shards)} shards are absent: {few(absent, _SHOWN)}; "
            f"put them into {folder}"
        )
    return [folder / shard for shard in shards]


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """All tensors of a checkpoint on the CPU, in the file's own number format, backed by the file where possible.

    Raises:
        WeightsError: a file is truncated, damaged, a pickle or a git-lfs pointer, or does not hold what the index says.
    """
    tensors: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):
        for name, tensor in _read_file(path).items():
            if name in tensors:
                raise WeightsError(f"{path}: tensor {name} is in another shard too")
            tensors[name] = tensor
    if not (folder / WEIGHTS).is_file() and (lost := sorted(_weight_map(folder).keys() - tensors.keys())):
        raise WeightsError(f"{folder / INDEX}: {len(lost)} tensors it names are in no shard: {few(lost, _SHOWN)}")
    return tensors


def assign_tensors(
    model: nn.Module,
    tensors: Mapping[str, torch.Tensor],
    *,
    ignored: Collection[str] = (),
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
    where: str = "weights",
) -> None:
    """Make `tensors` the parameters of `model`, which may be on the meta device, in evaluation mode.

    Buffers that are not part of the state dict are the caller's to make.

    Args:
        model: whose state dict the tensors must match name by name and shape by shape.
        tensors: as `read_tensors` gives them.
        ignored: names that may be in the file without being in the model.
        dtype: the parameters will have.
        device: the parameters will be on.
        where: file or folder, for the message.

    Raises:
        WeightsError: lists the missing and the unexpected names and the wrong shapes.
    """
    wanted = model.state_dict()
    given = {name: tensor for name, tensor in tensors.items() if name in wanted or name not in ignored}
    check_tensors(wanted, given, where)
    moved = {name: tensor.to(device=device, dtype=dtype) for name, tensor in given.items()}
    model.load_state_dict(moved, strict=True, assign=True)
    model.eval()


def check_tensors(wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor], where: str) -> None:
    """Make sure that tensors are those that are wanted, name by name and shape by shape.

    Raises:
        WeightsError: lists the missing and the unexpected names and the wrong shapes; `where` names the file or folder.
    """
    if faults := _faults(wanted, given):
        raise WeightsError(f"{where}: the weights do not fit the model.\n" + "\n".join(faults))


def read_native(
    kind: Any,
    notes: Mapping[str, Any],
    folder: Path,
    *,
    dtype: torch.dtype,
    device: torch.device,
    named: Callable[[Mapping[str, torch.Tensor], Any], Mapping[str, torch.Tensor]],
) -> Any:
    """A model of one of transformers' own classes, in evaluation mode, with the weights of a checkpoint in its layout.

    Args:
        kind: the class, as `SiglipModel`.
        notes: content of config.json.
        folder: that holds the weights.
        dtype: of parameters and activations, whatever the file has.
        device: to load onto.
        named: the tensors of the file, by the names in the class; gets the config of the class too.

    Raises:
        WeightsError: no such model can be made of `notes`, a file is missing or damaged, or the weights do not fit.
    """
    try:
        with torch.device("meta"):  # no memory and no random numbers for weights that the file replaces
            model = kind(kind.config_class(**notes))
    except Exception as error:  # whatever a config that cannot be leads to inside transformers
        raise WeightsError(f"{folder / CONFIG}: not the configuration of a {kind.__name__}: {error}") from error
    for module in model.modules():
        for name, buffer in list(module.named_buffers(recurse=False)):
            setattr(module, name, _buffer(module, name, buffer.shape).to(device))
    tensors = named(read_tensors(folder), model.config)
    computed = [name for name in tensors if name.endswith(_COMPUTED)]
    assign_tensors(model, tensors, ignored=computed, dtype=dtype, device=device, where=str(folder))
    return model


def fingerprint(checkpoint: Checkpoint) -> str:
    """The hub commit, else `sha256:` and the first 16 hex digits over the weight files."""
    return checkpoint.commit or f"sha256:{weights_digest(checkpoint.folder)[:16]}"


def weights_digest(folder: Path) -> str:
    """sha256 over the weight files of a checkpoint, in the order of their names; 64 hex digits."""
    digest = hashlib.sha256()
    for path in weight_files(folder):
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                digest.update(chunk)
    return digest.hexdigest()


def _buffer(module: Any, name: str, shape: torch.Size) -> torch.Tensor:
    if name == _SINUSOIDS:
        values: torch.Tensor = module.get_embedding(*shape)  # (positions, D)
        return values
    assert name in _COMPUTED, f"{type(module).__name__}: buffer {name}"
    return (torch.arange(shape[-1]) if name == _POSITIONS else torch.zeros(shape[-1], dtype=torch.long))[None]


def _weight_map(folder: Path) -> dict[str, str]:
    weight_map = read_json(folder / INDEX).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise WeightsError(f"{folder / INDEX}: expected an object `weight_map` from tensor to file, got {weight_map!r}")
    for shard in weight_map.values():
        if not isinstance(shard, str) or Path(shard).name != shard:
            raise WeightsError(f"{folder / INDEX}: expected names of files beside it, got {shard!r}")
    return weight_map


def _read_file(path: Path) -> dict[str, torch.Tensor]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (SafetensorError, OSError, ValueError) as error:
        raise WeightsError(f"{path}: {_diagnosis(path)} ({error})") from error


def _diagnosis(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(32)
    if start.startswith(_PICKLE_STARTS):
        return "a pickle under another name; pickles can run any code and are never loaded: give safetensors"
    if start.startswith(_LFS_POINTER):
        return "this is a git-lfs pointer, not the weights: run `git lfs pull`, or download the file itself"
    return f"not a whole safetensors file, truncated or damaged ({path.stat().st_size} bytes): download it again"


def _faults(wanted: Mapping[str, torch.Tensor], given: Mapping[str, torch.Tensor]) -> list[str]:
    faults = []
    for title, names in (
        ("missing", wanted.keys() - given.keys()),
        ("unexpected", given.keys() - wanted.keys()),
    ):
        if names:
            faults.append(f"{len(names)} {title}: {few(sorted(names), _SHOWN)}")
    both = sorted(wanted.keys() & given.keys())
    shapes = [
        f"{name} (expected {tuple(wanted[name].shape)}, got {tuple(given[name].shape)})"
        for name in both
        if wanted[name].shape != given[name].shape
    ]
    if shapes:
        faults.append(f"{len(shapes)} of wrong shape: {few(shapes, _SHOWN)}")
    if types := [f"{name} ({given[name].dtype})" for name in both if not given[name].is_floating_point()]:
        faults.append(f"{len(types)} that are not floating point: {few(types, _SHOWN)}")
    return faults
