"""Ending a long command in good order: the first Ctrl-C or SIGTERM asks it to stop, the second one insists."""

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from regionclip.cli.terminal.output import say


class Interruption:
    """Whether a command was asked to stop."""

    asked = False


@contextmanager
def stopping(stop: Callable[[], None]) -> Iterator[Interruption]:
    """Call `stop` at the first SIGINT or SIGTERM; a second one does what it did before."""
    interruption = Interruption()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def ask(number: int, frame: FrameType | None) -> None:
        for each, handler in before.items():
            signal.signal(each, handler)
        interruption.asked = True
        say("stopping; once more to stop at once")
        stop()

    for number in before:
        signal.signal(number, ask)
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
