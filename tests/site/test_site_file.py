"""Site files: what they mean, and what is said of mistakes in them."""

import re
from pathlib import Path
from typing import Any

import pytest
import tomli_w
from fuzzing import HEAVY, TOML_VALUES, known_keys, loaded_after, refusal
from hypothesis import given, settings
from hypothesis import strategies as st

from regionclip.errors import ConfigError
from regionclip.formats.settings import Settings
from regionclip.site.file import SiteFile
from regionclip.site.secrets import fill
from regionclip.site.settings import CameraSettings, SiteSettings
from regionclip.site.tables import CameraTable, DetectorTable, MqttTable, SiteTable, WebhookTable
from regionclip.video.options import FollowOptions

RULES = """
[[zone]]
name = "yard"
points = [[0.1, 0.1], [0.9, 0.1], [0.5, 0.9]]
[[rule]]
name = "intruder"
kind = "in"
labels = ["person"]
zones = ["yard"]
"""
CAMERA = '[[camera]]\nname = "gate"\nurl = "rtsp://192.0.2.10/live"\n'
WORDS = 'vocabulary = ["person", "叉车"]\n'


def written(folder: Path, text: str) -> SiteFile:
    (folder / "rules.toml").write_text(RULES, encoding="utf-8")
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return SiteFile(path)


def read(folder: Path, text: str) -> SiteSettings:
    return written(folder, text).settings


def only(folder: Path, text: str) -> CameraSettings:
    (camera,) = read(folder, text).cameras
    return camera


def test_the_least_that_a_file_needs(tmp_path: Path) -> None:
    settings = read(tmp_path, WORDS + CAMERA)
    (camera,) = settings.cameras
    assert (camera.name, camera.url.value, camera.words.names) == ("gate", "rtsp://192.0.2.10/live", ("person", "叉车"))
    assert camera.follow == FollowOptions()
    assert (camera.max_fps, camera.schedule, camera.enabled) == (None, (), True)
    assert (settings.timezone, settings.status, settings.outputs.events) == (None, None, None)
    assert settings.detector.tower == "auto"


