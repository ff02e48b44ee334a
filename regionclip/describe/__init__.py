"""A describer answers in sentences and yes or no about regions of a frame (docs/describe.md). It is no tower.

describer = regionclip.describe.load("SAIL-VL2-2B")
describer.verify(frame, box, "灭火器")  # 0..1
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from regionclip.describe.describer import Describer as Describer
    from regionclip.describe.describer import load as load

__all__ = ["Describer", "load"]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module regionclip.describe has no attribute {name!r}")
    return getattr(import_module("regionclip.describe.describer"), name)


def __dir__() -> list[str]:
    return __all__
