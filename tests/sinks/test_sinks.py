"""Where events go: the log, pictures, and a webhook against a real server that fails in every way."""

import base64
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import cv2
import numpy as np
import pytest
from told import event, lines, picture
from waiting import until
from watching import SIZE, rows

from regionclip.errors import ConfigError, FileError
from regionclip.sinks.log_and_snapshots import EventLog, Snapshots, Webhook, hand_on
from regionclip.video.rules.watch import Event
from regionclip.video.sources.base import SourceEvent


def test_a_log_has_a_line_for_each_event_at_once(tmp_path: Path) -> None:
    path = tmp_path / "events" / "e.jsonl"
    with EventLog(path) as log:
        assert log.send(event()) == event()
        assert lines(path)[0]["rule"] == "闯入 / night"
        assert "闯入" in path.read_text(encoding="utf-8")
        assert lines(path)[0]["local_time"] == "2025-11-25T00:00:00.250+08:00"
        log.send(SourceEvent("lost", "cam", 1_764_000_000.0, "no data for 5 s"))
        log.send(SourceEvent("back", "cam", 1_764_000_009.0, outage_seconds=9))
    with EventLog(path) as log:
        log.send(event(2, phase="end", duration=3.14159))
    first, lost, back, end = lines(path)
    assert [first["phase"], lost["phase"], back["phase"], end["phase"]] == ["start", "lost", "back", "end"]
    assert (lost["kind"], lost["reason"], back["duration"], end["duration"]) == ("source", "no data for 5 s", 9, 3.142)
    log.close()
    with pytest.raises(FileError, match=r"e\.jsonl cannot be written"):
        log.send(event())


