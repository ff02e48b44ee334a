"""Anything that a TOML file may say, for properties of those who read one."""

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

_SCALARS = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 20),
    st.floats() | st.floats(0, 1),
    st.text(st.characters(exclude_categories=["Cs"])) | st.sampled_from(("auto", "none", "en", "coco", "~no/x", "x\0")),
    st.datetimes() | st.dates() | st.times(),
)


def values(keys: Sequence[str]) -> st.SearchStrategy[Any]:
    """Values, lists of them and tables, often with one of `keys`."""
    names = st.sampled_from(keys) | st.text()
    return st.recursive(
        _SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
        max_leaves=6,
    )
