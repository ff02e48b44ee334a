"""Where the milliseconds of a call went."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from regionclip.towers.base import ImageFeatures


@contextmanager
def timed(timings: dict[str, float], stage: str, features: ImageFeatures | None = None) -> Iterator[None]:
    """Add the time inside to `timings` under `stage`, but that of the tower, which runs when asked, under `encode`.

    What stages inside this one have booked is not booked again.
    """
    start, before, booked = time.perf_counter(), features.milliseconds if features else 0.0, dict(timings)
    yield
    inside = {name: spent - booked.get(name, 0.0) for name, spent in timings.items()}
    encode = (features.milliseconds - before if features else 0.0) - inside.get("encode", 0.0)
    spent = (time.perf_counter() - start) * 1000 - sum(inside.values())
    for name, milliseconds in (("encode", encode), (stage, spent - encode)):
        if milliseconds or name == stage:
            timings[name] = timings.get(name, 0.0) + milliseconds
