"""MQTT against a real broker: events, states, discovery, outages, secrets."""

import base64
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from mosquitto import listening, needs_mosquitto, quiet_port, running
from told import event
from waiting import until
from watching import frame, looks_like, rule_set

from regionclip.answers.regions import REGION_COLUMNS
from regionclip.errors import ConfigError
from regionclip.sinks.broker import Broker
from regionclip.sinks.mqtt import Mqtt
from regionclip.video.sources.base import SourceEvent

SECRET = "s3cr3t-w0rd"
RULES = rule_set(
    {"kind": "in", "name": "闯入 / night", "labels": "person"},
    {"kind": "enter", "name": "enter", "labels": "person"},
)
STATE = "site/cam/rules/闯入 _ night-84b2ef"


def sink(port: int, **keys: object) -> Mqtt:
    return Mqtt(f"mqtt://127.0.0.1:{port}/site", **keys)  # type: ignore[arg-type]


@needs_mosquitto
def test_events_states_and_what_home_assistant_finds(tmp_path: Path) -> None:
    with running(tmp_path) as broker, listening(broker) as heard:
        with sink(broker.port) as mqtt:
            mqtt.watching("cam", RULES.rules)
            until(lambda: sum(topic.startswith("homeassistant/") for topic, *_ in heard.came) == 2)
            configs = {heard.json(topic)["name"]: heard.json(topic) for topic, *_ in heard.came if "/config" in topic}
            state = configs["闯入 / night"]["state_topic"]
            assert heard.json(state) == {"state": "OFF"}
            for number in range(3):
                assert mqtt.send(event(number)) == event(number)
            until(lambda: heard.json(state)["state"] == "ON")
            mqtt.send(event(0, phase="end", duration=2.0))
            until(lambda: mqtt.status().sent == 4)
            assert heard.json(state)["state"] == "ON"  # two go on
            for number in (1, 2):
                mqtt.send(event(number, phase="end", duration=2.0))
            until(lambda: heard.json(state)["state"] == "OFF")
            assert heard.json(state)["label"] == "人员"
            mqtt.send(event(7, rule="enter", kind="enter"))
            mqtt.send(SourceEvent("lost", "cam", 0.0, "no data"))
            until(lambda: heard.json("site/cam/status")["state"] == "offline")
            until(lambda: len(heard.all("site/cam/events")) == 8)
            assert heard.latest("site/availability") == b"online"
        until(lambda: heard.latest("site/availability") == b"offline")
        told = heard.all("site/cam/events")
        assert told[0] == event(0).to_dict()
        assert [line["phase"] for line in told] == ["start"] * 3 + ["end"] * 3 + ["start", "lost"]
        assert "闯入" in next(payload.decode() for topic, payload, _ in heard.came if topic == "site/cam/events")
        enter = configs["enter"]
        assert heard.json(enter["state_topic"])["state"] == "ON"
        assert (enter["off_delay"], "off_delay" in configs["闯入 / night"]) == (3, False)
        assert enter["device"] == configs["闯入 / night"]["device"]
        assert enter["device"]["name"] == "cam"
        assert [each["topic"] for each in enter["availability"]] == ["site/availability", "site/cam/status"]
        assert enter["unique_id"] != configs["闯入 / night"]["unique_id"]
        with listening(broker) as later:  # what is retained: states as they were left, and nothing that happened once
            until(lambda: len(later.retained()) == 6)
            assert later.json(state)["state"] == later.json(enter["state_topic"])["state"] == "OFF"
            assert later.all("site/cam/events") == []


