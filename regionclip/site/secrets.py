"""Passwords of a site file: named there, kept elsewhere, and shown nowhere."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, unquote

from regionclip.errors import ConfigError
from regionclip.video.sources.urls import MASK, mask, scheme_of

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
_USER = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@?#]+)@", re.IGNORECASE)
_SHORTEST = 4
"""Characters of a secret that is looked for in every text; shorter ones are found by chance."""


@dataclass(frozen=True, slots=True)
class SecretText:
    """A text with its secrets filled in.

    Attributes:
        value: with the secrets.
        shown: for people.
        secrets: the secrets alone, as written and as meant, the longest first.
    """

    value: str = field(repr=False)
    shown: str
    secrets: tuple[str, ...] = field(default=(), repr=False)

    def hide(self, text: str) -> str:
        """`text` without any of the secrets."""
        text = mask(text.replace(mask(self.value), self.shown), self.value)
        for secret in self.secrets:
            text = text.replace(secret, MASK)
        return text


def fill(text: str, password_file: Path | None = None) -> SecretText:
    """Put environment variables in the place of each `${NAME}`, and the password of a file behind the user's name.

    A variable that stands for a part of a URL is escaped as URLs need; one that is the whole text is the URL itself.

    Raises:
        ConfigError: for a variable that is not set, a file that cannot be read or is empty, and a URL for which a
            password file makes no sense.
    """
    whole = _NAME.fullmatch(text) is not None
    found: list[str] = []

    def put(match: re.Match[str]) -> str:
        value = os.environ.get(match[1])
        if not value:
            raise ConfigError(f"the environment variable {match[1]} is not set, and ${{{match[1]}}} names it")
        if whole:
            return value
        found.append(value)
        return quote(value, safe="") if scheme_of(text) else value

    filled = _NAME.sub(put, text)
    shown = filled if whole else _NAME.sub(MASK, text)
    if password_file is not None:
        password = _read(password_file)
        found.append(password)
        filled, shown = (_with_password(each, quote(password, safe="")) for each in (filled, shown))
    forms = {form for secret in found for form in (secret, quote(secret, safe=""), unquote(secret))}
    secrets = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)
    return SecretText(filled, mask(shown), tuple(secrets))


def _with_password(url: str, password: str) -> str:
    filled, count = _USER.subn(lambda user: f"{user[1]}:{password}@", url, count=1)
    if not count:
        raise ConfigError(
            "password_file needs a url with a user name and no password, as rtsp://viewer@192.0.2.10/live; got "
            f"{mask(url)}"
        )
    return filled


def _read(path: Path) -> str:
    try:
        password = path.read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"password_file {path} cannot be read: {reason}") from error
    if not password or "\n" in password:
        raise ConfigError(f"password_file {path}: expected one line, the password")
    return password
