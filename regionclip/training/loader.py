"""Examples made in other processes, in order."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from regionclip.errors import RegionclipError

T = TypeVar("T")
K = TypeVar("K")
_AHEAD = 4
"""Items that each process makes ahead."""


def load(make: Callable[[K], T], keys: Iterable[K], workers: int) -> Iterator[T]:
    """`make(key)` for each key, in order.

    Args:
        make: an item out of its key; picklable where there are workers.
        keys: taken one by one, a few ahead of the item that is given.
        workers: processes that make the items; this one if 0.

    Raises:
        RegionclipError: what `make` raised, in whichever process.
    """
    loader = DataLoader(
        _ErrorsAsItems(make),
        batch_size=None,
        sampler=keys,
        num_workers=workers,
        collate_fn=_as_is,
        worker_init_fn=_one_thread,
        prefetch_factor=_AHEAD if workers else None,
    )
    for item in loader:
        if isinstance(item, RegionclipError):
            raise item
        yield item


class _ErrorsAsItems(Dataset[Any]):
    """Gives our own errors as items: one that a worker raises would come with the worker's traceback as its text."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self._make = make

    def __getitem__(self, key: Any) -> Any:  # noqa: ANN401 - whatever `make` takes and gives
        try:
            return self._make(key)
        except RegionclipError as error:
            return error


def _as_is(item: Any) -> Any:  # noqa: ANN401 - whatever `make` gives
    return item


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
