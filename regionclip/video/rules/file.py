"""Rule files: zones, lines and rules of one camera, checked as a whole (docs/events.md)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PrivateAttr, model_validator

from regionclip.config import config_folder
from regionclip.drawing.colours import UNKNOWN
from regionclip.errors import ConfigError, few
from regionclip.formats.settings import Settings, read_toml, shipped_names
from regionclip.video.rules.rule import AnyRule, Seconds, Share
from regionclip.video.rules.schedule import Timezone
from regionclip.video.rules.zones import Line, Scaled, Zone
from regionclip.words.vocabulary import Vocabulary


class Sameness(Settings):
    """When a new track is a thing that was seen before under another.

    Attributes:
        seconds: it was lost no longer ago.
        distance: it is no further from where that was lost, or would be by now, in diagonals of its box.
        similarity: least cosine of the two embeddings, 0..1; it has no meaning where there are none.
    """

    seconds: Seconds = 10.0
    distance: Annotated[float, Field(ge=0)] = 1.0
    similarity: Share = 0.8


class RuleSet(Scaled):
    """Everything that one camera is watched for; immutable, shared by any number of watches.

    Attributes:
        rules: with different names.
        zones: with different names.
        lines: with different names, which no zone has.
        same: when a thing is the same under another track.
        timezone: of the place, for schedules and local times; None where the file names none.

    Raises:
        ConfigError: for what cannot be, doubled names, and rules that name no zone or line.
    """

    title: ClassVar[str] = "rules"

    rules: tuple[AnyRule, ...] = Field(default=(), validation_alias="rule")
    zones: tuple[Zone, ...] = Field(default=(), validation_alias="zone")
    lines: tuple[Line, ...] = Field(default=(), validation_alias="line")
    same: Sameness = Sameness()
    timezone: Timezone | None = None
    _source: str = PrivateAttr("rules")

    @model_validator(mode="before")
    @classmethod
    def _hand_down(cls, table: Any) -> Any:  # noqa: ANN401 - checked after
        """What points are counted in stands above all zones and lines, or in one of them."""
        if not isinstance(table, dict):
            return table
        scale = {key: table[key] for key in Scaled.model_fields if key in table}

        def scaled(place: object) -> object:
            return scale | place if isinstance(place, dict) and "unit" not in place else place

        shapes = {key: table[key] for key in ("zone", "line") if isinstance(table.get(key), tuple)}
        return table | {key: tuple(map(scaled, places)) for key, places in shapes.items()}

    @model_validator(mode="after")
    def _names_fit(self) -> Self:
        check_different([rule.name for rule in self.rules], "rules")
        check_different([place.name for place in self.places], "zones and lines")
        for rule in self.rules:
            what, places = ("line", self.lines) if rule.kind == "cross" else ("zone", self.zones)
            known = [place.name for place in places]
            if unknown := [name for name in rule.places if name and name not in known]:
                raise ValueError(
                    f"[[rule]] {rule.name!r}: {what}s: expected names of [[{what}]] tables: {_list(known)}; "
                    f"got {unknown[0]!r}"
                )
        return self

    @classmethod
    def of(cls, table: object, source: str = "rules") -> Self:
        """The rules of a table as TOML gives it; `source` names it in errors.

        Raises:
            ConfigError: for keys and values that cannot be.
        """
        rules = super().of(table, source)
        rules._source = source
        return rules

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def source(self) -> str:
        """Names the file in errors."""
        return self._source

    @property
    def places(self) -> tuple[Zone | Line, ...]:
        """Zones, then lines."""
        return (*self.zones, *self.lines)

    @property
    def needs_tracks(self) -> tuple[str, ...]:
        """Names of the rules that can only be judged where things are followed from frame to frame."""
        return tuple(rule.name for rule in self.rules if rule.needs_tracks)

    def check_clock(self, timezone: str | None) -> None:
        """Refuse schedules where neither `timezone` nor the file says of which place they are.

        Raises:
            ConfigError: naming the rule.
        """
        for rule in self.rules:
            if rule.schedule and (timezone or self.timezone) is None:
                raise ConfigError(
                    f"{self.source}, [[rule]] {rule.name!r}: schedule: whose clock? Name the time zone of the place, "
                    'as timezone = "Asia/Shanghai" at the top of the file'
                )

    def check_verifier(self, *, there: bool) -> None:
        """Refuse `verify` where no describer is `there` to be asked.

        Raises:
            ConfigError: naming the rule.
        """
        if not there and (asking := [rule.name for rule in self.rules if rule.verify]):
            raise ConfigError(
                f"{self.source}, [[rule]] {asking[0]!r}: verify: whom to ask? Name a describer in the detector's "
                "settings: [verify] with model = FOLDER (docs/describe.md)"
            )

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
            for column, values in rule.where.items():
                if column not in columns:
                    raise ConfigError(f"{what}: where: expected columns among {_list(columns)}; got {column!r}")
                if unknown := [value for value in values if value not in columns[column]]:
                    raise ConfigError(
                        f"{what}: where: {column}: expected one of {_list(columns[column])}; got {unknown[0]!r}"
                    )


def load_rules(name_or_path: str | Path) -> RuleSet:
    """Read a TOML file of zones, lines and rules, or the one of that name that ships with regionclip.

    Raises:
        ConfigError: where there is no such file, it is not TOML, or something in it cannot be.
    """
    path = rules_path(name_or_path)
    return RuleSet.of(read_toml(path, "rules", rules_names()), str(path))


def rules_path(name_or_path: str | Path) -> Path:
    """The file of shipped rules' name, else the path itself."""
    return _folder() / f"{name_or_path}.toml" if str(name_or_path) in rules_names() else Path(name_or_path)


def rules_names() -> list[str]:
    """Names of the shipped rules."""
    return shipped_names(_folder())


def _folder() -> Path:
    return config_folder() / "rules"


def check_different(names: list[str], what: str) -> None:
    """Refuse a name that stands there twice.

    Raises:
        ValueError: naming `what`.
    """
    if doubled := [name for place, name in enumerate(names) if name in names[:place]]:
        raise ValueError(f"{what}: expected different names, got {doubled[0]!r} twice")


def _labels(rule: AnyRule) -> tuple[str, ...]:
    return (*rule.labels, *(rule.owners if rule.kind == "left" else ()))


def _list(names: Iterable[str]) -> str:
    return few(names, 12) or "none"
