"""Site files: many cameras in one TOML file, checked as a whole (docs/sites.md)."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from regionclip.config import AUTO, Config
from regionclip.errors import ConfigError, RegionclipError
from regionclip.formats.settings import read_toml
from regionclip.loading import check_loadable, config_of
from regionclip.sinks.broker import Broker
from regionclip.sinks.posting import Target
from regionclip.site.secrets import SecretText, fill
from regionclip.site.settings import CameraSettings, MqttSettings, OutputSettings, SiteSettings, WebhookSettings
from regionclip.site.tables import (
    LIVE,
    NO_RULES,
    WORDS,
    CameraTable,
    DetectorTable,
    MqttTable,
    SiteTable,
    Watched,
    WebhookTable,
)
from regionclip.video.options import FollowOptions
from regionclip.video.rules.file import RuleSet, load_rules, rules_names, rules_path
from regionclip.video.sources.opening import source_kind
from regionclip.video.sources.options import LiveOptions
from regionclip.video.sources.urls import mask, scheme_of
from regionclip.video.tracking.settings import TrackSettings
from regionclip.words.file import load_vocabulary, vocabulary_names, vocabulary_path
from regionclip.words.vocabulary import Vocabulary, parse_label

T = TypeVar("T")


class SiteFile:
    """A site file that is read again when it, or a file it names, has changed.

    Args:
        path: of the TOML file.

    Attributes:
        settings: as they were read last without a mistake.
        files: the site file and those that it names.

    Raises:
        ConfigError: where it cannot be read, or something in it cannot be; names file, camera and key.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
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

    def _load(self) -> SiteSettings:
        reading = _Reading(self.path)
        try:
            return reading.settings()
        except RegionclipError as error:
            # A name, an unknown key, a path: a URL with its password may stand anywhere.
            raise ConfigError(mask(" ".join(str(error).split()))) from None
        finally:
            self.files = (self.path, *dict.fromkeys(reading.files))

    def _stamps(self) -> tuple[tuple[int, int, int] | None, ...]:
        return tuple(map(_stamp, self.files))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """What tells a file from a changed one; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class _Reading:
    """One reading of a site file: what its tables stand for, with the files and secrets that they name.

    Attributes:
        files: those it names, known as soon as they are named.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._folder = path, path.absolute().parent
        self.files: list[Path] = []
        self._read: dict[Path, Any] = {}

    def settings(self) -> SiteSettings:
        """What the file means."""
        site = SiteTable.of(read_toml(self._path, "site file"), str(self._path))
        tracks = None if site.tracks is None else TrackSettings.of(dict(site.tracks), f"{self._path}, [tracks]")
        follow = FollowOptions(timezone=site.timezone, tracks=tracks)
        return SiteSettings(
            cameras=tuple(self._camera(site, camera, follow) for camera in site.cameras),
            detector=self._detector(site.detector),
            batch=site.detector.batch,
            timezone=site.timezone,
            outputs=OutputSettings(
                events=self._named(site.events),
                snapshots=self._named(site.snapshots),
                blur=site.blur,
                webhook=None if site.webhook is None else self._webhook(site.webhook),
                mqtt=None if site.mqtt is None else self._mqtt(site.mqtt),
            ),
            status=self._named(site.status),
        )

    def _camera(self, site: SiteTable, table: CameraTable, follow: FollowOptions) -> CameraSettings:
        where = f"{self._path}, [[camera]] {table.name!r}"
        above = {key: getattr(site, key) for key in Watched.model_fields if key not in table.model_fields_set}
        table = table.model_copy(update=above)

        def about(key: str) -> AbstractContextManager[None]:
            return _about(f"{self._path if key in above else where}: {key}")

        if table.vocabulary is None:
            raise ConfigError(f"{where}: vocabulary is missing: expected {WORDS}")
        with about("vocabulary"):
            words = self._words(table.vocabulary, table.threshold)
        with about("rules"):
            rules = self._rules(table.rules)
        with _about(where):
            _check_rules(rules, words, table)
        with about("schedule"):
            if table.schedule and follow.timezone is None:
                raise ConfigError('whose clock? Write timezone = "Asia/Shanghai" above')
        with about("url"):
            url = self._url(str(table.url), self._named(table.password_file))
        return CameraSettings(
            name=table.name,
            url=url,
            words=words,
            follow=replace(follow, track=table.track, every=table.every, rules=rules),
            live=LiveOptions(**{key: getattr(table, key) for key in LIVE}),
            max_fps=table.max_fps,
            schedule=table.schedule,
            enabled=table.enabled,
        )

    def _words(self, given: str | tuple[str, ...], threshold: float | None) -> Vocabulary:
        if isinstance(given, str):
            path = vocabulary_path(given) if given in vocabulary_names() else self._beside(given)
            words = self._once(path, load_vocabulary)
        else:
            words = Vocabulary(tuple(map(parse_label, given)))
        if not words:
            raise ConfigError("expected words to look for, got none")
        return words if threshold is None else replace(words, threshold=threshold)

    def _rules(self, given: str) -> RuleSet | None:
        if given == NO_RULES:
            return None
        return self._once(rules_path(given) if given in rules_names() else self._beside(given), load_rules)

    def _url(self, text: str, password_file: Path | None) -> SecretText:
        url = self._filled(text, password_file)
        if url.value == "-":
            raise ConfigError("expected a camera, or a file played like one, got -, standard input")
        if scheme_of(url.value) is None and not url.value.isdecimal():
            url = SecretText(str(self._beside(url.value)), url.shown, url.secrets)
        source_kind(url.value, "latest")
        return url

    def _filled(self, text: str, password_file: Path | None) -> SecretText:
        if password_file is not None:
            self.files.append(password_file)
        return fill(text, password_file)

    def _webhook(self, table: WebhookTable) -> WebhookSettings:
        where = f"{self._path}, [webhook]"
        with _about(f"{where}: url"):
            url = fill(table.url)
        with _about(f"{where}, [headers]"):
            headers = tuple((name, fill(value)) for name, value in table.headers.items())
        with _about(f"{where}: url"):
            Target(url.value, {name: text.value for name, text in headers}, table.timeout)
        return WebhookSettings(url=url, headers=headers, timeout=table.timeout)

    def _mqtt(self, table: MqttTable) -> MqttSettings:
        with _about(f"{self._path}, [mqtt]: url"):
            url = self._filled(table.url, self._named(table.password_file))
            Broker.of(url.value)
        return MqttSettings(url=url, discovery=table.discovery, embeddings=table.embeddings)

    def _detector(self, table: DetectorTable) -> Config:
        with _about(f"{self._path}, [detector]"):
            weights = None if table.weights is None else self._here(table.weights)
            if table.config is not None:
                config = Config.load(self._here(table.config))
            else:
                config = config_of(self._here(table.tower or AUTO))
            if table.preset is not None:
                config = config.with_preset(self._here(table.preset))
            config = config.changed(weights=weights, budget=table.budget, device=table.device, dtype=table.dtype)
            check_loadable(config)
            return config

    def _once(self, path: Path, read: Callable[[Path], T]) -> T:
        """What a file holds, read once for all cameras."""
        self.files.append(path)
        found: T = self._read[path] if path in self._read else read(path)
        self._read[path] = found
        return found

    def _named(self, name: str | None) -> Path | None:
        return None if name is None else self._beside(name)

    def _beside(self, name: str) -> Path:
        """A path that the file names; relative ones start at its folder."""
        return self._folder / os.path.expanduser(name)  # noqa: PTH111 - leaves users that are not known as they are

    def _here(self, name: str) -> str:
        """What is there beside the file under that name, else the name itself."""
        return str(self._beside(name)) if os.path.exists(self._beside(name)) else name  # noqa: PTH110 - as above


def _check_rules(rules: RuleSet | None, words: Vocabulary, table: CameraTable) -> None:
    """Refuse rules about words that are not asked for, and such as need tracks without any."""
    if rules is None:
        return
    with _about("rules"):
        rules.check_labels(words)
    if rules.needs_tracks and not table.track:
        raise ConfigError(
            f"track: expected true, got false: the rule {rules.needs_tracks[0]!r} of {rules.source} can only be judged "
            "where things are followed"
        )


@contextmanager
def _about(where: str) -> Iterator[None]:
    """Put `where` before the message of what goes wrong in the block."""
    try:
        yield
    except RegionclipError as error:
        raise ConfigError(f"{where}: {error}") from error
