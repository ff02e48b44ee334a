"""What tests of several packages share."""

import os
from pathlib import Path

# Before torch is loaded, here and in the processes that tests start: with tensors this small a second thread only
# waits, and waits long where the other core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest
from checkpoints import write_fgclip2


@pytest.fixture(scope="session")
def fgclip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random FG-CLIP 2 checkpoint in the official layout."""
    return write_fgclip2(tmp_path_factory.mktemp("fgclip2"))
