"""What tests of several packages share."""

from pathlib import Path

import pytest
from checkpoints import write_fgclip2


@pytest.fixture(scope="session")
def fgclip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random FG-CLIP 2 checkpoint in the official layout."""
    return write_fgclip2(tmp_path_factory.mktemp("fgclip2"))