def test_everything(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        """
        timezone = "Asia/Shanghai"
        events = "out/events.jsonl"
        snapshots = "out/pictures"
        blur = ["person"]
        status = "/var/lib/status.json"
        vocabulary = ["person"]
        rules = "rules.toml"
        threshold = 0.4
        schedule = "sat,sun"
        max_fps = 5
        [detector]
        preset = "static-camera"
        budget = "fast"
        batch = 4
        [tracks]
        confirm_frames = 3
        [webhook]
        url = "https://192.0.2.1/hook"
        headers = { Authorization = "Bearer abc" }
        [[camera]]
        name = "门口"
        url = "rtsp://192.0.2.10/live"
        [[camera]]
        name = "hall"
        url = 0
        vocabulary = "security-ppe"
        rules = "none"
        schedule = ["mon-fri 18:00-07:00"]
        max_fps = 2.5
        every = 5
        transport = "udp"
        read_timeout = 2
        key_frames_only = true
        enabled = false
        """,
    )
    gate, hall = settings.cameras
    assert settings.outputs.events == tmp_path / "out" / "events.jsonl"
    assert settings.status == Path("/var/lib/status.json")
    assert settings.outputs.blur == ("person",)
    assert settings.outputs.webhook is not None
    assert settings.outputs.webhook.headers[0][1].value == "Bearer abc"
    assert (settings.batch, settings.detector.budget) == (4, "fast")
    assert settings.detector.proposers == ("motion", "tracked", "auto")
    assert (gate.words.names, gate.words.threshold, gate.max_fps) == (("person",), 0.4, 5)
    assert gate.follow.rules is not None
    assert gate.follow.rules.rules[0].name == "intruder"
    assert gate.follow.timezone == "Asia/Shanghai"
    assert gate.follow.tracks is not None
    assert gate.follow.tracks.confirm_frames == 3
    assert gate.schedule[0].days == {5, 6}
    assert hall.url.value == "0"
    assert hall.follow.rules is None
    assert (hall.max_fps, hall.follow.every, hall.enabled) == (2.5, 5, False)
    assert (hall.live.transport, hall.live.read_timeout, hall.live.key_frames_only) == ("udp", 2, True)
    assert len(hall.words) > 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "expected at least one [[camera]] table"),
        ("colour = 1\n" + WORDS + CAMERA, "site.toml: unknown key colour"),
        (WORDS + CAMERA + 'worsd = ["a"]', "[[camera]] 'gate': unknown key worsd"),
        (CAMERA, "[[camera]] 'gate': vocabulary is missing"),
        (WORDS + '[[camera]]\nurl = "0"', "[[camera]] 1: name is missing"),
        (WORDS + CAMERA + CAMERA, "expected different names, got 'gate' twice"),
        (WORDS + '[[camera]]\nname = "gate"', "[[camera]] 'gate': url is missing"),
        (WORDS + CAMERA.replace("rtsp", "ftp"), "[[camera]] 'gate': url: ftp://192.0.2.10/live: ftp:// is not read"),
        (WORDS + CAMERA.replace("rtsp://192.0.2.10/live", "clips/a.mp4"), "'gate': url: "),
        (WORDS + CAMERA.replace("rtsp://192.0.2.10/live", "-"), "'gate': url: expected a camera"),
        (WORDS + CAMERA + "max_fps = 0", "'gate': max_fps: expected a number above 0"),
        (WORDS + "every = 0\n" + CAMERA, "site.toml: every: expected a whole number of at least 1"),
        (WORDS + CAMERA + 'transport = "http"', "'gate': transport: expected one of tcp, udp"),
        (WORDS + CAMERA + 'enabled = "no"', "'gate': enabled: expected true or false"),
        (WORDS + CAMERA + 'schedule = "always"', "'gate': schedule: expected days, hours or both"),
        (WORDS + CAMERA + 'schedule = "sat"', "'gate': schedule: whose clock? Write timezone ="),
        ('timezone = "Moon"\n' + WORDS + CAMERA, "site.toml: timezone: timezone 'Moon' is not known"),
        (WORDS + CAMERA + 'rules = "none.toml"', "'gate': rules: rules "),
        (CAMERA + 'vocabulary = ["car"]\nrules = "rules.toml"', "'gate': rules: "),
        (CAMERA + "vocabulary = []", "'gate': vocabulary: "),
        (CAMERA + 'vocabulary = "nowhere.toml"', "'gate': vocabulary: vocabulary file"),
        (CAMERA + 'vocabulary = ["person", "person"]', "'gate': vocabulary: "),
        (WORDS + CAMERA + "threshold = 2", "'gate': threshold: expected a number"),
        (WORDS + 'blur = ["person"]\n' + CAMERA, "blur: only together with snapshots"),
        (WORDS + "[detector]\ntowr = 1\n" + CAMERA, "[detector]: unknown key towr; known are batch"),
        (WORDS + '[detector]\ntower = "huge"\n' + CAMERA, "[detector]: tower 'huge' is not known"),
        (WORDS + '[detector]\nbudget = "much"\n' + CAMERA, "[detector]: budget: expected a whole number"),
        (WORDS + '[detector]\nconfig = "a"\ntower = "tiny"\n' + CAMERA, "[detector]: expected config or tower, got"),
        (WORDS + "[tracks]\nconfirm_frames = 0\n" + CAMERA, "[tracks]"),
        (WORDS + '[webhook]\nurl = "ftp://192.0.2.1"\n' + CAMERA, "[webhook]: url: webhook: expected an address"),
        (WORDS + "[webhook]\n" + CAMERA, "[webhook]: url is missing"),
        (WORDS + '[mqtt]\nurl = "http://192.0.2.1"\n' + CAMERA, "[mqtt]: url: mqtt: expected an address as mqtt://"),
        (WORDS + '[mqtt]\nurl = "mqtt://h"\ndiscovery = "#"\n' + CAMERA, "[mqtt]: discovery: expected a topic"),
        (WORDS + '[mqtt]\nurl = "mqtt://h"\npassword_file = "x"\n' + CAMERA, "[mqtt]: url: password_file "),
        ("camera = 3\n" + WORDS, "site.toml: camera: expected a list of tables, got 3"),
        (WORDS + CAMERA + "password_file = true", "'gate': password_file: expected text that is"),
        (WORDS + CAMERA.replace('"rtsp://192.0.2.10/live"', "true"), "'gate': url: expected the address of a camera"),
        (WORDS + CAMERA + "threshold = nan", "'gate': threshold: expected a number in 0..1, got nan"),
        ("schedule = []\n" + WORDS + CAMERA, "site.toml: schedule: expected days, hours or both"),
        ('vocabulary = "nowhere.toml"\n' + CAMERA, "site.toml: vocabulary: vocabulary file"),
        (WORDS + 'rules = "~nobody/rules.toml"\n' + CAMERA, "site.toml: rules: rules "),
        (WORDS + '[detector]\nweights = "."\n' + CAMERA, "[detector]: weights "),
        ("vocabulary = [", "is not valid TOML"),
    ],
)
def test_mistakes_name_file_camera_and_key(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)) as caught:
        read(tmp_path, text)
    assert "site.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rules_that_need_tracks(tmp_path: Path) -> None:
    text = WORDS + CAMERA + 'rules = "enter.toml"\ntrack = false\n'
    (tmp_path / "enter.toml").write_text(RULES.replace('"in"', '"enter"'), encoding="utf-8")
    with pytest.raises(ConfigError, match="'gate': track: expected true, got false: the rule 'intruder'"):
        read(tmp_path, text)


