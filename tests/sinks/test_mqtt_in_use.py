"""The broker as sink of a stream, of a site in its own process, and of the example of docs/events.md."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from footage import write_clip
from mosquitto import listening, needs_mosquitto, running
from told import lines
from toy import ToyTower, planted
from waiting import until

import regionclip
from proposals.boxes import BoxesProposer
from regionclip.detector import Detector
from regionclip.sinks.log_and_snapshots import EventLog
from regionclip.sinks.mqtt import Mqtt
from regionclip.video.rules.file import RuleSet

PAGE = (Path(__file__).parents[2] / "docs" / "events.md").read_text(encoding="utf-8")
RULES = '[[rule]]\nname = "空 empty"\nkind = "absent"\nlabels = "person"\nseconds = 0.3\n'
WORD = "s3cr3t-w0rd"


@needs_mosquitto
def test_a_stream(tmp_path: Path) -> None:
    clip = write_clip(tmp_path / "a.mp4", range(0, 2000, 100), [planted(red=(16, 16, 80, 80))] * 20)
    rules = RuleSet.of({"rule": [{"name": "red", "kind": "in", "labels": "red", "seconds": 0.2}]})
    detector = Detector(ToyTower(), BoxesProposer([(16, 16, 80, 80)]))
    url = "mqtt://127.0.0.1:{}/toy"
    with (
        running(tmp_path) as broker,
        listening(broker) as heard,
        Mqtt(url.format(broker.port), embeddings=True) as mqtt,
        EventLog(tmp_path / "e.jsonl") as log,
    ):
        until(lambda: heard.latest("toy/availability") == b"online")
        with regionclip.stream(clip, detector, ["red"], rules=rules, sinks=[log, mqtt], every=4) as frames:
            known = list(frames)
        until(lambda: len(heard.all("toy/a.mp4/events")) == 2)
        assert heard.all("toy/a.mp4/events") == lines(tmp_path / "e.jsonl")
        until(lambda: heard.json("toy/a.mp4/rules/red")["state"] == "OFF")
        assert heard.json("toy/a.mp4/rules/red")["duration"] > 1
        keys = {each.frame.index for each in known if each.key}
        seen = heard.all("toy/a.mp4/regions")
        assert seen
        assert {each["frame"] for each in seen} <= keys
        assert seen[0]["boxes"] == [[16, 16, 80, 80]]


@needs_mosquitto
def test_a_site_in_its_own_process(tmp_path: Path) -> None:
    subprocess.run(["mosquitto_passwd", "-b", "-c", tmp_path / "users", "site", WORD], check=True)
    write_clip(tmp_path / "a.mp4", range(0, 60_000, 200))
    (tmp_path / "rules.toml").write_text(RULES, encoding="utf-8")
    (tmp_path / "secret").write_text(f"{WORD}\n", encoding="utf-8")
    with running(tmp_path, f"allow_anonymous false\npassword_file {tmp_path / 'users'}") as broker:
        text = (
            'vocabulary = ["person"]\nrules = "rules.toml"\ntrack = false\n[detector]\ntower = "tiny"\n'
            f'[mqtt]\nurl = "mqtt://site@127.0.0.1:{broker.port}/north"\npassword_file = "secret"\n'
            '[[camera]]\nname = "门 gate"\nurl = "a.mp4"\n'
        )
        (tmp_path / "site.toml").write_text(text, encoding="utf-8")
        with listening(broker, "site", WORD) as heard:
            command = [sys.executable, "-m", "regionclip", "site", str(tmp_path / "site.toml")]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as site:
                until(lambda: heard.latest("north/门 gate/events") is not None)
                state = "north/门 gate/rules/空 empty"
                until(lambda: heard.json(state)["state"] == "ON")
                until(lambda: heard.json("north/status")["connected"] == 1)
                (sensor,) = {topic for topic, *_ in heard.came if topic.startswith("homeassistant/")}
                assert heard.json(sensor)["state_topic"] == state
                assert heard.json(sensor)["device"]["name"] == "门 gate"
                (tmp_path / "rules.toml").write_text(RULES.replace("空 empty", "nobody"), encoding="utf-8")
                until(lambda: heard.latest(sensor) == b"")  # a rule that is gone is taken back
                until(lambda: heard.json("north/门 gate/rules/nobody")["state"] == "ON")
                site.send_signal(signal.SIGTERM)
                said, _ = site.communicate(timeout=60)
            assert site.returncode == 0
            until(lambda: heard.latest("north/availability") == b"offline")
            assert heard.json("north/门 gate/rules/nobody")["state"] == "OFF"
    assert WORD not in said
    assert all(WORD.encode() not in payload for _, payload, _ in heard.came)


@needs_mosquitto
def test_the_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    found = re.search(r"## MQTT.*?```python\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    write_clip(tmp_path / "yard.mp4", range(0, 1000, 200))
    (tmp_path / "yard.toml").write_text(RULES, encoding="utf-8")
    with running(tmp_path) as broker, listening(broker) as heard:
        exec(compile(found[1].replace("localhost", f"127.0.0.1:{broker.port}"), "docs/events.md", "exec"), {})
        until(lambda: len(heard.all("site/yard.mp4/events")) == 2)
        until(lambda: heard.latest("site/availability") == b"offline")
    for key in {key for line in heard.all("site/yard.mp4/regions") for key in line}:
        assert f"`{key}`" in PAGE
    assert json.loads(heard.latest("site/yard.mp4/status") or b"") == {"state": "online"}
