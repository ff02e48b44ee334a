"""Site files: many cameras in one TOML file, checked as a whole (docs/sites.md)."""

import tomllib
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from regionclip.config import Config
from regionclip.errors import ConfigError, InputError, RegionclipError
from regionclip.sinks.posting import Target
from regionclip.site.secrets import SecretText, fill
from regionclip.site.settings import CameraSettings, OutputSettings, SiteSettings, WebhookSettings
from regionclip.video.follower import FollowOptions
from regionclip.video.rules.file import RuleSet, load_rules, rules_folder, rules_names
from regionclip.video.rules.schedule import Hours, timezone_of
from regionclip.video.rules.tables import TableReader
from regionclip.video.sources.opening import source_kind
from regionclip.video.sources.options import LiveOptions, Transport
from regionclip.video.sources.urls import mask, scheme_of
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.file import load_vocabulary, vocabulary_names, vocabulary_path
from regionclip.words.vocabulary import Vocabulary, parse_label

T = TypeVar("T")

_SHARED = (
    *("vocabulary", "threshold", "rules", "schedule", "track", "every", "max_fps"),
    *("password_file", "transport", "open_timeout", "read_timeout", "key_frames_only"),
)
"""Keys that stand above the cameras for all of them, or in one camera for it alone."""
_OWN = ("name", "url", "enabled")
_SITE = ("timezone", "events", "snapshots", "blur", "status", "webhook", "detector", "tracks", "camera")
_DETECTOR = ("config", "tower", "weights", "preset", "device", "dtype", "budget", "batch")
_NO_RULES = "none"


