"""What is held in memory, by counts: bytes depend on the machine."""

import gc
from collections import deque


def alive(kind: type) -> int:
    """How many objects of a class there are."""
    gc.collect()
    return sum(type(each) is kind for each in gc.get_objects())


def held() -> tuple[int, int]:
    """How many objects of ours there are, and how much all lists, dicts, sets and deques hold."""
    gc.collect()
    objects = gc.get_objects()
    ours = sum(str(type(each).__module__).startswith("regionclip") for each in objects)
    return ours, sum(len(each) for each in objects if type(each) in (list, dict, set, deque))
