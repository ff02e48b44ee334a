"""Rule files: zones, lines and rules of one camera, checked as a whole (docs/events.md)."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, cast

from regionclip.answers.detections import UNKNOWN
from regionclip.config import config_folder
from regionclip.drawing.colours import colour
from regionclip.errors import ConfigError
from regionclip.video.rules.rule import Rule
from regionclip.video.rules.schedule import timezone_of
from regionclip.video.rules.tables import TableReader, is_number
from regionclip.video.rules.zones import ANCHORS, Anchor, Line, Point, Scale, Zone
from regionclip.words.vocabulary import Vocabulary

_KEYS = ("timezone", "unit", "size", "zone", "line", "rule", "same")
_ZONE_KEYS = ("name", "points", "anchor", "overlap", "colour")
_LINE_KEYS = ("name", "points", "anchor", "colour")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sameness:
    """When a new track is a thing that was seen before under another.

    Attributes:
        seconds: it was lost no longer ago.
        distance: it is no further from where that was lost, or would be by now, in diagonals of its box.
        similarity: least cosine of the two embeddings, 0..1; it has no meaning where there are none.
    """

    seconds: float = 10.0
    distance: float = 1.0
    similarity: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSet:
    """Everything that one camera is watched for; immutable, shared by any number of watches.

    Attributes:
        rules: with different names.
        zones: with different names.
        lines: with different names, which no zone has.
        same: when a thing is the same under another track.
        timezone: of the place, for schedules and local times; None where the file names none.
        source: names the file in errors.

    Raises:
        ConfigError: for doubled names, and rules that name no zone or line.
    """

    rules: tuple[Rule, ...] = ()
    zones: tuple[Zone, ...] = ()
    lines: tuple[Line, ...] = ()
    same: Sameness = field(default_factory=Sameness)
    timezone: str | None = None
    source: str = "rules"

    def __post_init__(self) -> None:
        self._check_names([rule.name for rule in self.rules], "rules")
        self._check_names([place.name for place in self.places], "zones and lines")
        for rule in self.rules:
            what = "line" if rule.kind == "cross" else "zone"
            known = [place.name for place in self.lines] if what == "line" else [place.name for place in self.zones]
            if unknown := [name for name in rule.places if name and name not in known]:
                raise ConfigError(
                    f"{self.source}, [[rule]] {rule.name!r}: {what}s: expected names of [[{what}]] tables: "
                    f"{_list(known)}; got {unknown[0]!r}"
                )

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def places(self) -> tuple[Zone | Line, ...]:
        """Zones and lines."""
        return (*self.zones, *self.lines)

    @property
    def needs_tracks(self) -> tuple[str, ...]:
        """Names of the rules that can only be judged where things are followed from frame to frame."""
        return tuple(rule.name for rule in self.rules if rule.needs_tracks)

    @property
    def labels(self) -> tuple[str, ...]:
        """Every label that a rule names, once."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in _labels(rule)))

    def check_labels(self, vocabulary: Vocabulary) -> None:
        """Refuse rules about words that nobody asks for.

        Raises:
            ConfigError: where a rule names a label, or a column in `where`, that results of `vocabulary` cannot have.
        """
        plain = [label.name for label in vocabulary if not label.of]
        columns: dict[str, list[str]] = {}
        for label in vocabulary:
            if (column := label.column or label.group) is not None:
                columns.setdefault(column, []).append(label.name)
        for rule in self.rules:
            what = f"{self.source}, [[rule]] {rule.name!r}"
            for name in _labels(rule):
                if name not in (*plain, UNKNOWN):
                    hint = "" if name not in vocabulary.names else ", which is an attribute: ask for it with `where`"
                    raise ConfigError(f"{what}: expected labels among {_list(plain)}; got {name!r}{hint}")
            for column, values in rule.where:
                if column not in columns:
                    raise ConfigError(f"{what}: where: expected columns among {_list(columns)}; got {column!r}")
                if unknown := [value for value in values if value not in columns[column]]:
                    raise ConfigError(
                        f"{what}: where: {column}: expected one of {_list(columns[column])}; got {unknown[0]!r}"
                    )

    @classmethod
    def of(cls, table: Mapping[str, Any], source: str = "rules") -> "RuleSet":
        """The rules of a table as TOML gives it; `source` names it in errors.

        Raises:
            ConfigError: for keys and values that cannot be.
        """
        reader = TableReader(table, source)
        reader.only(_KEYS)
        scale = _scale(reader)
        if "timezone" in reader:
            timezone_of(reader.text("timezone"))
        return cls(
            rules=tuple(map(Rule.read, reader.tables("rule"))),
            zones=tuple(_zone(entry, scale) for entry in reader.tables("zone")),
            lines=tuple(_line(entry, scale) for entry in reader.tables("line")),
            same=_same(reader.table("same")),
            timezone=reader.text("timezone") if "timezone" in reader else None,
            source=source,
        )

    def _check_names(self, names: list[str], what: str) -> None:
        doubled = [name for place, name in enumerate(names) if name in names[:place]]
        if doubled:
            raise ConfigError(f"{self.source}: {what}: expected different names, got {doubled[0]!r} twice")


