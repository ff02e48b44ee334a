"""Passwords and tokens in URLs, masked for every log, event and error.

Masking prefers to hide too much: a password that was typed without the escapes a URL needs (`@`, `/`, `:`) is hidden as
well, at the price of a path that is hidden now and then.
"""

import re
from urllib.parse import unquote, urlsplit

MASK = "***"

# `admin:` and everything up to the last @ of the run, else, with spaces, up to a @ before any slash; without a @ there
# is no password.
_USER_INFO = re.compile(r"([a-z][a-z0-9+.-]*://[^\s:/@?#]*):(?:[^\s]*|[^/\n]*)@", re.IGNORECASE)
# `name=value`; words that mean a secret wherever they end a name (`access_token=`), and those that must stand alone.
_PARAMETER = re.compile(
    r"((?:passwords?|passwd|passphrase|pwd|token|secret|apikey|api_key|credentials?|signature|authorization"
    r"|(?<![a-z0-9])(?:pass|passcode|pw|psw|auth|key|sig|session|sessionid|sid|jwt|code))(?:=|%3d))[^\s&;#'\"]*",
    re.IGNORECASE,
)


def mask(text: str, url: str = "") -> str:
    """`text` with the passwords of all URLs in it as `***`; a text without any comes back unchanged.

    Args:
        text: a URL, or a message that may hold some.
        url: a URL whose password must not appear in the message in any form, also apart from the URL.
    """
    if url and url in text:
        text = text.replace(url, mask(url))
    masked = _PARAMETER.sub(rf"\g<1>{MASK}", _USER_INFO.sub(rf"\g<1>:{MASK}@", text))
    for secret in _secrets(url):
        masked = masked.replace(secret, MASK)
    return masked


def _secrets(url: str) -> list[str]:
    """The password of a URL as written and as meant, where it is long enough not to be found by chance."""
    found = _USER_INFO.search(url)
    if found is None:
        return []
    written = found[0][len(found[1]) + 1 : -1]
    return sorted({word for word in (written, unquote(written)) if len(word) >= 4}, key=len, reverse=True)


def scheme_of(text: str) -> str | None:
    """The scheme of a URL in small letters; None for anything else, Windows drives (`c:/x`) included."""
    found = re.match(r"([a-z][a-z0-9+.-]+)://", text, re.IGNORECASE)
    return None if found is None else found[1].lower()


def path_suffix(url: str) -> str:
    """The suffix of a URL's path in small letters, as `.mp4`; empty where it has none."""
    try:
        name = urlsplit(url).path.rpartition("/")[2]
    except ValueError:  # a broken IPv6 address
        return ""
    return f".{name.rpartition('.')[2].lower()}" if "." in name else ""
