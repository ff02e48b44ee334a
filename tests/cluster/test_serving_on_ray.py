"""`regionclip serve --engine ray`: the same answers, several towers, and what happens where one dies."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from ray_served import environment, ray_cluster, workers
from served import png, post, serve_command, serving
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from waiting import until

from regionclip.cli.terminal import exits
from regionclip.cluster.serving import Told
from regionclip.loading import load
from regionclip.scenes.render import render_scene
from regionclip.serve import Client

WORDS = '["person", "红色的球"]'
PICTURE = png(render_scene(3, 0, (480, 640)).frame)


@pytest.mark.slow
def test_a_replica_that_dies_loses_what_it_had_in_hand_and_nothing_else(tmp_path: Path) -> None:
    with serving(load("tiny")) as alone:
        expected = post(alone, PICTURE, words=WORDS).json()
    options = ("--engine", "ray", "--replicas", "2", "--vocabularies", str(tmp_path), "--address")
    with (
        ray_cluster() as (address, cluster),
        serve_command(*options, address) as (url, process),
        ThreadPoolExecutor(16) as clients,
    ):
        with Client(url, timeout=60) as client:
            assert client.create_vocabulary("gate", ["person"]).id == "gate@1"
            seen = {client.detect(PICTURE, "gate").vocabulary for _ in range(12)}
        assert seen == {"gate@1"}, "replicas share vocabularies"
        replicas = workers(cluster, "ray::ServeReplica")
        assert len(replicas) == 2

        waiting = [clients.submit(post, url, PICTURE, words=WORDS) for _ in range(32)]
        until(lambda: sum(each.done() for each in waiting) > 3)
        os.kill(replicas[0], signal.SIGKILL)
        answers = [each.result() for each in waiting]
        good = [each for each in answers if each.status_code == 200]
        assert all(each.json() == expected for each in good)
        assert len(good) >= 16, "16 are asked at once: what the dead one had is less"
        for each in answers:
            if each.status_code != 200:
                assert (each.status_code, each.json()["status"], each.headers["Retry-After"]) == (503, 503, "1")
        until(lambda: len(set(workers(cluster, "ray::ServeReplica")) - {replicas[0]}) == 2, seconds=120)

        waiting = [clients.submit(post, url, PICTURE, words=WORDS) for _ in range(8)]
        until(lambda: any(each.done() for each in waiting))
        process.send_signal(signal.SIGTERM)
        assert [each.result().status_code for each in waiting] == [200] * 8
        assert process.wait(60) == exits.OK


@pytest.mark.slow
def test_why_replicas_cannot_start_is_told() -> None:
    command = [sys.executable, "-m", "regionclip", "serve", "--tower", "tiny", "--port", "0", "--engine", "ray"]
    done = subprocess.run([*command, "--proposer", "motion"], capture_output=True, text=True, env=environment())
    assert (done.returncode, "could not start: serve: this proposer remembers" in done.stderr) == (exits.FAILED, True)


def test_what_ray_answers_itself_has_the_form_of_errors() -> None:
    async def dead(scope: Scope, receive: Receive, send: Send) -> None:
        """As Ray's proxy when a replica dies: no answer at all."""

    def asked(app: ASGIApp) -> httpx.Response:
        async def get() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(Told(app)), base_url="http://ray") as client:
                return await client.get("/detect")

        return asyncio.run(get())

    for app in (dead, PlainTextResponse("Request dropped due to backpressure", 503)):
        answer = asked(app)
        assert (answer.status_code, answer.json()["status"], answer.headers["Retry-After"]) == (503, 503, "1")
    own = asked(JSONResponse({"status": 422, "error": "words"}, 422))
    assert (own.status_code, own.json()["error"]) == (422, "words")
    assert asked(PlainTextResponse("figures")).text == "figures"


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--engine", "spark"], "expected local or ray"),
        (["--address", "127.0.0.1:1"], "give --engine ray too"),
        (["--engine", "ray", "--address", "ray://127.0.0.1:1"], "expected HOST:PORT"),
        (["--engine", "ray", "--address", "127.0.0.1:1"], "no Ray cluster there"),
        (["--engine", "ray", "--address", "auto"], "--vocabularies"),
    ],
)
def test_refusals(
    run: Callable[..., int], capsys: pytest.CaptureFixture[str], tmp_path: Path, options: list[str], told: str
) -> None:
    kept = () if options[-1] == "auto" else ("--vocabularies", str(tmp_path))
    assert run("serve", "--tower", "tiny", "--port", "0", *kept, *options) == exits.USAGE
    assert told in capsys.readouterr().err
