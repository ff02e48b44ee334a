"""Site files: many cameras in one TOML file, checked as a whole (docs/sites.md)."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from regionclip.config import Config
from regionclip.errors import ConfigError, RegionclipError
from regionclip.formats.settings import read_toml
from regionclip.loading import config_of
from regionclip.sinks.posting import Target
from regionclip.site.secrets import SecretText, fill
from regionclip.site.settings import CameraSettings, OutputSettings, SiteSettings, WebhookSettings
from regionclip.site.tables import NO_RULES, WORDS, CameraTable, DetectorTable, SiteTable, Watched, WebhookTable
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
        except RegionclipError as error:
            # A name, an unknown key, a path: a URL with its password may stand anywhere.
            raise ConfigError(mask(" ".join(str(error).split()))) from None
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
            cameras=tuple(self._camera(_Keys(site, camera, str(self._path)), follow) for camera in site.cameras),
            detector=self._detector(site.detector),
            batch=site.detector.batch,
            timezone=site.timezone,
            outputs=OutputSettings(
                events=self._named(site.events),
                snapshots=self._named(site.snapshots),
                blur=site.blur,
                webhook=None if site.webhook is None else self._webhook(site.webhook),
            ),
            status=self._named(site.status),
        )

    def _camera(self, keys: "_Keys", follow: FollowOptions) -> CameraSettings:
        with keys.about("name"):
            name = keys.camera.name
            if mask(name) != name or not name.isprintable():
                raise ConfigError(f"expected a short name without a password, got {mask(name)!r}")
        words, rules = self._words(keys), self._rules(keys)
        if rules is not None:
            with _about(f"{keys.where}: rules"):
                rules.check_labels(words)
            if rules.needs_tracks and not keys["track"]:
                raise ConfigError(
                    f"{keys.where}: track: expected true, got false: the rule {rules.needs_tracks[0]!r} of "
                    f"{rules.source} can only be judged where things are followed"
                )
        with keys.about("schedule"):
            if keys["schedule"] and follow.timezone is None:
                raise ConfigError('whose clock? Write timezone = "Asia/Shanghai" above')
        return CameraSettings(
            name=name,
            url=self._url(keys),
            words=words,
            follow=replace(follow, track=keys["track"], every=keys["every"], rules=rules),
            live=LiveOptions(
                transport=keys["transport"],
                open_timeout=keys["open_timeout"],
                read_timeout=keys["read_timeout"],
                key_frames_only=keys["key_frames_only"],
            ),
            max_fps=keys["max_fps"],
            schedule=keys["schedule"],
            enabled=keys.camera.enabled,
        )

    def _words(self, keys: "_Keys") -> Vocabulary:
        given, threshold = keys["vocabulary"], keys["threshold"]
        if given is None:
            raise ConfigError(f"{keys.where}: vocabulary is missing: expected {WORDS}")
        with keys.about("vocabulary"):
            if isinstance(given, str):
                path = vocabulary_path(given) if given in vocabulary_names() else self._beside(given)
                words = self._once(path, load_vocabulary)
            else:
                words = Vocabulary(tuple(map(parse_label, given)))
            if not words:
                raise ConfigError("expected words to look for, got none")
        return words if threshold is None else replace(words, threshold=threshold)

    def _rules(self, keys: "_Keys") -> RuleSet | None:
        if (given := keys["rules"]) == NO_RULES:
            return None
        with keys.about("rules"):
            path = rules_path(given) if given in rules_names() else self._beside(given)
            return self._once(path, load_rules)

    def _url(self, keys: "_Keys") -> SecretText:
        password_file = self._named(keys["password_file"])
        if password_file is not None:
            self.files.append(password_file)
        with keys.about("url"):
            url = fill(str(keys.camera.url), password_file)
            if url.value == "-":
                raise ConfigError("expected a camera, or a file played like one, got -, standard input")
            if scheme_of(url.value) is None and not url.value.isdecimal():
                url = SecretText(str(self._beside(url.value)), url.shown, url.secrets)
            source_kind(url.value, "latest")
        return url

    def _webhook(self, table: WebhookTable) -> WebhookSettings:
        where = f"{self._path}, [webhook]"
        with _about(f"{where}: url"):
            url = fill(table.url)
        with _about(f"{where}, [headers]"):
            headers = tuple((name, fill(value)) for name, value in table.headers.items())
        with _about(f"{where}: url"):
            Target(url.value, {name: text.value for name, text in headers}, table.timeout)
        return WebhookSettings(url=url, headers=headers, timeout=table.timeout)

    def _detector(self, table: DetectorTable) -> Config:
        with _about(f"{self._path}, [detector]"):
            weights = None if table.weights is None else self._here(table.weights)
            if table.config is not None:
                config = Config.load(self._here(table.config))
            elif table.tower is None and weights is not None and Path(weights).is_dir():
                config = config_of(weights)
            else:
                config = config_of(self._here(table.tower or "tiny"))
            if table.preset is not None:
                config = config.with_preset(self._here(table.preset))
            return config.changed(weights=weights, budget=table.budget, device=table.device, dtype=table.dtype)

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


class _Keys:
    """What is said of one camera: its own keys, else those that stand above all cameras."""

    def __init__(self, site: SiteTable, camera: CameraTable, source: str) -> None:
        self._site, self.camera, self._source = site, camera, source
        self.where = f"{source}, [[camera]] {camera.name!r}"

    def __getitem__(self, key: str) -> Any:  # noqa: ANN401 - each key has its own type
        return getattr(self._table(key), key)

    def about(self, key: str) -> AbstractContextManager[None]:
        """What is wrong with a key is said of the table that has it."""
        return _about(f"{self._source if self._table(key) is self._site else self.where}: {key}")

    def _table(self, key: str) -> Watched:
        is_above = key in Watched.model_fields and key not in self.camera.model_fields_set
        return self._site if is_above else self.camera


@contextmanager
def _about(where: str) -> Iterator[None]:
    """What goes wrong in the block is told of `where`."""
    try:
        yield
    except RegionclipError as error:
        raise ConfigError(f"{where}: {error}") from error
