"""Where a run writes to and what it starts from."""

import json
import tempfile
from pathlib import Path

from regionclip.errors import ConfigError, FileError
from regionclip.formats.files import write_file
from regionclip.towers.checkpoints.hub import TINY_WEIGHTS, locate
from regionclip.training import processes
from regionclip.training.settings import TrainSettings

START = "start"
"""Folder, in that of the run, of an FG-CLIP 2 that was made out of SigLIP 2."""
TRAINED = "weights"
"""Folder, in that of the run, of the trained weights."""
_SOURCE = "source.json"


def open_folder(settings: TrainSettings) -> Path:
    """The folder of the run, made where it is missing.

    Raises:
        ConfigError: the weights to start from are in a folder that the run writes itself.
        FileError: it cannot be made or written to.
    """
    out = Path(settings.out)
    origin = None if settings.weights is None else Path(settings.weights).expanduser().resolve()
    for name in (TRAINED, START) if settings.start == "siglip2" else (TRAINED,):
        if origin == (out / name).resolve():
            raise ConfigError(f"weights: {settings.weights} is where this run writes; take another out")
    try:
        out.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out).close()
    except OSError as error:
        raise FileError(f"out: {out} is no folder that can be written to ({error.strerror})") from error
    return out


def starting_point(settings: TrainSettings, out: Path) -> Path:
    """The folder that the network is read from, made first where it has to be.

    Raises:
        ConfigError: the tower has no weights of its own and none were named.
        WeightsError: files are missing or damaged.
    """
    if settings.start == "siglip2":
        if processes.place()[0] == 0:
            _make_start(settings, out / START)
        processes.wait()
        return out / START
    if settings.weights is None:
        if settings.tower != "tiny":
            raise ConfigError(f"weights: tower {settings.tower} needs a folder or hub name to start from")
        return TINY_WEIGHTS
    return locate(settings.weights, revision=settings.revision).folder


def _make_start(settings: TrainSettings, folder: Path) -> None:
    """Make an FG-CLIP 2 out of SigLIP 2, unless the folder holds that of the same weights already."""
    from regionclip.training.trainees.fgclip2_start import start_from_siglip2

    source = json.dumps({"weights": settings.weights, "revision": settings.revision}, indent=1).encode()
    note = folder / _SOURCE  # written last and removed first: with it the folder is complete
    if note.is_file() and note.read_bytes() == source:
        return
    note.unlink(missing_ok=True)
    start_from_siglip2(str(settings.weights), folder, revision=settings.revision)
    write_file(note, source)