def test_a_torn_line_is_not_continued(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    path.write_bytes(b'{"phase": "start"}\n{"phase": "sta')
    with EventLog(path) as log:
        log.send(event())
    parts = path.read_bytes().splitlines()
    assert parts[1] == b'{"phase": "sta'
    assert json.loads(parts[2])["phase"] == "start"
    with EventLog(path) as log:
        log.send(event())
    assert len(path.read_bytes().splitlines()) == 4


def test_names_that_are_no_text_stay_json(tmp_path: Path) -> None:
    path = tmp_path / "e.jsonl"
    strange = os.fsdecode(b"caf\xe9.mp4")
    with EventLog(path) as log:
        log.send(event(source=strange, rule='"\n\u2028\x00'))
    (line,) = path.read_bytes().splitlines()
    assert json.loads(line)["source"] == strange
    assert json.loads(line)["rule"] == '"\n\u2028\x00'


def test_logs_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be written"):
        EventLog(tmp_path)
    (tmp_path / "w.jsonl").write_text("{}\n", encoding="utf-16")
    (tmp_path / "notes.txt").write_text("remember the milk")
    with pytest.raises(FileError, match="expected a log of events, got another file"):
        EventLog(tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text() == "remember the milk"
    with pytest.raises(FileError, match="got UTF-16"):
        EventLog(tmp_path / "w.jsonl")


def test_snapshots(tmp_path: Path) -> None:
    with Snapshots(tmp_path / "pictures") as sink:
        told = sink.send(event(), picture())
        assert isinstance(told, Event)
        names = [Path(name).name for name in told.pictures]
        stem = "20251124T160000.250Z-闯入_night-000000000001"
        assert names == [f"{stem}-crop.jpg", f"{stem}-frame.jpg"]
        assert told.to_dict()["pictures"] == list(told.pictures)
        crop, whole = (cv2.imdecode(np.fromfile(name, np.uint8), cv2.IMREAD_COLOR) for name in told.pictures)
        assert crop is not None
        assert whole is not None
        assert crop.shape == (157, 79, 3)  # 15 % around
        assert abs(crop[78, 39].astype(int) - (0, 160, 0)).max() < 12
        assert whole.shape == (*SIZE, 3)
        assert abs(whole[220, 20].astype(int) - 90).max() < 12
        edge = whole[120, 97:104].astype(int)  # the box is drawn
        assert abs(edge - picture()[120, 97:104]).max() > 60
        assert sink.send(event(phase="end"), picture()) == event(phase="end")
        assert sink.send(event(2), None) == event(2)
        alone = sink.send(event(3, box=None, utc_seconds=None, label=None, confidence=None, tracks=()), picture())
        assert isinstance(alone, Event)
        assert [Path(name).name for name in alone.pictures] == ["000012.400s-闯入_night-000000000003-frame.jpg"]
        outside = sink.send(event(4, box=(400.0, 10.0, 420.0, 20.0)), picture())
        assert isinstance(outside, Event)
        assert len(outside.pictures) == 1
    assert len(list((tmp_path / "pictures").iterdir())) == 4


def test_snapshots_hide_what_is_named(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (*SIZE, 3), dtype=np.uint8)
    sink = Snapshots(tmp_path, blur=["face"])
    told = sink.send(event(), image, rows([(1, "face", 130, 150)]))
    assert isinstance(told, Event)
    assert cv2.imread(told.pictures[0]) is not None
    whole = cv2.imread(told.pictures[1])
    assert whole is not None
    assert whole[100:140, 118:142].std(axis=(0, 1)).max() < 25  # was 74
    assert whole[200:230, 20:60].std(axis=(0, 1)).min() > 30
    with pytest.raises(ConfigError, match="nothing could be hidden"):
        sink.send(event(), image)
    with pytest.raises(ConfigError, match="expected a list of names"):
        Snapshots(tmp_path, blur="face")


def test_each_sink_gets_what_the_one_before_has_made(tmp_path: Path) -> None:
    with Snapshots(tmp_path) as pictures, EventLog(tmp_path / "e.jsonl") as log:
        told = hand_on([pictures, log], event(), picture())
    assert isinstance(told, Event)
    assert lines(tmp_path / "e.jsonl")[0]["pictures"] == list(told.pictures) != []
    assert hand_on([], event()) == event()


Answer = Callable[[BaseHTTPRequestHandler], None]


def status(code: int, **headers: str) -> Answer:
    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(code)
        for name, value in headers.items():
            request.send_header(name.replace("_", "-"), value)
        request.send_header("Content-Length", "0")
        request.end_headers()

    return answer


class Server:
    """Answers in a given order, the last answer for ever; keeps what came."""

    def __init__(self) -> None:
        self.answers: list[Answer] = [status(200)]
        self.came: list[tuple[dict[str, Any], dict[str, str], str]] = []
        self.released = Flag()
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                server.came.append((body, dict(self.headers), self.path))
                answer = server.answers.pop(0) if len(server.answers) > 1 else server.answers[0]
                answer(self)

            def log_message(self, format: str, *values: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def hang(self, request: BaseHTTPRequestHandler) -> None:
        self.released.wait(20)
        request.close_connection = True

    @staticmethod
    def cut(request: BaseHTTPRequestHandler) -> None:
        request.connection.shutdown(socket.SHUT_RDWR)
        request.close_connection = True

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits between tries are a hundredth of what they are."""
    from regionclip.sinks import webhook
    from regionclip.video.sources.backoff import Backoff

    monkeypatch.setattr(webhook, "Backoff", lambda first, longest: Backoff(first / 100, longest / 100))


SECRET = "s3cr3t-t0ken"


def test_a_webhook_posts_json_in_order(server: Server) -> None:
    url = f"http://me:{SECRET}@127.0.0.1:{server.port}/hook/{SECRET}?token={SECRET}"
    with Webhook(url, headers={"X-Key": SECRET}) as hook:
        for number in range(5):
            assert hook.send(event(number)) == event(number)
        hook.send(SourceEvent("lost", "cam", 0.0, "gone"))
        until(lambda: hook.status().sent == 6)
    body, headers, path = server.came[0]
    assert body == event(0).to_dict()
    assert [each[0].get("incident") for each in server.came] == [*(f"{n:012x}" for n in range(5)), None]
    assert path == f"/hook/{SECRET}?token={SECRET}"
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["X-Key"] == SECRET
    assert headers["Authorization"] == "Basic " + base64.b64encode(f"me:{SECRET}".encode()).decode()
    assert hook.status().waiting == 0


@pytest.mark.usefixtures("hasty")
def test_failures_that_may_pass_are_tried_again(server: Server) -> None:
    server.answers = [status(500), Server.cut, server.hang, status(429, Retry_After="0"), status(204)]
    problems: list[str] = []
    with Webhook(f"http://127.0.0.1:{server.port}/", timeout=0.3, on_problem=problems.append) as hook:
        hook.send(event())
        until(lambda: hook.status().sent == 1)
        assert hook.status().problem == ""
    assert len(server.came) == 5
    assert problems == []


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize(
    ("answer", "tries", "said"),
    [
        (status(500), 3, "answered 500, tried 3 times"),
        (status(404), 1, "answered 404"),
        (status(302, Location="ftp://127.0.0.1/x"), 1, "answered 302: it is elsewhere now; redirects are not followed"),
        (Server.cut, 3, "tried 3 times"),
    ],
)
def test_events_that_are_given_up_are_said(server: Server, answer: Answer, tries: int, said: str) -> None:
    server.answers = [answer]
    problems: list[str] = []
    url = f"http://u:{SECRET}@127.0.0.1:{server.port}/{SECRET}?key={SECRET}"
    with Webhook(url, retries=2, on_problem=problems.append) as hook:
        hook.send(event())
        until(lambda: hook.status().failed == 1)
        server.answers = [status(200)]
        hook.send(event(2))
        until(lambda: hook.status().sent == 1)
    assert len(server.came) == tries + 1
    assert len(problems) == 1
    assert problems[0].startswith(f"webhook http://127.0.0.1:{server.port}/***: event 000000000001 was not sent: ")
    assert problems[0].endswith(said)
    assert SECRET not in problems[0]


@pytest.mark.usefixtures("hasty")
def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    problems: list[str] = []
    with Webhook(f"http://127.0.0.1:{port}", retries=1, on_problem=problems.append) as hook:
        hook.send(event())
        until(lambda: hook.status().failed == 1)
    said = "event 000000000001 was not sent: Connection refused, tried 2 times"
    assert problems == [f"webhook http://127.0.0.1:{port}: {said}"]


def test_a_full_queue_lets_the_oldest_go_and_never_waits(server: Server) -> None:
    server.answers = [server.hang]
    problems: list[str] = []
    hook = Webhook(f"http://127.0.0.1:{server.port}", queue=3, timeout=30, on_problem=problems.append)
    hook.send(event(0))
    until(lambda: len(server.came) == 1)
    begun = time.monotonic()
    for number in range(1, 8):
        hook.send(event(number))
    assert time.monotonic() - begun < 5  # the server answers nothing for 20 s
    assert (hook.status().dropped, hook.status().waiting) == (4, 4)
    server.answers = [status(200)]
    server.released.set()
    until(lambda: hook.status().waiting == 0)
    hook.close()
    assert [body["incident"][-1] for body, *_ in server.came[-3:]] == ["5", "6", "7"]
    assert sum("older ones are dropped" in problem for problem in problems) == 1


def test_closing_sends_what_waits_but_not_for_ever(server: Server) -> None:
    with Webhook(f"http://127.0.0.1:{server.port}") as hook:
        for number in range(20):
            hook.send(event(number))
    assert hook.status().sent == 20
    server.answers = [server.hang]
    problems: list[str] = []
    hook = Webhook(f"http://127.0.0.1:{server.port}", timeout=30, on_problem=problems.append)
    for number in range(4):
        hook.send(event(number))
    until(lambda: len(server.came) == 21)
    begun = time.monotonic()
    hook.close(patience=0.2)
    hook.close(patience=0.2)
    assert time.monotonic() - begun < 10
    assert hook.status().dropped == 4
    assert problems[-1].endswith("4 events were not sent before the end")
    hook.send(event(9))
    assert hook.status().dropped == 5


def test_closing_cuts_the_wait_between_tries_short(server: Server) -> None:
    server.answers = [status(503, Retry_After="3600")]
    hook = Webhook(f"http://127.0.0.1:{server.port}")
    hook.send(event())
    until(lambda: len(server.came) == 1 and hook.status().problem == "answered 503")
    begun = time.monotonic()
    hook.close(patience=10)
    assert time.monotonic() - begun < 8
    assert hook.status().failed == 1


URL = "http://127.0.0.1:9/"


@pytest.mark.parametrize(
    ("url", "keys", "said"),
    [
        (f"ftp://u:{SECRET}@host/{SECRET}", {}, r"https://host/path in plain ASCII, got ftp://\*\*\*"),
        (f"file:///etc/{SECRET}", {}, r"got file://\*\*\*"),
        (f"host/{SECRET}", {}, "got something else"),
        (f"http:///{SECRET}", {}, r"got http://\*\*\*"),
        (f"http://host:port/{SECRET}", {}, r"got http://\*\*\*"),
        (f"http://host/{SECRET} x", {}, r"got http://\*\*\*"),
        (f"http://host/{SECRET}\r\nX: y", {}, r"got http://\*\*\*"),
        (URL, {"timeout": 0}, "webhook: timeout: expected a number above 0"),
        (URL, {"retries": -1}, "webhook: retries: expected a whole number of at least 0"),
        (URL, {"queue": 0}, "webhook: queue: expected a whole number of at least 1"),
        (URL, {"headers": {"X": f"{SECRET}\r\nY: 1"}}, "header 'X': expected plain ASCII text on one line"),
    ],
)
def test_webhooks_that_cannot_be(url: str, keys: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as raised:
        Webhook(url, **keys)
    assert SECRET not in str(raised.value)