def test_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GATE_PASSWORD", "p@ss/wörd")
    camera = only(tmp_path, WORDS + CAMERA.replace("192", "viewer:${GATE_PASSWORD}@192"))
    assert camera.url.value == "rtsp://viewer:p%40ss%2Fw%C3%B6rd@192.0.2.10/live"
    assert camera.url.shown == "rtsp://viewer:***@192.0.2.10/live"
    for text in (repr(camera), camera.url.hide(f"cannot open {camera.url.value}: p@ss/wörd p%40ss%2Fw%C3%B6rd")):
        assert "p@ss" not in text
        assert "p%40ss" not in text
    (tmp_path / "secret").write_text("p@ss/wörd\n", encoding="utf-8")
    from_file = only(tmp_path, WORDS + CAMERA.replace("192", "viewer@192") + 'password_file = "secret"')
    assert from_file.url == camera.url
    monkeypatch.setenv("GATE_URL", "rtsp://viewer:hush@192.0.2.10/live")
    whole = only(tmp_path, WORDS + CAMERA.replace("rtsp://192.0.2.10/live", "${GATE_URL}"))
    assert (whole.url.value, whole.url.shown) == ("rtsp://viewer:hush@192.0.2.10/live", camera.url.shown)


def test_the_password_of_a_broker(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("p@ss/wörd\n", encoding="utf-8")
    text = '[mqtt]\nurl = "mqtt://site@192.0.2.1/yard"\npassword_file = "secret"\nembeddings = true\n'
    file = written(tmp_path, WORDS + text + CAMERA)
    mqtt = file.settings.outputs.mqtt
    assert mqtt is not None
    assert mqtt.url.value == "mqtt://site:p%40ss%2Fw%C3%B6rd@192.0.2.1/yard"
    assert (mqtt.discovery, mqtt.embeddings) == ("homeassistant", True)
    assert tmp_path / "secret" in file.files
    assert "p%40ss" not in repr(file.settings)


def test_a_secret_is_hidden_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY", "sesame")
    text = fill("http://192.0.2.10/${KEY}/video.mjpg")
    assert text.value == "http://192.0.2.10/sesame/video.mjpg"
    assert text.hide(f"{text.value}: connection refused") == "http://192.0.2.10/***/video.mjpg: connection refused"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("viewer:${NO_SUCH_NAME}@192", "url: the environment variable NO_SUCH_NAME is not set"),
        ("viewer:hush@192", "url: password_file needs a url with a user name and no password"),
        ("192", "url: password_file needs a url with a user name"),
    ],
)
def test_secrets_that_cannot_be(tmp_path: Path, more: str, said: str) -> None:
    (tmp_path / "secret").write_text("open sesame", encoding="utf-8")
    with pytest.raises(ConfigError, match=f"'gate': {re.escape(said)}") as caught:
        read(tmp_path, WORDS + CAMERA.replace("192", more) + 'password_file = "secret"')
    assert "hush" not in str(caught.value)
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        WORDS + '[[camera]]\nname = "rtsp://viewer:hush@192.0.2.10/live"\nurl = "0"',
        WORDS + '[[camera]]\nname = "rtsp://viewer:hush@192.0.2.10/live"',
        WORDS + CAMERA + '"rtsp://viewer:hush@192.0.2.10/live" = 1',
        WORDS + CAMERA.replace('"rtsp://192.0.2.10/live"', '["rtsp://viewer:hush@192.0.2.10/live"]'),
        WORDS + CAMERA.replace('"rtsp://192.0.2.10/live"', '{password = "hush"}'),
        WORDS + CAMERA.replace("rtsp://192.0.2.10/live", "ftp://viewer:hush@192.0.2.10/live"),
        WORDS + '[mqtt]\nurl = "mqtt://me:hush@h/#"\n' + CAMERA,
        WORDS + '[mqtt]\nurl = ["mqtt://me:hush@h"]\n' + CAMERA,
        WORDS + '[webhook]\nurl = ["https://192.0.2.1/?token=hush"]\n' + CAMERA,
        WORDS + '[webhook]\nurl = "https://192.0.2.1/\\n/hush"\n' + CAMERA,
        WORDS + '[webhook]\nurl = "https://192.0.2.1/"\nheaders = "Bearer hush"\n' + CAMERA,
        WORDS + '[webhook]\nurl = "https://192.0.2.1/"\nheaders = {Authorization = ["Bearer hush"]}\n' + CAMERA,
        WORDS + '[webhook]\nurl = "https://192.0.2.1/"\nheaders = {Authorization = "Bearer hush é"}\n' + CAMERA,
    ],
)
def test_no_mistake_shows_a_secret(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, text)
    assert "hush" not in str(caught.value)
    assert caught.value.__suppress_context__  # else a traceback would show it


