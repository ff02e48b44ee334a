"""Values of every kind that TOML knows, and which modules a piece of code loads."""

import subprocess
import sys
from collections.abc import Callable
from datetime import date, datetime, time

from hypothesis import strategies as st

from regionclip.errors import ConfigError
from regionclip.formats.settings import Settings

HEAVY = {"torch", "torchvision", "transformers", "supervision", "cv2", "av"}
"""Modules that take long to load."""

_TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["-", "0", "none", "person", "yard", "gate", "a->b", "~nobody/x", "../..", "/", "x" * 300, "rtsp://[::1", "${HOME}"]
)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 10**400]) | st.floats() | st.floats(0, 1)
TOML_VALUES = st.recursive(
    st.booleans() | _NUMBERS | _TEXTS | st.sampled_from([date(2026, 1, 1), datetime(2026, 1, 1), time(1)]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=8,
)


def known_keys(model: type[Settings]) -> list[str]:
    """The keys of a table, and one that it does not know."""
    return [*(str(field.validation_alias or name) for name, field in model.model_fields.items()), "nonsense"]


def refusal(make: Callable[[], object]) -> str:
    """What the ConfigError of `make` says, which is one line; empty where it makes something."""
    try:
        make()
    except ConfigError as error:
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
