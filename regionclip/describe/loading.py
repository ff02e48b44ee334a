"""load(): from a folder or a hub name to a describer."""

from pathlib import Path

from regionclip.describe.describer import CONTEXT, Describer
from regionclip.describe.native import NativeSpeaker
from regionclip.describe.sail import SailSpeaker
from regionclip.describe.speaker import Speaker
from regionclip.errors import ConfigError
from regionclip.towers.checkpoints.hub import CONFIG, TOKENIZER, WEIGHTS, locate
from regionclip.towers.checkpoints.loading import fingerprint, read_json
from regionclip.towers.device import choose_device, choose_dtype

_CUSTOM = "sailvl"


def load(
    name: str | Path,
    *,
    revision: str | None = None,
    device: str = "auto",
    dtype: str = "auto",
    context: float = CONTEXT,
) -> Describer:
    """Make a describer of SAIL-VL2 in its released layout, or of any image-text-to-text model of transformers.

    Args:
        name: folder, or hub name as `BytedanceDouyinContent/SAIL-VL2-2B` (its cache first).
        revision: commit of the hub repository; None for the newest.
        device: `auto`, `cpu`, `cuda`, ...
        dtype: `auto` takes bfloat16 where the processor is fast at it; `float32`, `bfloat16`, `float16`.
        context: sides of the crop that is shown of a region, in units of the box's, 1..10.

    Raises:
        ConfigError: for settings that do not fit this machine, or a context that cannot be.
        WeightsError: files are missing, damaged or do not fit, or it is a model of a kind that is not supported.
    """
    if not 1 <= context <= 10:
        raise ConfigError(f"describe: expected a context in 1..10, got {context!r}")
    where = choose_device(device)
    number = choose_dtype(dtype, where)
    checkpoint = locate(name, (CONFIG, WEIGHTS, TOKENIZER), revision=revision)
    folder = checkpoint.folder
    title = folder.resolve().name if checkpoint.commit is None else str(name)
    speaker: Speaker
    if read_json(folder / CONFIG).get("model_type") == _CUSTOM:
        speaker = SailSpeaker.load(folder, title, dtype=number, device=where)
    else:
        speaker = NativeSpeaker.load(folder, dtype=number, device=where)
    return Describer(speaker, title, fingerprint(checkpoint), context)
