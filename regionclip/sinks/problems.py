"""What cannot be written now: reported once, tried again, and in nobody's way."""

import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from regionclip.errors import FileError


@dataclass(slots=True)
class _Problem:
    text: str
    well_since: float | None = None


class Problems:
    """What is wrong beside the cameras: one line when it begins, one when it is over.

    Args:
        say: gets the lines.
        catch: what does not stop whoever writes: a full or vanished disk; other errors are raised.
        settled: seconds from which on it counts as over. At the edge of a full disk short lines fit and long ones do
            not: that is one problem.
    """

    def __init__(
        self, say: Callable[[str], None], *, catch: type[Exception] = FileError, settled: float = 10.0
    ) -> None:
        self._say, self._catch, self._settled = say, catch, settled
        self._known: dict[Hashable, _Problem] = {}

    @property
    def texts(self) -> list[str]:
        """What is wrong now."""
        return [problem.text for problem in self._known.values() if problem.well_since is None]

    @contextmanager
    def noted(self, what: Hashable) -> Iterator[None]:
        """Do something that may fail, and go on."""
        try:
            yield
        except self._catch as error:
            self.begin(what, error)
        else:
            self.end(what)

    def begin(self, what: Hashable, error: Exception) -> None:
        """Something is wrong with `what`; reported unless it was just so before."""
        text, before = " ".join(str(error).split()), self._known.get(what)
        self._known[what] = _Problem(text)
        if before is None or before.text != text:
            self._say(text)

    def end(self, what: Hashable) -> None:
        """Nothing is wrong with `what` now."""
        if (problem := self._known.get(what)) is None:
            return
        now = time.monotonic()
        problem.well_since = now if problem.well_since is None else problem.well_since
        if now - problem.well_since >= self._settled:
            self.forget(what)
            self._say(f"over: {problem.text}")

    def forget(self, what: Hashable) -> None:
        """What was wrong with `what` does not matter any more."""
        self._known.pop(what, None)
