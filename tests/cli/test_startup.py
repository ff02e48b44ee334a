"""What is imported for what: a mistake is told before torch, and a first detection needs no more than it uses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from regionclip.cli.terminal import exits

HEAVY = ("torch", "cv2", "supervision", "transformers", "torchvision", "scipy", "matplotlib", "av", "pycocotools")
COMMAND = "import sys; from regionclip.cli import main; sys.argv[0] = 'regionclip'\ntry: main()\n"
REPORT = f"finally: print(*(name for name in {HEAVY!r} if name in sys.modules), file=sys.stderr)\n"


def imported(script: str, *arguments: object, folder: Path) -> tuple[int, set[str]]:
    """Exit code of a script in a process of its own, and which of the names that it prints last it had imported."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)
    return done.returncode, set(done.stderr.splitlines()[-1].split())


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with files that have mistakes."""
    (tmp_path / "bad.toml").write_text("x =")
    (tmp_path / "words.toml").write_text('[[labels]]\nnam = "person"\n')
    (tmp_path / "rules.toml").write_text('[[rule]]\nname = "r"\nkind = "in"\nlabels = ["dog"]\n')
    (tmp_path / "tower.toml").write_text('tower = "x"\n')
    (tmp_path / "half.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (tmp_path / "whole.png").write_bytes(b"only its name is looked at")
    return tmp_path


ASKED = ("-p", "person")


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (("--help",), exits.OK),
        (("detect", "--help"), exits.OK),
        (("towers",), exits.OK),
        (("vocab", "list"), exits.OK),
        (("vocab", "show", "security-ppe"), exits.OK),
        (("detect", "--nosuch"), exits.USAGE),
        (("nosuch",), exits.USAGE),
        (("detect", "half.png"), exits.USAGE),
        (("detect", "absent.png", *ASKED), exits.UNREADABLE),
        (("detect", "half.png", *ASKED), exits.UNREADABLE),
        (("explain", "half.png", *ASKED), exits.UNREADABLE),
        (("detect", "whole.png", *ASKED, "--json", "whole.png"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--boxes", "absent.json"), exits.USAGE),
        (("detect", "whole.png", "--prompts-file", "words.toml"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--config", "bad.toml"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--tower", "nosuch"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--preset", "nosuch"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--tiles", "many"), exits.USAGE),
        (("stream", "ftp://camera", *ASKED), exits.USAGE),
        (("stream", "0", *ASKED, "--timezone", "Nowhere"), exits.USAGE),
        (("video", "absent.mp4", *ASKED, "--out", "o.mp4"), exits.UNREADABLE),
        (("vocab", "check", "words.toml"), exits.USAGE),
        (("train", "--config", "bad.toml"), exits.USAGE),
        (("calibrate", "--vocabulary", "words.toml", "--empty", ".", "--out", "o"), exits.USAGE),
        (("search", "absent", *ASKED), exits.FAILED),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--rules", "bad.toml"), exits.USAGE),
        (("site", "bad.toml"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.avi"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--results", "r.txt"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--codec", "foo"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--webhook", "notaurl"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--mqtt", "http://host"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--mqtt-embeddings"), exits.USAGE),
        (("video", "whole.png", *ASKED, "--out", "o.mp4", "--rules", "rules.toml"), exits.USAGE),
        (("detect", "whole.png", *ASKED, "--weights", "./nowhere/at/all"), exits.WEIGHTS),
        (("detect", "whole.png", *ASKED, "--config", "tower.toml"), exits.USAGE),
        (("proposals",), exits.OK),
        (("detect", "whole.png", *ASKED, "--proposer", "magic"), exits.USAGE),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, tuple) else "",
)
def test_a_mistake_is_told_before_anything_heavy(desk: Path, command: tuple[str, ...], code: int) -> None:
    assert imported(COMMAND + REPORT, *command, folder=desk) == (code, set())


def test_a_first_detection_imports_what_it_uses(tmp_path: Path) -> None:
    script = (
        "import sys, numpy, regionclip\n"
        "det = regionclip.load('tiny')\n"
        "det(numpy.full((240, 320, 3), 90, numpy.uint8), ['person'])\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    code, names = imported(script, folder=tmp_path)
    assert code == 0
    assert {"torch", "supervision"} <= names
    spared = {"torch._dynamo", "sympy", "transformers", "matplotlib", "pycocotools", "av", "huggingface_hub", "typer"}
    assert names & spared == set()
