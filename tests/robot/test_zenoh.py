"""The Zenoh transport against a bare session: keys, bytes, tokens and services as rmw_zenoh has them."""

import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from waiting import until

from regionclip.errors import ConfigError, MessageError
from regionclip.robot import messages as ros
from regionclip.robot.messages import decode, encode, type_hash

pytest.importorskip("zenoh", reason="eclipse-zenoh is not installed")

from zenoh import Session, ext
from zenoh_router import connecting, free_endpoint, router

from regionclip.robot.transports.zenoh import Zenoh

STRING = "std_msgs::msg::dds_::String_"
IMAGE = "sensor_msgs::msg::dds_::Image_"
SERVICE = "regionclip_interfaces::srv::dds_::SetPrompts_"
HUMBLE = "TypeHashNotSupported"


@pytest.fixture
def endpoint(monkeypatch: pytest.MonkeyPatch) -> str:
    address = free_endpoint()
    for name, value in connecting(address).items():
        monkeypatch.setenv(name, value)
    return address


@pytest.fixture
def bare(endpoint: str) -> Iterator[Session]:
    """A session that knows nothing of ROS, and routes."""
    with router(endpoint) as session:
        yield session


@pytest.fixture
def wire(bare: Session) -> Iterator[Zenoh]:
    with Zenoh("/robot1/regionclip") as opened:
        until(lambda: not opened.complaints())
        yield opened


def text(words: str) -> bytes:
    return encode(ros.STRING, {"data": words})


def tokens(session: Session) -> set[str]:
    """Of the whole graph, without domain, session and number."""
    found = [str(reply.ok.key_expr) for reply in session.liveliness().get("@ros2_lv/**", timeout=5) if reply.ok]
    assert all(token.startswith("@ros2_lv/42/") for token in found)
    assert len({token.split("/")[4] for token in found}) == len(found)
    return {"/".join(token.split("/")[5:]) for token in found}


