"""Values of every kind that TOML knows, and which modules a piece of code loads."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from regionclip.errors import ConfigError, PromptError, WeightsError
from regionclip.formats.settings import Settings

HEAVY = {"torch", "torchvision", "transformers", "supervision", "cv2", "av"}
"""Modules that take long to load."""

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    [
        *("-", "0", "none", "auto", "coco", "person", "yard", "gate", "a->b", "~nobody/x", "../..", "/"),
        *("x\0", "x" * 300, "rtsp://[::1", "${HOME}"),
    ]
)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.integers(-2, 20) | st.just(10**400) | st.floats() | st.floats(0, 1)


def toml_values(keys: Sequence[str] = ("x",)) -> st.SearchStrategy[Any]:
    """Values of every kind that TOML knows, lists of them and tables, often with one of `keys`."""
    return st.recursive(
        st.booleans() | _NUMBERS | _TEXTS | st.datetimes() | st.dates() | st.times(),
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(keys) | _TEXTS, inner, max_size=3),
        max_leaves=8,
    )


TOML_VALUES = toml_values()


def known_keys(model: type[Settings]) -> list[str]:
    """The keys of a table, and one that it does not know."""
    return [*(str(field.validation_alias or name) for name, field in model.model_fields.items()), "nonsense"]


def refusal(make: Callable[[], object]) -> str:
    """What the error of `make` says, which is one line; empty where it makes something."""
    try:
        make()
    except (ConfigError, PromptError, WeightsError) as error:
        said = str(error)
    else:
        return ""
    assert len(said.splitlines()) == 1
    return said


def loaded_after(code: str) -> tuple[str, set[str]]:
    """What an error of `code` says in a fresh process, and the modules that are loaded by then."""
    tried = f"import sys\ntry:\n    {code}\nexcept Exception as error:\n    print(error)\n"
    done = subprocess.run(
        [sys.executable, "-c", f"{tried}print(*sys.modules, sep='\\n')"], capture_output=True, text=True, check=True
    )
    said, *modules = done.stdout.splitlines()
    return said, set(modules)
