"""The settings reader: what is refused, and that each mistake is told in one line that names its place."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import pytest
from pydantic import Field, field_validator, model_validator

from regionclip.errors import ConfigError
from regionclip.formats.settings import Expected, Settings, Text, Texts, read_toml, value_of


class Circle(Settings):
    kind: Literal["circle"]
    name: str
    radius: float = Field(gt=0, le=10)


class Square(Settings):
    kind: Literal["square", "box"]
    name: str
    side: int = Field(ge=1)


class Look(Settings):
    width: Annotated[int, Field(ge=0, le=9)] = 2
    colour: str | None = None

    @field_validator("colour")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        if value == "octarine":
            raise ValueError("'octarine' is no colour that can be drawn")
        return value


class Drawing(Settings):
    title: ClassVar[str] = "drawing"
    shapes: tuple[Annotated[Circle | Square, Field(discriminator="kind")], ...] = Field(
        default=(), validation_alias="shape"
    )
    look: Look = Look()
    words: tuple[str, ...] = ()
    limit: int | Literal["none"] = 3
    size: Annotated[tuple[int, int] | None, Expected("[width, height] in pixels")] = None
    looks: Mapping[str, Look] = {}
    password: Annotated[str | None, Expected("the password", secret=True)] = None
    passwords: Mapping[str, Annotated[Text, Expected("the password", secret=True)]] = {}
    colours: Annotated[Texts, Expected("one colour or several")] = ("red",)
    deep: bool = False

    @model_validator(mode="after")
    def _fits(self) -> "Drawing":
        if self.deep and not self.shapes:
            raise ValueError("deep: only with shapes")
        if self.words == ("hole",):
            raise ValueError("[[shape]] 'hole': is no word")
        return self


CIRCLE = {"kind": "circle", "name": "hole", "radius": 1}


@pytest.mark.parametrize(
    ("table", "said"),
    [
        (
            {"dep": True},
            "a.toml: unknown key dep; known are colours, deep, limit, look, looks, password, passwords, shape, size, "
            "words",
        ),
        ({"look": {"wdth": 1}}, "a.toml, [look]: unknown key wdth; known are colour, width"),
        ({"look": {"width": 10}}, "a.toml, [look]: width: expected a whole number in 0..9, got 10"),
        ({"look": {"width": True}}, "a.toml, [look]: width: expected a whole number in 0..9, got True"),
        ({"look": {"width": 1.0}}, "a.toml, [look]: width: expected a whole number in 0..9, got 1.0"),
        ({"look": {"colour": 1}}, "a.toml, [look]: colour: expected text, got 1"),
        ({"look": {"colour": "octarine"}}, "a.toml, [look]: colour: 'octarine' is no colour that can be drawn"),
        ({"look": 3}, "a.toml: look: expected a table, got 3"),
        ({"looks": {"dark": {"width": -1}}}, "a.toml, [looks], [dark]: width: expected a whole number in 0..9, got -1"),
        ({"words": "one"}, "a.toml: words: expected a list of text, got 'one'"),
        ({"words": ["one", 2]}, "a.toml: words: expected a list of text, got ['one', 2]"),
        ({"limit": "all"}, "a.toml: limit: expected a whole number or none, got 'all'"),
        ({"limit": True}, "a.toml: limit: expected a whole number or none, got True"),
        ({"size": [640]}, "a.toml: size: expected [width, height] in pixels, got [640]"),
        ({"password": 1234}, "a.toml: password: expected the password"),
        ({"passwords": {"gate": ["hush"]}}, "a.toml, [passwords]: gate: expected the password"),
        ({"passwords": {"gate": " "}}, "a.toml, [passwords]: gate: expected the password"),
        ({"colours": []}, "a.toml: colours: expected one colour or several, got []"),
        ({"colours": ["red", "red"]}, "a.toml: colours: expected one colour or several, got ['red', 'red']"),
        ({"words": ["hole"]}, "a.toml, [[shape]] 'hole': is no word"),
        ({"shapes": []}, "a.toml: unknown key shapes; known are"),
        ({"size": [[640, 480]]}, "a.toml: size: expected [width, height] in pixels, got [[640, 480]]"),
        ({"deep": "yes"}, "a.toml: deep: expected true or false, got 'yes'"),
        ({"deep": True}, "a.toml: deep: only with shapes"),
        ({"shape": ["x"]}, "a.toml, [[shape]] 1: expected a table, got 'x'"),
        ({"shape": {}}, "a.toml: shape: expected a list of tables, got {}"),
        ({"shape": [{"kind": "circle", "radius": 1}]}, "a.toml, [[shape]] 1: name is missing: expected text"),
        (
            {"shape": [CIRCLE, CIRCLE | {"radius": 0}]},
            "a.toml, [[shape]] 'hole': radius: expected a number above 0, 10 at most, got 0",
        ),
        ({"shape": [CIRCLE | {"radius": float("nan")}]}, "radius: expected a number above 0, 10 at most, got nan"),
        (
            {"shape": [CIRCLE | {"side": 1}]},
            "a.toml, [[shape]] 'hole': unknown key side where kind is circle; known are kind, name, radius",
        ),
        (
            {"shape": [{"kind": "box", "name": "b", "side": 0}]},
            "a.toml, [[shape]] 'b': side: expected a whole number of at least 1, got 0",
        ),
        ({"shape": [{"name": "x"}]}, "a.toml, [[shape]] 'x': kind is missing: expected one of circle, square, box"),
        (
            {"shape": [{"name": "x", "kind": "star"}]},
            "a.toml, [[shape]] 'x': kind: expected one of circle, square, box, got 'star'",
        ),
        ([], "a.toml: expected a table, got []"),
    ],
)
def test_mistakes_are_told_in_one_line(table: Any, said: str) -> None:  # noqa: ANN401
    with pytest.raises(ConfigError) as told:
        Drawing.of(table, "a.toml")
    assert said in str(told.value)
    assert "\n" not in str(told.value)


def test_what_fits_is_read() -> None:
    drawing = Drawing.of({"shape": [CIRCLE], "words": ["a", "b"], "size": [640, 480], "limit": "none"}, "a.toml")
    assert drawing.shapes == (Circle(kind="circle", name="hole", radius=1.0),)
    assert Drawing.of({"colours": "blue"}, "a.toml").colours == ("blue",)
    assert (drawing.words, drawing.size, drawing.limit) == (("a", "b"), (640, 480), "none")
    assert Drawing.of({}, "a.toml") == Drawing()


def test_the_same_checks_hold_in_python() -> None:
    assert Drawing(words=["a"], shapes=()) == Drawing(words=("a",))  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^drawing: limit: expected a whole number or none, got 1\.5$"):
        Drawing(limit=1.5)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^drawing, \[look\]: width: expected"):
        Drawing(look={"width": 99})  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match=r"^settings: width"):
        Look().replaced(width=99)
    assert Look(colour="red").replaced(width=3) == Look(width=3, colour="red")


def test_single_values() -> None:
    assert value_of(tuple[float, float], [1, 2], "x") == (1, 2)
    with pytest.raises(ConfigError, match=r"^\[proposer.grid\] scales: expected a list of a number, got \['a'\]$"):
        value_of(tuple[float, ...], ["a"], "[proposer.grid] scales")


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_bytes(b"\xff = 1")
    with pytest.raises(ConfigError, match=r"rules .*broken\.toml is not valid TOML"):
        read_toml(broken, "rules")
    with pytest.raises(ConfigError, match=r"rules none\.toml cannot be read: .*expected a \.toml file or one of a, b"):
        read_toml("none.toml", "rules", ("a", "b"))
    broken.write_text("\ufeffx = 1", encoding="utf-8")
    assert read_toml(broken, "rules") == {"x": 1}


@pytest.mark.parametrize("value", ["9" * 5000, "[" * 5000, "'\x00'", '"\\ud800"', "\udcff", "nonsense"])
def test_what_no_reader_of_toml_takes(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.toml").write_bytes(f"a = {value}".encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError, match=r"settings .*a\.toml is not valid TOML"):
        read_toml(tmp_path / "a.toml", "settings")
    with pytest.raises(ConfigError, match="settings"):
        read_toml("a\x00.toml", "settings")