@needs_mosquitto
def test_a_broker_that_is_killed_and_comes_back_loses_nothing(tmp_path: Path) -> None:
    said: list[str] = []
    kept = f"persistence true\npersistence_location {tmp_path}/\nallow_anonymous true"
    with running(tmp_path, kept) as broker, sink(broker.port, on_problem=said.append) as mqtt:
        mqtt.watching("cam", RULES.rules)
        with listening(broker, name="archive"):
            mqtt.send(event(0))
            until(lambda: mqtt.status().sent == 1)
        os.kill(broker.pid, signal.SIGUSR1)  # it writes down who listens
        until((tmp_path / "mosquitto.db").is_file)
        broker.kill()
        until(lambda: len(said) == 1)
        for number in range(1, 30):
            mqtt.send(event(number))
        mqtt.send(event(0, phase="end"))
        assert mqtt.status().waiting == 30
        broker.start()
        with listening(broker, name="archive") as heard:
            until(lambda: mqtt.status().sent == 31)
            until(lambda: any(line["phase"] == "end" for line in heard.all("site/cam/events")))
            incidents = [line["incident"] for line in heard.all("site/cam/events")]
            assert incidents[-30:] == [f"{number:012x}" for number in (*range(1, 30), 0)]
            until(lambda: heard.latest("site/availability") == b"online")
        assert mqtt.status().problem == ""
        assert said == [
            f"mqtt mqtt://127.0.0.1:{broker.port}/site: the broker is away; events wait for it",
            f"mqtt mqtt://127.0.0.1:{broker.port}/site: over: the broker is away; events wait for it",
        ]


def test_nobody_waits_for_a_broker_that_is_not_there() -> None:
    said: list[str] = []
    mqtt = sink(quiet_port(), queue=5, on_problem=said.append)
    mqtt.watching("cam", RULES.rules)
    for number in range(2000):
        mqtt.send(event(number))
    mqtt.see(frame(0.0), looks_like((1, [1.0, 0.0])))
    assert (mqtt.status().dropped, mqtt.status().waiting) in {(1995, 5), (1994, 6)}
    until(lambda: any("is away" in line for line in said))
    mqtt.close(patience=1)
    mqtt.close(patience=1)
    mqtt.send(event())
    assert mqtt.status().sent == 0
    assert sum("is away; events wait" in line for line in said) == 1
    assert sum("older ones are dropped" in line for line in said) in (1, 2)  # the sink takes one, and there is room


@needs_mosquitto
def test_states_are_right_after_a_full_queue_at_a_broker_that_forgot_them(tmp_path: Path) -> None:
    with running(tmp_path) as broker, sink(broker.port, queue=2) as mqtt:
        mqtt.watching("cam", RULES.rules)
        until(lambda: mqtt._here)
        broker.kill()
        until(lambda: not mqtt._here)
        for number in range(5):
            mqtt.send(event(number))
        for number in range(5):
            mqtt.send(event(number, phase="end"))
        mqtt.send(event(9))
        broker.start()
        with listening(broker) as heard:
            topic = Broker.of("mqtt://h/site").topic_of("cam", "rules", "闯入 / night")
            until(lambda: heard.latest(topic) is not None)
            assert heard.json(topic)["state"] == "ON"
            assert heard.json(topic)["incident"] == f"{9:012x}"


@needs_mosquitto
def test_a_broker_that_hangs_holds_up_nobody(tmp_path: Path) -> None:
    with running(tmp_path) as broker, sink(broker.port, embeddings=True) as mqtt:
        until(lambda: mqtt._here)
        os.kill(broker.pid, signal.SIGSTOP)
        for number in range(200):
            mqtt.send(event(number))
            mqtt.see(frame(number / 10), looks_like((1, [1.0, 0.0])))
        assert mqtt.status().waiting >= 199
        os.kill(broker.pid, signal.SIGCONT)
        until(lambda: mqtt.status().sent == 200)


@needs_mosquitto
def test_embeddings_come_as_they_were(tmp_path: Path) -> None:
    seen = looks_like((1, [3.0, 4.0]), (2, [1.0, 0.0]))
    with running(tmp_path) as broker, listening(broker) as heard, sink(broker.port, embeddings=True) as mqtt:
        until(lambda: mqtt._here)
        mqtt.see(frame(1.0, 10, 1.79e9), seen)
        content = heard.json("site/cam/regions")
        vectors = np.frombuffer(base64.b64decode(content["embeddings"]), "<f2").reshape(content["shape"])
        np.testing.assert_allclose(vectors, seen.embeddings, atol=1e-3)
        assert (content["schema"], content["frame"], content["fingerprint"]) == ("regionclip.regions/1", 10, "test")
        assert len(content["boxes"]) == len(content["valid"]) == 2
        until(lambda: mqtt._latest is not None and mqtt._latest.is_published())
        nothing = replace(seen, **{name: getattr(seen, name)[:0] for name in (*REGION_COLUMNS, "tracker_id")})
        mqtt.see(frame(2.0, 20), nothing)
        until(lambda: heard.json("site/cam/regions")["frame"] == 20)
        assert heard.json("site/cam/regions")["boxes"] == []
        assert heard.json("site/cam/regions")["shape"] == [0, 2]


