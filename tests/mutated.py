"""Files that went wrong: bytes flipped, lost and doubled, values swapped for others, the same every time.

What has checksums or lengths inside is mutated before they are made, so that damage gets beyond them.
"""

import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Mutate = Callable[[np.random.Generator, bytes], bytes]

_VALUES = (
    *('""', '"x"', "0", "-1", "1e999", "-0.0", "1e-320", "99999999999999999999999", "true", "null", "[]", "{}", "[[]]"),
    *("9" * 5000, "[" * 5000, '"\\u0000"'),
    *('"\\ud800"', "NaN", "nan", "inf", "1979-05-27", "{a = 1}", "[1, [2]]", '"人"', "0x7fffffff"),
)
"""Values of JSON and of TOML, some of which are neither."""


def mutants(content: bytes, mutate: Mutate, count: int, seed: int) -> Iterator[bytes]:
    """`count` mutated copies."""
    rng = np.random.default_rng(seed)
    for _ in range(count):
        yield mutate(rng, content)


def bytes_changed(rng: np.random.Generator, content: bytes) -> bytes:
    """One to four places flipped, filled, cut out, doubled or cut off; half of them near the start, in the headers."""
    data = bytearray(content)
    for _ in range(int(rng.integers(1, 5))):
        end = len(data) if rng.random() < 0.5 else min(len(data), 128)
        start, length = int(rng.integers(0, max(1, end))), int(rng.choice([1, 1, 2, 4, 16, 200]))
        piece = data[start : start + length]
        kind = rng.integers(0, 5)
        if kind == 0 and piece:
            data[start] ^= 1 << int(rng.integers(0, 8))
        elif kind == 1:
            data[start : start + length] = bytes([int(rng.choice([0, 1, 127, 128, 255]))]) * len(piece)
        elif kind == 2:
            del data[start : start + length]
        elif kind == 3:
            data[start:start] = piece
        else:
            data[start : start + length] = rng.bytes(len(piece))
    if rng.random() < 0.1:
        del data[int(rng.integers(0, len(data) + 1)) :]
    return bytes(data)


def text_changed(rng: np.random.Generator, content: bytes) -> bytes:
    """A value, a name or a line of JSON or TOML swapped for another, lost or doubled; sometimes bytes."""
    if rng.random() < 0.15:
        return bytes_changed(rng, content)
    text = content.decode()
    for _ in range(int(rng.integers(1, 3))):
        text = _value_changed(rng, text) if rng.random() < 0.6 else _line_changed(rng, text)
    return text.encode("utf-8", "surrogatepass")


def json_changed(rng: np.random.Generator, content: bytes) -> bytes:
    """One value anywhere in JSON put in place of another, or a key lost: the result is JSON."""
    whole = json.loads(content)
    places: list[tuple[Any, Any]] = []

    def walk(node: Any) -> None:  # noqa: ANN401 - any JSON value
        if isinstance(node, list | dict):
            for key in range(len(node)) if isinstance(node, list) else list(node):
                places.append((node, key))
                walk(node[key])

    walk(whole)
    values: list[Any] = [
        *("", "x", "人", 0, -1, 1e308, 2**63, 2**31, 1.5, float("nan"), float("inf")),
        *(True, None, [], {}, [[]], {"a": 1}),
    ]
    for _ in range(int(rng.integers(1, 3))):
        node, key = places[int(rng.integers(0, len(places)))]
        if isinstance(node, dict) and rng.random() < 0.2:
            node.pop(key, None)
        else:
            node[key] = values[int(rng.integers(0, len(values)))]
    return json.dumps(whole).encode()


def zip_changed(rng: np.random.Generator, content: bytes) -> bytes:
    """The archive's bytes, or, under a checksum that is right, those of one entry or its name."""
    if rng.random() < 0.4:
        return bytes_changed(rng, content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    name = str(rng.choice(list(entries)))
    if rng.random() < 0.8:
        entries[name] = bytes_changed(rng, entries[name])
    elif rng.random() < 0.5:
        del entries[name]
    else:
        other = str(rng.choice(list(entries)))
        entries[name] = entries[other]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", int(rng.choice([0, 8]))) as archive:
        for name, entry in entries.items():
            archive.writestr(name, entry)
    return buffer.getvalue()


def safetensors_changed(rng: np.random.Generator, content: bytes) -> bytes:
    """The bytes, or, with a length that is right, the JSON at the start."""
    if rng.random() < 0.4:
        return bytes_changed(rng, content)
    (length,) = struct.unpack("<Q", content[:8])
    change = json_changed if rng.random() < 0.6 else text_changed
    header = change(rng, content[8 : 8 + length])
    return struct.pack("<Q", len(header)) + header + content[8 + length :]


def _value_changed(rng: np.random.Generator, text: str) -> str:
    starts = [place + 1 for place, character in enumerate(text) if character in "=:[,"]
    if not starts:
        return text
    start = int(rng.choice(starts))
    end = start
    while end < len(text) and text[end] not in ",\n]}":
        end += 1
    return f"{text[:start]} {rng.choice(_VALUES)}{text[end:]}"


def _line_changed(rng: np.random.Generator, text: str) -> str:
    lines = text.splitlines(keepends=True) or [""]
    first, second = (int(place) for place in rng.integers(0, len(lines), 2))
    kind = rng.integers(0, 3)
    if kind == 0:
        del lines[first]
    elif kind == 1:
        lines.insert(second, lines[first])
    else:
        lines[first], lines[second] = lines[second], lines[first]
    return "".join(lines)
