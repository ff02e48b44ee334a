"""Files into an archive by Ray Data: an actor on each device reads, decodes and looks; this process writes."""

import json
import logging
import pickle
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import ray.data
from ray.exceptions import RayError

from regionclip.archive.indexing import IndexOptions, looked
from regionclip.archive.rows import HEAD, FileNote
from regionclip.archive.store import ArchiveWriter
from regionclip.boxes import Boxes
from regionclip.cluster.joining import reason, share
from regionclip.errors import FileError

if TYPE_CHECKING:
    from regionclip.detector import Detector

_BLOCK: Final = 4 << 20
"""Bytes of rows that an actor gathers before it hands them on: what a kill of this process may lose of each file."""

_TOGETHER: Final = 16
"""Files of one task, where there are many; a task whose actor dies is done again."""


class Looker:
    """An actor with a tower.

    Args:
        load: makes the detector.
        columns: of the archive.
        options: how files are looked at.
    """

    def __init__(self, load: "Callable[[], Detector]", columns: pa.Schema, options: IndexOptions) -> None:
        detector = load()
        made_by = json.loads(columns.metadata[HEAD])["fingerprint"]
        detector.scorer.check_fingerprint(made_by, "archive")  # this machine may have other weights
        self._looked = partial(looked, columns, detector=detector, options=options)

    def __call__(self, row: dict[str, bytes]) -> Iterator[dict[str, bytes]]:
        """Of a file and its boxes: each look at it."""
        note, boxes = pickle.loads(row["file"])
        for rows, now, _ in self._looked(note=note, boxes=boxes):
            yield {"look": pickle.dumps((rows, now))}


def index_files(
    writer: ArchiveWriter,
    files: Sequence[tuple[FileNote, Boxes | None]],
    load: "Callable[[], Detector]",
    options: IndexOptions,
    *,
    device: str = "auto",
) -> Iterator[FileNote]:
    """Add what files show, as `index_file` of each does; within `joined`.

    Args:
        writer: of the archive.
        files: at least one; what is known of each, and boxes instead of the proposer's. All machines see them under
            these names.
        load: makes a detector in each actor.
        options: how they are looked at.
        device: of the towers.

    Yields:
        The note of each file that is done, in the order in which they are.

    Raises:
        RegionclipError: where the archive cannot be written, or the actors cannot be started.
    """
    takes, fit = share(device)
    for note, _ in files:
        writer.clear(note)
    context = ray.data.DataContext.get_current()
    context.target_max_block_size, context.enable_progress_bars = _BLOCK, False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    blocks = max(min(len(files), 16 * fit), len(files) // _TOGETHER)
    given = ray.data.from_items([{"file": pickle.dumps(each)} for each in files], override_num_blocks=blocks)
    looks = given.flat_map(
        Looker,
        fn_constructor_args=(load, writer.columns, options),
        compute=ray.data.ActorPoolStrategy(min_size=1, max_size=min(fit, blocks)),
        **takes,
    )
    try:
        for row in looks.iter_rows():
            rows, note = pickle.loads(row["look"])
            writer.append(rows, note)
            if not rows.num_rows:
                yield note
    except RayError as error:
        raise FileError(f"the actors failed: {reason(str(error))}") from error