def load_rules(name_or_path: str | Path) -> RuleSet:
    """Read a TOML file of zones, lines and rules, or the one of that name that ships with regionclip.

    Raises:
        ConfigError: where there is no such file, it is not TOML, or something in it cannot be.
    """
    path = Path(name_or_path)
    if str(name_or_path) in rules_names():
        path = rules_folder() / f"{name_or_path}.toml"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(
            f"rules {path} cannot be read: {error.strerror}: expected a .toml file or one of {_list(rules_names())}"
        ) from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"rules {path} are not valid TOML: {error}") from error
    return RuleSet.of(table, str(path))


def rules_folder() -> Path:
    """The folder of shipped rules."""
    return config_folder() / "rules"


def rules_names() -> list[str]:
    """Names of the shipped rules."""
    return sorted(path.stem for path in rules_folder().glob("*.toml"))


def _scale(reader: TableReader) -> Scale:
    unit = cast(Literal["fraction", "pixel"], reader.choice("unit", ("fraction", "pixel"), "fraction"))
    if "size" not in reader:
        return Scale(unit)
    size = reader.value("size", "")
    if unit == "fraction":
        raise ConfigError(f'{reader.what}: size: only together with unit = "pixel"; fractions fit every frame')
    whole = isinstance(size, list) and len(size) == 2 and all(isinstance(side, int) and side > 0 for side in size)
    if not whole:
        raise reader.error("size", "[width, height] in pixels of the frame that points were drawn on", size)
    width, height = cast(list[int], size)
    return Scale(unit, (height, width))


def _zone(reader: TableReader, scale: Scale) -> Zone:
    name, points, paint = _shape(reader, scale, _ZONE_KEYS)
    if "anchor" in reader and "overlap" in reader:
        raise ConfigError(f"{reader.what}: expected anchor or overlap, got both")
    anchor = cast(Anchor, reader.choice("anchor", ANCHORS, "bottom"))
    overlap = reader.number("overlap", most=1, above=True) if "overlap" in reader else None
    try:
        return Zone(name, points, anchor, overlap, paint, scale)
    except ConfigError as error:
        raise ConfigError(f"{reader.what}: {error}") from error


def _line(reader: TableReader, scale: Scale) -> Line:
    name, points, paint = _shape(reader, scale, _LINE_KEYS)
    if len(points) != 2 or points[0] == points[1]:
        raise reader.error("points", "two different points", [list(point) for point in points])
    anchor = cast(Anchor, reader.choice("anchor", ("bottom", "centre"), "bottom"))
    return Line(name, points, anchor, paint, scale)


def _shape(reader: TableReader, scale: Scale, keys: tuple[str, ...]) -> tuple[str, tuple[Point, ...], str | None]:
    """Name, points and colour of a zone or line."""
    name = reader.text("name")
    reader.what = f"{reader.what.rpartition(' ')[0]} {name!r}"
    reader.only(keys)
    given = reader.value("points", "[[x, y], ...]")
    points: list[Point] = []
    for point in given if isinstance(given, list) else [given]:
        if not isinstance(point, list) or len(point) != 2 or not all(map(is_number, point)):
            raise reader.error("points", "[[x, y], ...]", given)
        points.append((float(point[0]), float(point[1])))
    limits = (1, 1) if scale.unit == "fraction" else (scale.size or (0, 0))[::-1]
    for x, y in points:
        if min(x, y) < 0 or (limits[0] and (x > limits[0] or y > limits[1])):
            span = "fractions in 0..1" if scale.unit == "fraction" else "pixels inside the frame"
            hint = '; for pixels write unit = "pixel" above' if scale.unit == "fraction" and max(x, y) > 1 else ""
            raise reader.error("points", f"{span}{hint}", [x, y])
    if "colour" not in reader:
        return name, tuple(points), None
    try:
        colour(reader.text("colour"))
    except ConfigError as error:
        raise ConfigError(f"{reader.what}: colour: {error}") from error
    return name, tuple(points), reader.text("colour")


def _same(reader: TableReader) -> Sameness:
    reader.only(("seconds", "distance", "similarity"))
    usual = Sameness()
    return Sameness(
        seconds=reader.number("seconds", usual.seconds),
        distance=reader.number("distance", usual.distance),
        similarity=reader.number("similarity", usual.similarity, most=1),
    )


def _labels(rule: Rule) -> tuple[str, ...]:
    return (*rule.labels, *(rule.owners if rule.kind == "left" else ()))


def _list(names: Iterable[str], most: int = 12) -> str:
    shown = list(names)
    return ", ".join(shown[:most]) + (f" and {len(shown) - most} more" if len(shown) > most else "") or "none"
