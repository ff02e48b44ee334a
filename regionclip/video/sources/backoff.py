"""How long to wait before a lost camera is tried again."""

import random


class Backoff:
    """Waits that double from `first` to `longest` seconds, each changed by up to a fifth at random.

    The chance part keeps many cameras behind one switch from coming back all at once.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first, self._longest = first, longest
        self._wait = 0.0

    def next_wait(self, held: float) -> float:
        """Seconds to wait after a connection that gave frames for `held` seconds, 0 where it gave none.

        One that held for longer than the wait before it starts the row again.
        """
        fresh = self._wait == 0 or held > self._wait
        self._wait = self._first if fresh else min(self._longest, 2 * self._wait)
        return self._wait * random.uniform(0.8, 1.2)