@pytest.mark.parametrize("distribution", ["humble", "jazzy", None])
def test_messages_leave_as_rmw_zenoh_sends_them(
    distribution: str | None, bare: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    if distribution:
        monkeypatch.setenv("ROS_DISTRO", distribution)
    name = HUMBLE if distribution == "humble" else type_hash(ros.STRING)
    before = time.time_ns()
    with Zenoh() as wire, bare.declare_subscriber("**") as heard:
        wire.offer("/a/b", ros.STRING, "reliable")
        until(lambda: wire.wanted("/a/b"))
        for words in ("人", "person"):
            wire.send("/a/b", ros.STRING, {"data": words})
        samples = [heard.recv() for _ in range(2)]
    assert {str(sample.key_expr) for sample in samples} == {f"42/a/b/{STRING}/{name}"}
    assert [decode(sample.payload.to_bytes(), ros.STRING).data for sample in samples] == ["人", "person"]
    beside = [struct.unpack("<qqB16s", bytes(sample.attachment or b"")) for sample in samples]
    assert [number for number, *_ in beside] == [1, 2]
    assert all(before <= when <= time.time_ns() and length == 16 for _, when, length, _ in beside)
    assert len({sender for *_, sender in beside}) == 1


def test_the_graph_knows_who_takes_part_as_long_as_it_does(bare: Session) -> None:
    with Zenoh("/robot1/regionclip") as wire:
        wire.offer("/labels", ros.STRING, "latched")
        wire.offer("/d", ros.DIAGNOSTICS, "reliable")
        wire.listen("/cam/image", (ros.IMAGE,), "sensor", lambda get: None)
        wire.serve("/robot1/regionclip/set_prompts", ros.SET_PROMPTS, lambda request: {})
        until(lambda: len(tokens(bare)) == 5)
        node, ends = "%/%robot1/regionclip", tokens(bare)
    diagnostics = "diagnostic_msgs::msg::dds_::DiagnosticArray_"
    assert ends == {
        f"NN/{node}",
        f"MP/{node}/%labels/{STRING}/{type_hash(ros.STRING)}/:1:,1:,:,:,,",
        f"MP/{node}/%d/{diagnostics}/{type_hash(ros.DIAGNOSTICS)}/::,10:,:,:,,",
        f"MS/{node}/%cam%image/{IMAGE}/{type_hash(ros.IMAGE)}/2::,1:,:,:,,",
        f"SS/{node}/%robot1%regionclip%set_prompts/{SERVICE}/{type_hash(ros.SET_PROMPTS)}/::,10:,:,:,,",
    }
    until(lambda: tokens(bare) == set())
    with Zenoh():
        until(lambda: tokens(bare) == {"NN/%/%/regionclip"})


def test_messages_of_humble_and_of_later_are_heard(wire: Zenoh, bare: Session) -> None:
    heard: list[Any] = []
    wire.listen("/words", (ros.STRING,), "reliable", heard.append)
    for number, name in enumerate((type_hash(ros.STRING), HUMBLE)):
        publisher = bare.declare_publisher(f"42/words/{STRING}/{name}")
        until(lambda end=publisher: end.matching_status.matching)  # type: ignore[misc]
        publisher.put(text(f"{number} 号"))
        until(lambda count=number + 1: len(heard) == count)  # type: ignore[misc]
    assert [get().data for get in heard] == ["0 号", "1 号"]
    publisher.put(b"\0\1\0\0\xff\xff\xff\x7f")
    until(lambda: len(heard) == 3)
    with pytest.raises(MessageError, match=ros.STRING):
        heard[2]()


def test_of_images_that_wait_the_newest_stays(wire: Zenoh, bare: Session) -> None:
    heard: list[int] = []
    go = Event()

    def slow(get: Any) -> None:  # noqa: ANN401
        heard.append(get().width)
        go.wait(60)

    wire.listen("/image", (ros.IMAGE,), "sensor", slow)
    publisher = bare.declare_publisher(f"42/image/{IMAGE}/{HUMBLE}")
    until(lambda: publisher.matching_status.matching)  # type: ignore[attr-defined]
    for number in range(20):
        publisher.put(encode(ros.IMAGE, {"width": number}))
        until(lambda: bool(heard))
    marks: list[Any] = []
    wire.listen("/mark", (ros.STRING,), "reliable", marks.append)
    mark = bare.declare_publisher(f"42/mark/{STRING}/{HUMBLE}")
    until(lambda: mark.matching_status.matching)  # type: ignore[attr-defined]
    mark.put(text("all were sent"))
    until(lambda: bool(marks))
    go.set()
    until(lambda: heard[-1] == 19)
    assert heard == [0, 19]


@pytest.mark.parametrize("early", [True, False])
def test_who_comes_late_is_told_the_latest_of_a_latched_topic(early: bool, wire: Zenoh) -> None:
    heard: list[Any] = []
    with Zenoh("/other") as other:
        if early:
            other.listen("/labels", (ros.STRING,), "latched", heard.append)
        wire.offer("/labels", ros.STRING, "latched")
        assert wire.wanted("/labels")
        if not early:
            for words in ("person", "汽车"):
                wire.send("/labels", ros.STRING, {"data": words})
            other.listen("/labels", (ros.STRING,), "latched", heard.append)
            until(lambda: len(heard) == 1)
        wire.send("/labels", ros.STRING, {"data": "背包"})
        until(lambda: bool(heard) and heard[-1]().data == "背包")
    assert [get().data for get in heard] == (["背包"] if early else ["汽车", "背包"])


def test_whose_question_for_the_latest_got_lost_learns_that_there_is_one(wire: Zenoh, bare: Session) -> None:
    wire.offer("/labels", ros.STRING, "latched")
    wire.send("/labels", ros.STRING, {"data": "人"})
    heard: list[Any] = []
    # As rmw_zenoh has it, and without its question at the start.
    recovery = ext.RecoveryConfig(periodic_queries=None, heartbeat=True)
    key = f"42/labels/{STRING}/{type_hash(ros.STRING)}"
    with ext.declare_advanced_subscriber(bare, key, heard.append, recovery=recovery):
        until(lambda: bool(heard))
    assert [decode(sample.payload.to_bytes(), ros.STRING).data for sample in heard] == ["人"]


def test_a_topic_is_wanted_while_somebody_listens(wire: Zenoh, bare: Session) -> None:
    wire.offer("/picture", ros.IMAGE, "reliable")
    assert not wire.wanted("/picture")
    with bare.declare_subscriber(f"42/picture/{IMAGE}/{type_hash(ros.IMAGE)}"):
        until(lambda: wire.wanted("/picture"))
    until(lambda: not wire.wanted("/picture"))


def test_other_types_on_a_topic_are_told(wire: Zenoh, monkeypatch: pytest.MonkeyPatch) -> None:
    wire.listen("/image", (ros.IMAGE, ros.COMPRESSED_IMAGE), "sensor", lambda get: None)
    wire.offer("/boxes", ros.STRING, "reliable")
    assert wire.complaints() == []
    with Zenoh("/good") as other:
        other.offer("/image", ros.COMPRESSED_IMAGE, "reliable")
        other.listen("/boxes", (ros.STRING,), "sensor", lambda get: None)
        until(lambda: wire.wanted("/boxes"))
        assert wire.complaints() == []
    monkeypatch.setenv("ROS_DISTRO", "humble")
    with Zenoh("/bad") as other:
        other.offer("/image", ros.STRING, "reliable")
        other.listen("/boxes", (ros.STRING,), "reliable", lambda get: None)
        until(lambda: len(wire.complaints()) == 2)
        told = wire.complaints()
    kinds = f"{IMAGE}/ or sensor_msgs::msg::dds_::CompressedImage_/"
    assert told == [
        f"/image: a publisher has the type {STRING}/{HUMBLE}: expected {kinds}",
        f"/boxes: a subscriber has the type {STRING}/{HUMBLE}: expected {STRING}/{type_hash(ros.STRING)}",
    ]
    until(lambda: wire.complaints() == [])


def test_a_router_is_waited_for(endpoint: str) -> None:
    with Zenoh() as wire:
        heard: list[Any] = []
        wire.listen("/words", (ros.STRING,), "reliable", heard.append)
        (told,) = wire.complaints()
        assert told.startswith("no Zenoh router: expected one at tcp/localhost:7447")
        with router(endpoint) as late:
            until(lambda: wire.complaints() == [])
            publisher = late.declare_publisher(f"42/words/{STRING}/{HUMBLE}")
            until(lambda: publisher.matching_status.matching)  # type: ignore[attr-defined]
            publisher.put(text("there"))
            until(lambda: bool(heard))
        until(lambda: wire.complaints() == [told])
        with router(endpoint):
            until(lambda: wire.complaints() == [])


def request(*prompts: str) -> bytes:
    return encode(f"{ros.SET_PROMPTS}_Request", {"prompts": prompts, "threshold": 0.5})


def test_a_service_answers_and_survives_what_is_no_request(wire: Zenoh, bare: Session) -> None:
    def answer(asked: Any) -> dict[str, Any]:  # noqa: ANN401
        if not asked.prompts:
            raise RuntimeError("out of memory")
        return {"success": True, "message": "、".join(asked.prompts), "version": 7}

    def ask(payload: bytes, beside: bytes | None) -> Any:  # noqa: ANN401
        (reply,) = bare.get(f"42/set/{SERVICE}/{HUMBLE}", payload=payload, attachment=beside, timeout=30)
        return reply

    wire.serve("/set", ros.SET_PROMPTS, answer)
    sender = bytes(range(16))
    beside = struct.pack("<qqB16s", 3, 1, 16, sender)
    until(lambda: bool(list(bare.get(f"42/set/{SERVICE}/x", timeout=1))))
    for payload, missing, why in (
        (request("a"), None, "error"),
        (request("a"), b"short", "error"),
        (request("a")[:9], beside, "MessageError: "),
        (request(), beside, "RuntimeError: out of memory"),
    ):
        assert why in ask(payload, missing).err.payload.to_string()
    reply = ask(request("人", "汽车"), beside).ok
    response = decode(reply.payload.to_bytes(), f"{ros.SET_PROMPTS}_Response")
    assert (response.success, response.message, response.version) == (True, "人、汽车", 7)
    number, when, length, back = struct.unpack("<qqB16s", reply.attachment.to_bytes())
    assert (number, length, back, when > 1) == (3, 16, sender, True)


def test_what_goes_wrong_meanwhile_does_not_keep_the_process(bare: Session) -> None:
    code = (
        "from regionclip.robot.transports.zenoh import Zenoh\n"
        "with Zenoh() as wire:\n"
        "    wire.listen('/words', ('std_msgs/msg/String',), 'reliable', print)\n"
        "    raise SystemExit(3)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 3


def test_a_file_of_settings_is_honoured(endpoint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ZENOH_CONFIG_OVERRIDE")
    settings = tmp_path / "settings.json5"
    settings.write_text(f'{{mode: "client", connect: {{endpoints: ["{endpoint}"]}}}}')
    for variable in ("ZENOH_SESSION_CONFIG_URI", "ZENOH_CONFIG"):
        with monkeypatch.context() as environment, router(endpoint):
            environment.setenv(variable, str(settings))
            with Zenoh() as wire:
                assert wire.complaints() == []


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"ROS_DOMAIN_ID": "233"}, "ROS_DOMAIN_ID: expected a number in 0..232, got '233'"),
        ({"ZENOH_SESSION_CONFIG_URI": "/absent"}, "expected a file of Zenoh's settings, got '/absent'"),
        ({"ZENOH_CONFIG_OVERRIDE": 'mode="sideways"'}, "unknown variant `sideways`"),
        ({"ZENOH_CONFIG_OVERRIDE": "colour=1"}, "unknown key"),
        ({"ZENOH_CONFIG_OVERRIDE": 'mode="client";connect/endpoints=["tcp/127.0.0.1:1"]'}, "Unable to connect"),
    ],
)
def test_an_environment_that_cannot_be_is_told(
    variables: dict[str, str], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigError) as caught:
        Zenoh()
    assert told in str(caught.value)
    assert "\n" not in str(caught.value)
