"""Which towers can be fine-tuned; a tower itself does not know."""

from collections.abc import Callable
from typing import Any

from regionclip.errors import ConfigError
from regionclip.towers.base import Tower
from regionclip.training.trainees.base import Trainee


def _tiny(tower: Tower) -> Trainee[Any]:
    from regionclip.towers.tiny.tower import TinyTower
    from regionclip.training.trainees.tiny import TinyTrainee

    assert isinstance(tower, TinyTower)
    return TinyTrainee(tower)


def _fgclip2(tower: Tower) -> Trainee[Any]:
    from regionclip.towers.fgclip2.tower import FGCLIP2Tower
    from regionclip.training.trainees.fgclip2 import FGCLIP2Trainee

    assert isinstance(tower, FGCLIP2Tower)
    return FGCLIP2Trainee(tower)


TRAINEES: dict[str, Callable[[Tower], Trainee[Any]]] = {"tiny": _tiny, "fgclip2": _fgclip2}
"""Maker of each trainee, by the keys of `regionclip.loading.TOWERS`; heavy imports wait until one is asked for."""


def trainee_of(key: str, tower: Tower) -> Trainee[Any]:
    """A copy of a tower's network that can be trained.

    Args:
        key: the tower's name in a config, `tiny` or `fgclip2`.
        tower: of that name.

    Raises:
        ConfigError: there is nothing to train such a tower with.
    """
    if key not in TRAINEES:
        raise ConfigError(f"tower {key} cannot be fine-tuned: expected {' or '.join(TRAINEES)}")
    return TRAINEES[key](tower)
