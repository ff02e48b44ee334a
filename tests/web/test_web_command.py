"""The command `web`: who may reach the page, and that it ends."""

import re
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from regionclip.cli.terminal import exits

pytest.importorskip("gradio", reason='the page needs pip install "regionclip[web]"')


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text("ada:pass:word\n")
    return path


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--host", "0.0.0.0"), "others than this machine can reach it: give --auth FILE"),
        (("--host", "192.0.2.1", "--auth", "absent"), "--auth absent cannot be read: No such file or directory"),
        (("--auth", "empty"), "--auth empty: expected lines of user:password"),
        (("--auth", "nameless"), "--auth nameless: expected lines of user:password"),
        (("--language", "fr"), "--language 'fr': expected auto or en or zh"),
    ],
)
def test_what_is_refused(
    run: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    options: tuple[str, ...],
    said: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("empty").touch()
    Path("nameless").write_text("ada:x\nsecret\n")
    assert run("web", "--tower", "tiny", *options) == exits.USAGE
    assert said in capsys.readouterr().err


def test_it_asks_for_a_password_and_ends_in_good_order(users: Path) -> None:
    command = [sys.executable, "-m", "regionclip", "web", "--tower", "tiny", "--port", "0", "--auth", str(users)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        (address,) = next(found for line in process.stderr if (found := re.findall(r"http://\S+", line)))
        with httpx.Client(base_url=address, trust_env=False, timeout=30) as client:
            assert client.get("/config").status_code == 401
            assert client.post("/login", data={"username": "ada", "password": "word"}).status_code == 400
            assert client.post("/login", data={"username": "ada", "password": "pass:word"}).status_code == 200
            config = client.get("/config").json()
            assert config["analytics_enabled"] is False
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == exits.OK
        assert "Traceback" not in process.stderr.read()