@needs_mosquitto
def test_a_program_that_is_killed_is_offline(tmp_path: Path) -> None:
    code = "import sys, time; from regionclip.sinks.mqtt import Mqtt; Mqtt(sys.argv[1]); time.sleep(99)"
    with running(tmp_path) as broker, listening(broker) as heard:
        command = [sys.executable, "-c", code, f"mqtt://127.0.0.1:{broker.port}"]
        with subprocess.Popen(command) as program:
            until(lambda: heard.latest("regionclip/availability") == b"online")
            program.kill()
        until(lambda: heard.latest("regionclip/availability") == b"offline")


@needs_mosquitto
def test_passwords_are_asked_for_and_never_told(tmp_path: Path) -> None:
    subprocess.run(["mosquitto_passwd", "-b", "-c", tmp_path / "users", "cam", SECRET], check=True)
    with running(tmp_path, f"allow_anonymous false\npassword_file {tmp_path / 'users'}") as broker:
        said: list[str] = []
        url = f"mqtt://cam:{SECRET}@127.0.0.1:{broker.port}/site"
        with listening(broker, "cam", SECRET) as heard, Mqtt(url, on_problem=said.append) as mqtt:
            mqtt.send(event())
            until(lambda: mqtt.status().sent == 1)
            assert heard.json("site/cam/events")["phase"] == "start"
        assert said == []
        with Mqtt(url.replace(SECRET, f"{SECRET}X"), on_problem=said.append) as mqtt:
            until(lambda: len(said) == 1)
            assert "refused: Not authorized" in said[0]
        assert SECRET not in "".join(said) + repr(Broker.of(url)) + str(Broker.of(url))


@needs_mosquitto
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # paho leaves a refused socket open
def test_an_encrypted_connection_checks_who_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    options = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=test -addext subjectAltName=IP:127.0.0.1"
    command = ["openssl", *options.split(), "-keyout", str(key), "-out", str(certificate)]
    subprocess.run(command, check=True, capture_output=True)
    said: list[str] = []
    with running(tmp_path, f"allow_anonymous true\ncertfile {certificate}\nkeyfile {key}") as broker:
        url = f"mqtts://127.0.0.1:{broker.port}"
        with Mqtt(url, on_problem=said.append):
            until(lambda: len(said) == 1)  # nobody knows that certificate
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        with Mqtt(url) as mqtt:
            mqtt.send(event())
            until(lambda: mqtt.status().sent == 1)


def test_names_that_would_be_other_topics() -> None:
    topic_of = Broker.of("mqtt://h").topic_of
    assert topic_of("院 1", "events") == "regionclip/院 1/events"
    strange = [topic_of(name) for name in ("a/b", "a_b", "a+b", "a#b", "$SYS", "", os.fsdecode(b"caf\xe9"))]
    assert len(set(strange)) == len(strange)
    assert not any(set(topic.removeprefix("regionclip/")) & set("/+#$") for topic in strange)


@pytest.mark.parametrize(
    ("url", "topic", "address"),
    [
        ("mqtt://h", "regionclip", "mqtt://h:1883/regionclip"),
        ("mqtts://u:p%40@h/a/b/", "a/b", "mqtts://h:8883/a/b"),
        ("mqtt://[::1]:99/%E9%99%A2", "院", "mqtt://[::1]:99/院"),
    ],
)
def test_addresses(url: str, topic: str, address: str) -> None:
    assert (Broker.of(url).topic, str(Broker.of(url))) == (topic, address)
    assert Broker.of("mqtts://u:p%40@h").password == "p@"


@pytest.mark.parametrize(
    "rest",
    ["http://h", "mqtt://", "mqtt://h:port", "mqtt://h/a+b", "mqtt://h/#", "mqtt://h/a?b", "mqtt://h/a b\n", "h"],
)
def test_addresses_that_cannot_be(rest: str) -> None:
    with pytest.raises(ConfigError, match=r"mqtt: expected an address as mqtt://user@host:1883/topic, got ") as raised:
        Broker.of(rest.replace("//", f"//me:{SECRET}@", 1))
    assert SECRET not in str(raised.value)
