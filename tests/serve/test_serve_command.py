"""`regionclip serve` as processes: they end in good order, share what they must, and refuse what they cannot serve."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from served import figure, png, post, serve_command
from torchless import without_torch
from waiting import until

from regionclip.cli.terminal import exits
from regionclip.scenes.render import render_scene
from regionclip.serve import Client
from regionclip.serve.metrics import SHARED, forget_dead


def test_sigterm_answers_what_is_in_hand() -> None:
    picture = png(render_scene(3, 0, (960, 1280)).frame)  # takes long enough that most wait
    with serve_command("--batch", "4") as (url, process), ThreadPoolExecutor(12) as clients:
        waiting = [clients.submit(post, url, picture, words='["person", "红色的球"]') for _ in range(12)]
        # Those that are done are counted first, so that none is counted twice.
        until(lambda: sum(each.done() for each in waiting) + figure(url, "regionclip_in_hand") == 12)
        process.send_signal(signal.SIGTERM)
        assert [each.result().status_code for each in waiting] == [200] * 12
        assert process.wait(60) == exits.OK
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"{url}/healthz", trust_env=False)


def test_workers_share_vocabularies_and_figures_and_end_with_their_parent() -> None:
    with serve_command("--workers", "2") as (url, process):
        seen = set[str]()

        def ask() -> None:
            with Client(url, timeout=60) as client:
                seen.add(client.create_vocabulary("gate", ["person"]).id)
                assert client.detect(png(), "gate@1").vocabulary == "gate@1"

        with ThreadPoolExecutor(4) as clients:
            for each in [clients.submit(ask) for _ in range(20)]:
                each.result()
        assert "gate@1" in seen
        assert figure(url, 'regionclip_requests_total{route="/detect",status="200"}') == 20
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        process.kill()
        process.wait()
        until(lambda: not any(map(lives, children)))


def lives(process: str) -> bool:
    """Whether it runs; what ended and was not waited for does not."""
    try:
        return " Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_workers_that_died_count_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(SHARED, str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        dead.wait()
    files = [tmp_path / f"gauge_livesum_{number}.db" for number in (dead.pid, os.getpid())]
    for file in files:
        file.touch()
    forget_dead()
    assert [file.exists() for file in files] == [False, True]


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--proposer", "motion"], "remembers earlier frames"),
        (["--vocabularies", "pyproject.toml"], "pyproject.toml cannot be read"),
    ],
)
def test_refusals(run: Callable[..., int], capsys: pytest.CaptureFixture[str], options: list[str], told: str) -> None:
    assert run("serve", "--tower", "tiny", "--port", "0", *options) in (exits.USAGE, exits.FAILED)
    assert told in capsys.readouterr().err


def test_who_may_reach_it_is_told_before_anything_heavy_is_loaded() -> None:
    for options, told in ((["--host", "0.0.0.0"], "--token-file"), (["--token-file", "none"], "none cannot be read")):
        done = without_torch("serve", *options)
        assert (done.returncode, told in done.stderr) == (exits.USAGE, True)


def test_the_client_needs_nothing_heavy() -> None:
    code = "import sys; from regionclip.serve import Client; print({'torch', 'numpy', 'fastapi'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
