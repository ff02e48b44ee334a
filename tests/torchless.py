"""Commands that refuse before torch is loaded."""

import subprocess
import sys


def without_torch(*words: object) -> "subprocess.CompletedProcess[str]":
    """`regionclip ...` in a process where torch cannot be imported."""
    code = (
        "import sys; sys.modules['torch'] = None; from regionclip.cli import main; sys.argv[0] = 'regionclip'; main()"
    )
    command = [sys.executable, "-c", code, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