def test_a_missing_or_empty_password_file(tmp_path: Path) -> None:
    text = WORDS + CAMERA.replace("192", "viewer@192") + 'password_file = "secret"'
    with pytest.raises(ConfigError, match="secret cannot be read: No such file"):
        read(tmp_path, text)
    (tmp_path / "secret").write_text("\n", encoding="utf-8")
    with pytest.raises(ConfigError, match="expected one line, the password"):
        read(tmp_path, text)


def test_news_of_a_file_and_of_what_it_names(tmp_path: Path) -> None:
    (tmp_path / "words.toml").write_text('[[labels]]\nname = "person"\n', encoding="utf-8")
    file = written(tmp_path, 'vocabulary = "words.toml"\nrules = "rules.toml"\n' + CAMERA)
    assert file.news() is None
    (tmp_path / "words.toml").write_text('[[labels]]\nname = "person"\n[[labels]]\nname = "car"\n', encoding="utf-8")
    assert file.news() is None  # it may still be written
    settings = file.news()
    assert settings is not None
    assert settings.cameras[0].words.names == ("person", "car")
    (tmp_path / "words.toml").unlink()
    assert file.news() is None
    with pytest.raises(ConfigError, match=r"words\.toml cannot be read"):
        file.news()
    assert file.news() is None  # said once
    assert file.settings is settings
    (tmp_path / "words.toml").write_text('[[labels]]\nname = "person"\n', encoding="utf-8")
    assert file.news() is None
    assert file.news() is not None
    assert file.news(again=True) is not None


def test_a_shared_file_is_read_once(tmp_path: Path) -> None:
    text = WORDS + 'rules = "rules.toml"\n' + CAMERA + CAMERA.replace("gate", "yard")
    first, second = read(tmp_path, text).cameras
    assert first.follow.rules is second.follow.rules


def test_the_shipped_example(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YARD_PASSWORD", "hush-hush")
    settings = SiteFile(Path(__file__).parents[2] / "configs" / "sites" / "yard.toml").settings
    assert [camera.name for camera in settings.cameras] == ["gate", "loading bay", "roof"]
    assert "hush-hush" not in repr(settings)
    for camera in settings.cameras:
        assert re.search(r"//(viewer:\*\*\*@)?192\.0\.2\.\d+/", camera.url.shown)


@given(st.sampled_from([(), ("camera", 0), ("webhook",), ("mqtt",), ("detector",)]), st.data())
@settings(max_examples=300, deadline=None)
def test_whatever_a_key_holds_is_read_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, way: tuple[str | int, ...], data: st.DataObject
) -> None:
    path = tmp_path_factory.getbasetemp() / "site.toml"
    table: dict[str, Any] = {
        "timezone": "Asia/Shanghai",
        "vocabulary": ["person"],
        "snapshots": "pictures",
        "camera": [{"name": "gate", "url": "rtsp://192.0.2.10/live"}],
        "webhook": {"url": "https://192.0.2.1/", "headers": {"a": "b"}},
        "mqtt": {"url": "mqtt://192.0.2.1/site"},
        "detector": {},
    }
    inside: Any = table
    for step in way:
        inside = inside[step]
    models: dict[Any, type[Settings]] = {
        "webhook": WebhookTable,
        "mqtt": MqttTable,
        "detector": DetectorTable,
        0: CameraTable,
    }
    model = models.get(way[-1] if way else None, SiteTable)
    inside[data.draw(st.sampled_from(known_keys(model)))] = data.draw(TOML_VALUES)
    path.write_text(tomli_w.dumps(table), encoding="utf-8")
    said = refusal(lambda: SiteFile(path))
    assert said.startswith(str(path)) or not said


def test_a_wrong_file_is_told_before_anything_heavy_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(RULES.replace('"in"', '"into"'), encoding="utf-8")
    (tmp_path / "site.toml").write_text(WORDS + CAMERA + 'rules = "rules.toml"', encoding="utf-8")
    said, loaded = loaded_after(f"from regionclip.site.file import SiteFile; SiteFile({str(tmp_path / 'site.toml')!r})")
    assert "[[rule]] 'intruder': kind: expected one of in, enter" in said
    assert not loaded & HEAVY
