"""Rule files: what is read, what is refused and how it is said, schedules across midnight and clock changes."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, get_args
from zoneinfo import ZoneInfo

import pytest
from fuzzing import TOML_VALUES, known_keys, refusal
from hypothesis import given, settings
from hypothesis import strategies as st
from watching import GATE, YARD, frame, rows, rule_set

from regionclip.errors import ConfigError, FrameError
from regionclip.formats.settings import Settings
from regionclip.video.rules.file import RuleSet, Sameness, load_rules, rules_names
from regionclip.video.rules.rule import AnyRule, InRule
from regionclip.video.rules.schedule import Hours, timezone_of
from regionclip.video.rules.watch import Watch
from regionclip.video.rules.zones import Line, Zone
from regionclip.words.file import load_vocabulary
from regionclip.words.vocabulary import Label, Vocabulary

IN = {"name": "r", "kind": "in", "zones": "yard"}
CROSS = {"name": "r", "kind": "cross", "lines": "gate"}


def changed(**keys: Any) -> dict[str, Any]:  # noqa: ANN401 - TOML values
    return {"zone": [YARD], "line": [GATE], "rule": [{**IN, **keys}]}


def test_a_file(tmp_path: Path) -> None:
    path = tmp_path / "场地.toml"
    path.write_text(
        """\ufefftimezone = "Asia/Shanghai"
