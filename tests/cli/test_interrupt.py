"""Ctrl-C while Python still reads the program."""

import os
import signal
import subprocess
import sys

from regionclip.cli.terminal import exits


def test_an_early_interrupt_ends_in_one_line() -> None:
    """It comes inside the import of the command line, where no handler is set yet."""
    script = (
        "import builtins, os, signal, sys\n"
        "usual = builtins.__import__\n"
        "def late(name, *rest):\n"
        "    if name == 'typer':\n"
        "        os.kill(os.getpid(), signal.SIGINT)\n"
        "    return usual(name, *rest)\n"
        "builtins.__import__ = late\n"
        "sys.argv = ['regionclip', 'towers']\n"
        "from regionclip.__main__ import main\n"
        "main()\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    restored = lambda: signal.signal(signal.SIGINT, signal.default_int_handler)  # noqa: E731 - a test runner may ignore it
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, preexec_fn=restored, check=False)
    assert (done.returncode, done.stderr) == (exits.INTERRUPTED, "regionclip: interrupted\n")
