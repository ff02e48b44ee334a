"""Examples made in other processes, in order."""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, TypeVar

import torch
from torch.utils.data import DataLoader, Dataset

from regionclip.errors import RegionclipError

T_co = TypeVar("T_co", covariant=True)
_AHEAD = 4
"""Items that each process makes ahead."""


def load(data: Dataset[T_co], keys: Iterable[Any], workers: int) -> Iterator[T_co]:
    """`data[key]` for each key, in order.

    Args:
        data: what makes an item out of a key.
        keys: taken one by one, a few ahead of the item that is given.
        workers: processes that make the items; this one if 0.

    Raises:
        RegionclipError: what `data` raised, in whichever process.
    """
    loader = DataLoader(
        _Telling(data),
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


class _Telling(Dataset[T_co | RegionclipError], Generic[T_co]):
    """Gives our own errors as items: one that a worker raises would come with the worker's traceback as its text."""

    def __init__(self, data: Dataset[T_co]) -> None:
        self._data = data

    def __getitem__(self, key: Any) -> T_co | RegionclipError:  # noqa: ANN401 - whatever the data set is asked by
        try:
            return self._data[key]
        except RegionclipError as error:
            return error


def _as_is(item: Any) -> Any:  # noqa: ANN401 - whatever the data set gives
    return item


def _one_thread(_: int) -> None:
    torch.set_num_threads(1)
