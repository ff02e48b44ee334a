"""What tests of several packages share."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

# Before torch is loaded, here and in the processes that tests start: with tensors this small a second thread only
# waits, and waits long where the other core is busy.
os.environ.setdefault("OMP_NUM_THREADS", "1")
# What is kept for the next process is kept for this session's only, and not among the user's own.
os.environ["XDG_CACHE_HOME"] = tempfile.mkdtemp(prefix="regionclip-tests-")
# The default tower does not hang on what this machine has downloaded.
os.environ["HF_HUB_CACHE"] = str(Path(os.environ["XDG_CACHE_HOME"]) / "hub")

import hypothesis
import pytest
from checkpoints import ODD, write_fgclip2

from regionclip.cli import main
from regionclip.formats.tables import as_table
from regionclip.towers.fgclip2 import FGCLIP2Model

# The same examples everywhere: what passes here passes on the machine that judges a change.
hypothesis.settings.register_profile("steady", derandomize=True, deadline=None)
hypothesis.settings.load_profile("steady")


def pytest_unconfigure() -> None:
    """Leave nothing in the system's folder for temporary files."""
    shutil.rmtree(os.environ["XDG_CACHE_HOME"], ignore_errors=True)


@pytest.fixture(scope="session")
def fgclip2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small random FG-CLIP 2 checkpoint in the official layout."""
    return write_fgclip2(tmp_path_factory.mktemp("fgclip2"))


@pytest.fixture(scope="session")
def odd_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint in which no size equals another, or those of the golden."""
    return write_fgclip2(tmp_path_factory.mktemp("odd"), **ODD)


@pytest.fixture(scope="session")
def odd_model(odd_folder: Path) -> FGCLIP2Model:
    """The model of `odd_folder`."""
    return FGCLIP2Model.from_pretrained(odd_folder)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., int]]:
    """`regionclip ...` in this process; its exit code."""

    def command(*words: object) -> int:
        monkeypatch.setattr(sys, "argv", ["regionclip", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        return int(ended.value.code or 0)

    before = signal.getsignal(signal.SIGINT)
    yield command
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def run_small(run: Callable[..., int], fgclip2_folder: Path) -> Callable[..., int]:
    """`run` with the small FG-CLIP 2, or another tower."""
    return lambda *words, tower=fgclip2_folder: run(*words, "--tower", tower, "--dtype", "float32")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the conformance table: what each tower and region mode promises, where the suite of towers has run."""
    cells: dict[tuple[str, str], str] = {}
    for outcome, shown in (("passed", "ok"), ("failed", "FAILED")):  # one failure is a failure
        for report in terminalreporter.getreports(outcome):
            properties = dict(report.user_properties)
            if report.when == "call" and "conformance" in properties:
                tower, check = properties["conformance"]
                cells[tower, check] = shown
    towers, checks = (list(dict.fromkeys(keys)) for keys in zip(*cells, strict=True)) if cells else ([], [])
    if len(checks) > 1:
        rows = [(tower, *(cells.get((tower, check), "") for check in checks)) for tower in towers]
        terminalreporter.write_sep("-", "conformance of towers, small random checkpoints")
        terminalreporter.write_line(as_table(("", *checks), rows))