unit = "pixel"
size = [1920, 1080]
[[zone]]
name = "禁区"
points = [[0, 0], [960, 0], [960, 1080]]
overlap = 0.5
colour = "ff0000"
[[line]]
name = "gate"
points = [[0, 540], [1920, 540]]
[[rule]]
name = "闯入"
kind = "in"
labels = ["person", "car"]
zones = "禁区"
where = {helmet = "no helmet", vest = ["no vest", ""]}
schedule = "周一-周五 18:00-06:00"
""".replace(', ""]', "]"),
        encoding="utf-8",
    )
    rules = load_rules(path)
    (rule,) = rules.rules
    assert isinstance(rule, InRule)
    assert (rule.seconds, rule.grace, rule.cooldown) == (1, 2, 10)
    assert rule.where == {"helmet": ("no helmet",), "vest": ("no vest",)}
    assert rules.zones[0].on((540, 960)).points.tolist() == [[0, 0], [480, 0], [480, 540]]
    assert rules.needs_tracks == ()
    assert len(rules) == 1


def test_a_zone_may_be_drawn_on_another_frame() -> None:
    drawn = [[0, 0], [64, 0], [64, 36]]
    rules = RuleSet.of(
        {
            "unit": "pixel",
            "size": [1280, 720],
            "zone": [
                {"name": "a", "points": [[0, 0], [1280, 0], [1280, 720]]},
                {"name": "b", "points": drawn, "size": [64, 36]},
                {"name": "c", "points": [[0, 0], [1, 0], [1, 1]], "unit": "fraction"},
            ],
        }
    )
    for zone in rules.zones:
        assert zone.on((36, 64)).points.tolist() == drawn


def test_nothing_at_all() -> None:
    rules = RuleSet.of({})
    assert len(rules) == 0
    assert Watch(rules, source="cam").update(rows([]), frame(0)) == []
    assert Watch(rules, source="cam").shapes((10, 10)) == []


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"zones": []}, "rules.toml: unknown key zones; known are line, rule, same, size, timezone, unit, zone"),
        ({"zone": {"name": "x"}}, "zone: expected a list of tables, got {'name': 'x'}"),
        ({"zone": [{"points": []}]}, r"rules.toml, \[\[zone\]\] 1: name is missing"),
        ({"zone": [{**YARD, "points": [[0, 0], [1, 1]]}]}, r"\[\[zone\]\] 'yard': points: expected three or more"),
        ({"zone": [{**YARD, "points": [[0, 0], [1, 1], [640, 0]]}]}, r'write unit = "pixel".*\[640.0, 0.0\]'),
        ({"zone": [{**YARD, "points": [[0, 0], [1, 1], [True, 0]]}]}, r"expected \[\[x, y\], ...\]"),
        ({"zone": [YARD, YARD]}, "expected different names, got 'yard' twice"),
        ({"zone": [YARD], "line": [{**GATE, "name": "yard"}]}, "expected different names, got 'yard' twice"),
        ({"zone": [{**YARD, "anchor": "feet"}]}, "anchor: expected one of bottom, centre, any, got 'feet'"),
        ({"zone": [{**YARD, "anchor": "any", "overlap": 0.5}]}, "expected anchor or overlap, got both"),
        ({"zone": [{**YARD, "overlap": 0}]}, "overlap: expected a number above 0, 1 at most, got 0"),
        ({"zone": [{**YARD, "colour": "red"}]}, r"\[\[zone\]\] 'yard': colour: "),
        ({"line": [{**GATE, "points": [[0, 0], [0, 0]]}]}, r"\[\[line\]\] 'gate': points: expected two different"),
        ({"line": [{**GATE, "anchor": "any"}]}, "expected one of bottom, centre"),
        ({"size": [10, 10]}, 'only together with unit = "pixel"'),
        ({"unit": "pixel", "size": [10]}, r"size: expected \[width, height\]"),
        (
            {"unit": "pixel", "size": [10, 10], "zone": [{**YARD, "points": [[0, 0], [11, 0], [1, 1]]}]},
            "inside the frame",
        ),
        ({"unit": "metres"}, "unit: expected one of fraction, pixel, got 'metres'"),
        ({"timezone": "Mars/Olympus"}, "'Mars/Olympus' is not known here.*Asia/Shanghai.*tzdata"),
        ({"same": {"second": 3}}, r"rules.toml, \[same\]: unknown key second"),
        (changed(zones="yrad"), r"\[\[rule\]\] 'r': zones: expected names of \[\[zone\]\] tables: yard; got 'yrad'"),
        (changed(kind="into"), r"\[\[rule\]\] 'r': kind: expected one of in, enter, leave, cross"),
        (changed(lines="gate"), r"\[\[rule\]\] 'r': unknown key lines where kind is in; known are cooldown"),
        (changed(seconds=-1), "seconds: expected a number of at least 0, got -1"),
        (changed(seconds=float("nan")), "seconds: expected a number"),
        (changed(seconds=True), "seconds: expected a number of at least 0, got True"),
        (changed(labels=[]), "labels: expected a string, or a list of different strings"),
        (changed(labels=["a", "a"]), "list of different strings"),
        (changed(min_confidence=2), "min_confidence: expected a number in 0..1, got 2"),
        (changed(where={"helmet": 1}), r"'r', \[where\]: helmet: expected a string"),
        (changed(schedule="25:00-26:00"), r"\[\[rule\]\] 'r': schedule: expected hours from 00:00 to 24:00"),
        (changed(kind="dwell"), "'r': seconds is missing: expected a number"),
        (changed(kind="count"), "more_than is missing"),
        (changed(kind="left"), "labels is missing: expected what may be left"),
        ({"line": [GATE], "rule": [{"name": "r", "kind": "cross"}]}, "lines is missing"),
        ({"line": [GATE], "rule": [{**CROSS, "direction": "up"}]}, "a->b, b->a, both"),
        ({"zone": [YARD], "rule": [IN, IN]}, "rules: expected different names, got 'r' twice"),
    ],
)
def test_what_is_refused(table: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        RuleSet.of(table, "rules.toml")


TABLES: list[tuple[type[Settings], dict[str, Any]]] = [
    (RuleSet, {}),
    (Zone, YARD),
    (Line, GATE),
    (Sameness, {}),
    *(
        (rule, {"name": "r", "kind": get_args(rule.model_fields["kind"].annotation)[0]})
        for rule in get_args(get_args(AnyRule)[0])
    ),
]


@given(st.sampled_from(TABLES), st.sampled_from(["fraction", "pixel"]), st.data())
@settings(max_examples=600, deadline=None)
def test_whatever_a_key_holds_is_read_or_refused_in_one_line(
    drawn: tuple[type[Settings], dict[str, Any]], unit: str, data: st.DataObject
) -> None:
    model, base = drawn
    needed = {"lines": "gate"} if "cross" in base.values() else {}
    table = base | needed | {data.draw(st.sampled_from(known_keys(model))): data.draw(TOML_VALUES)}
    whole: dict[str, Any] = {"unit": unit, "zone": [YARD], "line": [GATE]}
    where = {RuleSet: None, Zone: "zone", Line: "line", Sameness: "same"}.get(model, "rule")
    whole |= table if where is None else {where: table if where == "same" else [table]}
    said = refusal(lambda: RuleSet.of(whole, "rules.toml"))
    assert said.startswith("rules.toml") or not said
    if not said:
        Watch(RuleSet.of(whole), source="cam", timezone="UTC").shapes((240, 320))


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nothing\.toml cannot be read.*one of intrusion"):
        load_rules(tmp_path / "nothing.toml")
    (tmp_path / "a.toml").write_text("[[zone")
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_rules(tmp_path / "a.toml")
    (tmp_path / "b.toml").write_bytes("[[zone]]\nname = '门'".encode("utf-16"))
    with pytest.raises(ConfigError, match="not valid TOML"):
        load_rules(tmp_path / "b.toml")


def test_labels_are_checked_against_a_vocabulary() -> None:
    words = Vocabulary(["person", Label("hard hat", of="person", group="helmet"), Label("red", group="colour")])
    rule_set(
        {"kind": "in", "labels": ["person", "red"], "where": {"helmet": "hard hat", "colour": "red"}}
    ).check_labels(words)
    for keys, said in (
        ({"labels": "dog"}, "'in': expected labels among person, red; got 'dog'$"),
        ({"labels": "hard hat"}, "got 'hard hat', which is an attribute: ask for it with `where`"),
        ({"where": {"hat": "hard hat"}}, "where: expected columns among helmet, colour; got 'hat'"),
        ({"where": {"helmet": "no hat"}}, "where: helmet: expected one of hard hat; got 'no hat'"),
    ):
        with pytest.raises(ConfigError, match=said):
            rule_set({"kind": "in", **keys}).check_labels(words)
    with pytest.raises(ConfigError, match="got 'owner'"):
        rule_set({"kind": "left", "labels": "person", "owners": "owner"}).check_labels(words)


def test_shipped_rules_fit_shipped_vocabularies() -> None:
    assert rules_names() == ["intrusion", "left-luggage"]
    for name in rules_names():
        load_rules(name).check_labels(load_vocabulary(f"security-{name}"))


def test_what_a_watch_refuses() -> None:
    timed = rule_set({"kind": "in", "schedule": "08:00-09:00"})
    with pytest.raises(ConfigError, match="whose clock"):
        Watch(timed, source="cam")
    with pytest.raises(ConfigError, match="does not know when its frames were taken"):
        Watch(timed, source="cam", timezone="UTC").update(rows([]), frame(0))
    with pytest.raises(ConfigError, match="'Nowhere' is not known here"):
        Watch(rule_set(), source="cam", timezone="Nowhere")
    watch = Watch(rule_set({"kind": "enter"}, {"kind": "in"}), source="cam")
    with pytest.raises(ConfigError, match=r"rules 'enter' need tracks.*without tracks there are the kinds in"):
        watch.update(rows([(0, "person", 10, 100)], tracks=False), frame(0))
    watch.update(rows([], tracks=False), frame(0))
    with pytest.raises(ConfigError, match="rows have no column 'helmet'"):
        Watch(rule_set({"kind": "in", "where": {"helmet": "x"}}), source="cam").update(
            rows([(1, "person", 9, 99)]), frame(0)
        )
    watch.update(rows([]), frame(3))
    with pytest.raises(FrameError, match=r"times that do not fall, got 2.000 s after 3.000 s"):
        watch.update(rows([]), frame(2))
    drawn = RuleSet.of({"unit": "pixel", "zone": [{**YARD, "points": [[0, 0], [1900, 0], [1900, 1000]]}]})
    with pytest.raises(ConfigError, match=r"'yard'.*inside the frame of 320 x 240, got \[1900.0, 1000.0\].*size = "):
        Watch(drawn, source="cam").update(rows([]), frame(0))


def in_force(text: str) -> Callable[[str], bool]:
    hours = Hours.read(text)
    return lambda when: hours.cover(datetime.fromisoformat(when))


def test_schedules_past_midnight_belong_to_the_day_on_which_they_begin() -> None:
    night = in_force("mon-fri 18:00-06:00")  # 2026-11-23 is a Monday
    assert not night("2026-11-23T05:59")  # of Sunday
    assert night("2026-11-23T18:00")
    assert not night("2026-11-23T17:59:59.9")
    assert night("2026-11-28T05:59:59")  # Saturday morning, of Friday
    assert not night("2026-11-28T06:00")
    assert not night("2026-11-28T18:00")


@pytest.mark.parametrize(
    ("text", "yes", "no"),
    [
        ("sat,sun", "2026-11-28T00:00", "2026-11-27T23:59"),
        ("fri-mon 10:00-11:00", "2026-11-23T10:30", "2026-11-24T10:30"),
        ("周六，周日 08:00-09:00", "2026-11-29T08:00", "2026-11-27T08:00"),
        ("星期一-星期五 08：00-24：00", "2026-11-23T23:59", "2026-11-28T12:00"),
        ("Wednesday", "2026-11-25T12:00", "2026-11-26T12:00"),
        ("00:00-24:00", "2026-11-25T00:00", "2026-11-25"),
    ],
)
def test_ways_to_write_a_schedule(text: str, yes: str, no: str) -> None:
    assert in_force(text)(yes)
    assert not in_force(text)(no) or text == "00:00-24:00"


@pytest.mark.parametrize(
    "text", ["", "8-9", "08:00", "mo", "08:00-08:00", "mon 08:00-09:00 tue", "24:30-25:00", "xyz 08:00-09:00"]
)
def test_what_is_no_schedule(text: str) -> None:
    with pytest.raises(ConfigError, match="expected"):
        Hours.read(text)


def test_zones_of_time_are_known() -> None:
    assert timezone_of("Asia/Shanghai") == ZoneInfo("Asia/Shanghai")
    for name in ("", "../etc/passwd", "/etc/localtime", "Asia"):
        with pytest.raises(ConfigError, match="is not known here"):
            timezone_of(name)
