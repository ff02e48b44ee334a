"""Where an MQTT broker is, what its topics are called, and how Home Assistant is told of them (docs/events.md)."""

import hashlib
import re
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Self
from urllib.parse import unquote, urlsplit

from regionclip.errors import ConfigError
from regionclip.video.rules.rule import MOMENTS, Rule
from regionclip.video.sources.urls import MASK, scheme_of

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_MOMENT = 3
"""Seconds for which Home Assistant shows what happens at a moment."""
_SPECIAL = re.compile(r"[\x00-\x1f\x7f+#$/]")
"""What a level of a topic is kept free of: wildcards, the separator, and what terminals do not show."""


@dataclass(frozen=True, slots=True)
class Broker:
    """Where a broker is, and the topic below which everything goes.

    Attributes:
        host: its name or address.
        port: of MQTT.
        topic: one level or several.
        tls: whether the connection is encrypted, and the broker's certificate checked.
        user: None for nobody.
        password: None for none.
    """

    host: str
    port: int
    topic: str
    tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @classmethod
    def of(cls, url: str) -> Self:
        """The broker of `mqtt://[user:password@]host[:port][/topic]`; `mqtts` encrypts.

        Raises:
            ConfigError: for anything else; only the scheme of it is repeated.
        """
        scheme = scheme_of(url) or ""
        try:
            parts = urlsplit(url)
            host, port, topic = parts.hostname, parts.port, unquote(parts.path).strip("/") or "regionclip"
        except ValueError:  # a broken port or IPv6 address
            host, port, topic = None, None, ""
        special = "?" in url or not url.isprintable() or any(map(_SPECIAL.search, topic.split("/")))
        if scheme not in _PORTS or not host or "#" in url or special:
            got = f"{scheme}://{MASK}" if scheme else "something else"
            raise ConfigError(f"mqtt: expected an address as mqtt://user@host:1883/topic, got {got}")
        user, password = (None if part is None else unquote(part) for part in (parts.username, parts.password))
        return cls(host, port or _PORTS[scheme], topic, scheme == "mqtts", user, password)

    def __str__(self) -> str:
        """The address for logs: no user, no password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mqtt{'s' * self.tls}://{host}:{self.port}/{self.topic}"

    def topic_of(self, *names: str) -> str:
        """The topic below that of everything, a level a name."""
        return "/".join((self.topic, *map(_level, names)))


def sensor(broker: Broker, camera: str, rule: Rule) -> dict[str, Any]:
    """A rule as a `binary_sensor` of its camera: https://www.home-assistant.io/integrations/binary_sensor.mqtt/."""
    topic, state = broker.topic_of(camera, "rules", rule.name), "{{ value_json.state }}"
    return {
        "name": rule.name,
        "unique_id": f"regionclip_{short(topic)}",
        "state_topic": topic,
        "value_template": state,
        "json_attributes_topic": topic,
        **({"off_delay": _MOMENT} if rule.kind in MOMENTS else {}),
        "availability": [
            {"topic": broker.topic_of("availability")},
            {"topic": broker.topic_of(camera, "status"), "value_template": state},
        ],
        "availability_mode": "all",
        "device": {
            "identifiers": [f"regionclip_{short(broker.topic_of(camera))}"],
            "name": camera,
            "manufacturer": "regionclip",
        },
        "origin": {"name": "regionclip", "sw_version": version("regionclip")},
    }


def short(text: str) -> str:
    """A name of 12 letters and digits, the same for the same text."""
    return hashlib.sha1(text.encode()).hexdigest()[:12]


def _level(name: str) -> str:
    """A name as one level of a topic; one that had to be changed bears a mark, so that no two names meet."""
    text = name.encode("utf-8", "backslashreplace").decode()
    plain = _SPECIAL.sub("_", text)
    return plain if plain == name else f"{plain}-{short(text)[:6]}"
