"""One POST of JSON by the standard library. What a URL, a header or an answer may hold in secret is never repeated."""

import base64
import http.client
import json
import socket
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

from regionclip.errors import ConfigError
from regionclip.video.sources.urls import MASK, scheme_of

_AGAIN = (408, 425, 429)
"""Refusals that another try may change; so may 500 and above."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a POST.

    Attributes:
        done: whether it was taken.
        again: where not, whether another try may help.
        reason: why not, in words.
        wait: seconds that the server asks to wait before another try.
    """

    done: bool
    again: bool = False
    reason: str = ""
    wait: float = 0.0


class Target:
    """Where to POST.

    Args:
        url: http or https; `user:password@` in it becomes Basic authentication.
        headers: sent with each request, beside Content-Type.
        timeout: seconds for the connection and for each part of the answer.

    Attributes:
        shown: the address for logs: no user, path or parameters, any of which may be a key.

    Raises:
        ConfigError: for other URLs, and for headers that cannot be sent.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout: float) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:  # a broken port or IPv6 address
            host, port, parts = None, None, urlsplit("")
        plain = url.isascii() and url.isprintable() and " " not in url
        if scheme_of(url) not in ("http", "https") or not host or not plain:
            scheme = scheme_of(url)
            got = f"{scheme}://{MASK}" if scheme else "something else"
            raise ConfigError(f"webhook: expected an address as https://host/path in plain ASCII, got {got}")
        place = f"[{host}]" if ":" in host else host
        place = place if port is None else f"{place}:{port}"
        tail = f"/{MASK}" if len(parts.path) > 1 or parts.query else ""
        self.shown = f"{parts.scheme}://{place}{tail}"
        self._url = urlunsplit((parts.scheme, place, parts.path or "/", parts.query, ""))
        self._headers = {"User-Agent": "regionclip", **headers, "Content-Type": "application/json; charset=utf-8"}
        if parts.username is not None:
            both = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers.setdefault("Authorization", "Basic " + base64.b64encode(both.encode()).decode())
        for name, value in self._headers.items():
            if not isinstance(value, str) or not (f"{name}{value}".isascii() and f"{name}{value}".isprintable()):
                raise ConfigError(f"webhook: header {name!r}: expected plain ASCII text on one line")
        self._timeout = timeout
        # No proxies from the environment, no cookies, and no redirects: they would turn the POST into a GET.
        self._opener = urllib.request.OpenerDirector()
        for handler in (urllib.request.HTTPHandler(), urllib.request.HTTPSHandler(), urllib.request.UnknownHandler()):
            self._opener.add_handler(handler)

    def post(self, content: Mapping[str, Any]) -> Outcome:
        """Send one object; anything that goes wrong is in the outcome."""
        request = urllib.request.Request(self._url, data=as_bytes(content), headers=self._headers, method="POST")
        try:
            with self._opener.open(request, timeout=self._timeout) as answer:
                return _judge(answer)
        except urllib.error.URLError as error:
            return Outcome(False, True, _words(error.reason, self._timeout))
        except (OSError, http.client.HTTPException) as error:
            return Outcome(False, True, _words(error, self._timeout))


def as_bytes(content: Mapping[str, Any]) -> bytes:
    """JSON on one line, UTF-8; what is no text, as in file names of other encodings, becomes escapes."""
    return json.dumps(content, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")


def _judge(answer: http.client.HTTPResponse) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Outcome(True)
    if 300 <= status < 400:
        return Outcome(False, False, f"answered {status}: it is elsewhere now; redirects are not followed")
    again = status in _AGAIN or status >= 500
    wait = answer.headers.get("Retry-After", "")
    return Outcome(False, again, f"answered {status}", float(wait) if again and wait.isdecimal() else 0.0)


def _words(error: object, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer for {timeout:g} s"
    if isinstance(error, socket.gaierror):
        return "host not found"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return f"broken answer ({type(error).__name__})" if isinstance(error, Exception) else "no connection"