class SiteFile:
    """A site file that is read again when it, or a file it names, has changed.

    Args:
        path: of the TOML file.

    Attributes:
        settings: as they were read last without a mistake.

    Raises:
        ConfigError: where it cannot be read, or something in it cannot be; names file, camera and key.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._files: tuple[Path, ...] = ()
        self.settings = self._load()
        self._read = self._seen = self._stamps()

    def news(self, *, again: bool = False) -> SiteSettings | None:
        """The settings, where a file has changed since they were read; `again` reads in any case.

        A file is read once it has stayed the same from one call to the next, so that no half-written one is.

        Raises:
            ConfigError: for a file with a mistake, once; `settings` stay.
        """
        before, self._seen = self._seen, self._stamps()
        if not again and (self._seen == self._read or self._seen != before):
            return None
        try:
            self.settings = self._load()
        finally:
            self._read = self._seen = self._stamps()  # of the files that it names now
        return self.settings

    @property
    def files(self) -> tuple[Path, ...]:
        """The site file and those that it names."""
        return self._files

    def _load(self) -> SiteSettings:
        reading = _Reading(self.path)
        try:
            return reading.settings()
        finally:
            self._files = (self.path, *dict.fromkeys(reading.files))

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp, self._files))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from a changed one; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Reading:
    """One reading of a site file.

    Attributes:
        files: those it names, known as soon as they are named.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._folder = path, path.absolute().parent
        self.files: list[Path] = []
        self._vocabularies: dict[Path, Vocabulary] = {}
        self._rules: dict[Path, RuleSet] = {}
        self._follow = FollowOptions()

    def settings(self) -> SiteSettings:
        table = _toml(self._path)
        top = TableReader(table, str(self._path))
        top.only((*_SITE, *_SHARED))
        timezone = top.text("timezone") if "timezone" in top else None
        if timezone is not None:
            _about(top, "timezone", lambda: timezone_of(timezone))
        tracks = TrackSettings.of(table["tracks"], f"{self._path}, [tracks]") if "tracks" in table else None
        self._follow = FollowOptions(timezone=timezone, tracks=tracks)
        shared = {key: table[key] for key in _SHARED if key in table}
        self._common(TableReader(shared, str(self._path)))  # else its mistakes would be said to be the first camera's
        if not (cameras := top.tables("camera")):
            raise ConfigError(f"{self._path}: expected at least one [[camera]] table")
        detector, batch = self._detector(top.table("detector"))
        return SiteSettings(
            cameras=self._cameras(cameras, table["camera"], shared),
            detector=detector,
            batch=batch,
            timezone=timezone,
            outputs=self._outputs(top),
            status=self._beside(top.text("status")) if "status" in top else None,
        )

    def _cameras(
        self, readers: list[TableReader], entries: list[dict[str, Any]], shared: dict[str, Any]
    ) -> tuple[CameraSettings, ...]:
        cameras: dict[str, CameraSettings] = {}
        for own, entry in zip(readers, entries, strict=True):
            name = own.text("name")
            if mask(name) != name or not name.isprintable():
                raise own.error("name", "a short name without a password", mask(name))
            if name in cameras:
                raise ConfigError(f"{self._path}, [[camera]]: expected different names, got {name!r} twice")
            own.what = f"{self._path}, [[camera]] {name!r}"
            own.only((*_OWN, *_SHARED))
            cameras[name] = self._camera(name, TableReader({**shared, **entry}, own.what))
        return tuple(cameras.values())

    def _camera(self, name: str, reader: TableReader) -> CameraSettings:
        common = self._common(reader)
        words: Vocabulary | None = common["words"]
        if words is None:
            reader.value("vocabulary", "a list of words, a file, or a name of `regionclip vocab list`")
        assert words is not None  # `value` has raised
        if (rules := common["follow"].rules) is not None:
            _about(reader, "rules", lambda: rules.check_labels(words))
        return CameraSettings(name=name, url=self._url(reader), enabled=reader.flag("enabled", True), **common)

    def _common(self, reader: TableReader) -> dict[str, Any]:
        """Fields of CameraSettings that may stand above all cameras too."""
        words = self._words(reader)
        rules, track = self._rule_set(reader), reader.flag("track", True)
        if rules is not None and not track and rules.needs_tracks:
            raise ConfigError(
                f"{reader.what}: track: expected true, got false: the rule {rules.needs_tracks[0]!r} of "
                f"{rules.source} can only be judged where things are followed"
            )
        usual = LiveOptions()
        live = LiveOptions(
            transport=cast(Transport, reader.choice("transport", get_args(Transport), usual.transport)),
            open_timeout=reader.number("open_timeout", usual.open_timeout, above=True),
            read_timeout=reader.number("read_timeout", usual.read_timeout, above=True),
            key_frames_only=reader.flag("key_frames_only", usual.key_frames_only),
        )
        schedule = _about(reader, "schedule", lambda: tuple(map(Hours.read, reader.words("schedule"))))
        if schedule and self._follow.timezone is None:
            raise ConfigError(f'{reader.what}: schedule: whose clock? Write timezone = "Asia/Shanghai" above')
        return {
            "words": words,
            "follow": replace(self._follow, track=track, every=_at_least_one(reader, "every") or 1, rules=rules),
            "live": live,
            "max_fps": reader.number("max_fps", above=True) if "max_fps" in reader else None,
            "schedule": schedule,
        }

    def _words(self, reader: TableReader) -> Vocabulary | None:
        if "vocabulary" not in reader:
            return None
        given = reader.value("vocabulary", "")
        if isinstance(given, str):
            path = vocabulary_path(given) if given in vocabulary_names() else self._beside(given)
            self.files.append(path)
            words = _about(reader, "vocabulary", lambda: _once(self._vocabularies, path, load_vocabulary))
        else:
            words = _about(reader, "vocabulary", lambda: Vocabulary(list(map(parse_label, reader.words("vocabulary")))))
        if not words:
            raise reader.error("vocabulary", "words to look for", given)
        return replace(words, threshold=reader.number("threshold", most=1)) if "threshold" in reader else words

    def _rule_set(self, reader: TableReader) -> RuleSet | None:
        if "rules" not in reader or (given := reader.text("rules")) == _NO_RULES:
            return None
        path = rules_folder() / f"{given}.toml" if given in rules_names() else self._beside(given)
        self.files.append(path)
        return _about(reader, "rules", lambda: _once(self._rules, path, load_rules))

    def _url(self, reader: TableReader) -> SecretText:
        given = reader.value("url", "the address of a camera, as rtsp://viewer@192.0.2.10/live")
        text = str(given) if isinstance(given, int) and not isinstance(given, bool) else reader.text("url")
        password_file = None
        if "password_file" in reader:
            password_file = self._beside(reader.text("password_file"))
            self.files.append(password_file)
        url = _about(reader, "url", lambda: fill(text, password_file))
        if url.value == "-":
            raise reader.error("url", "a camera, or a file played like one", "-, standard input")
        if scheme_of(url.value) is None and not url.value.isdecimal():
            url = SecretText(str(self._beside(url.value)), url.shown, url.secrets)
        _about(reader, "url", lambda: source_kind(url.value, "latest"))
        return url

    def _outputs(self, top: TableReader) -> OutputSettings:
        blur = top.words("blur")
        if blur and "snapshots" not in top:
            raise ConfigError(f"{top.what}: blur: only together with snapshots, whose pictures it is for")
        return OutputSettings(
            events=self._beside(top.text("events")) if "events" in top else None,
            snapshots=self._beside(top.text("snapshots")) if "snapshots" in top else None,
            blur=blur,
            webhook=self._webhook(top.table("webhook")) if "webhook" in top else None,
        )

    def _webhook(self, reader: TableReader) -> WebhookSettings:
        reader.only(("url", "headers", "timeout"))
        url = _about(reader, "url", lambda: fill(reader.text("url")))
        table = reader.table("headers")
        headers = tuple((key, _about(table, key, partial(fill, table.text(key)))) for key, _ in table.pairs())
        timeout = reader.number("timeout", WebhookSettings(url=url).timeout, above=True)
        _about(reader, "url", lambda: Target(url.value, {key: text.value for key, text in headers}, timeout))
        return WebhookSettings(url=url, headers=headers, timeout=timeout)

    def _detector(self, reader: TableReader) -> tuple[Config, int | None]:
        from regionclip.loading import config_of

        reader.only(_DETECTOR)
        given = {key: reader.text(key) for key in _DETECTOR[:6] if key in reader}
        if "config" in given and "tower" in given:
            raise ConfigError(f"{reader.what}: expected config or tower, got both")
        weights = self._here(given["weights"]) if "weights" in given else None
        try:
            if "config" in given:
                config = Config.load(self._here(given["config"]))
            else:
                is_folder = weights is not None and Path(weights).is_dir()
                config = config_of(self._here(given.get("tower") or (weights if weights and is_folder else "tiny")))
            config = config.with_preset(self._here(given["preset"])) if "preset" in given else config
            budget = reader.value("budget", "") if "budget" in reader else None
            config = config.changed(
                weights=weights, budget=budget, device=given.get("device"), dtype=given.get("dtype")
            )
        except InputError as error:
            raise ConfigError(f"{reader.what}: {error}") from error
        return config, _at_least_one(reader, "batch")

    def _beside(self, name: str) -> Path:
        """A path that the file names; relative ones start at its folder."""
        return self._folder / Path(name).expanduser()

    def _here(self, name: str) -> str:
        """What is there beside the file under that name, else the name itself."""
        return str(self._beside(name)) if self._beside(name).exists() else name


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"site file {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"site file {path} is not valid TOML: {error}") from error


def _about(reader: TableReader, key: str, make: Callable[[], T]) -> T:
    """What `make` makes; its complaints name file, table and key."""
    try:
        return make()
    except RegionclipError as error:
        raise ConfigError(f"{reader.what}: {key}: {error}") from error


def _once(known: dict[Path, T], path: Path, read: Callable[[Path], T]) -> T:
    """What a file holds, read once for all cameras."""
    if path not in known:
        known[path] = read(path)
    return known[path]


def _at_least_one(reader: TableReader, key: str) -> int | None:
    if key not in reader:
        return None
    value = reader.whole(key)
    if value < 1:
        raise reader.error(key, "a whole number of at least 1", value)
    return value
