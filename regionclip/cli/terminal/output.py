"""What the commands print: results to stdout, everything else to stderr."""

import json
import re
import sys
import warnings
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from operator import length_hint
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, TypeVar

from rich.console import Console
from rich.progress import track

from regionclip.errors import RegionclipWarning

if TYPE_CHECKING:
    import supervision as sv

    from regionclip.detector import Detector
    from regionclip.words.vocabulary import Vocabulary

T = TypeVar("T")

_PLACE = re.compile(r" ?\(Triggered internally at [^)]*\)")
"""What torch adds to its warnings."""


def say(text: str) -> None:
    """One line on stderr, after the name of the program."""
    Console(stderr=True, highlight=False, soft_wrap=True, emoji=False).print(f"regionclip: {text}", markup=False)


def show_warnings() -> None:
    """Print each warning as one line, once in a while, without the place in the code; say whose a library's is."""
    said: deque[str] = deque(maxlen=100)

    def show(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        parts, own = Path(filename).parts, issubclass(category, RegionclipWarning)
        library = "" if own or "site-packages" not in parts else parts[parts.index("site-packages") + 1]
        text = _PLACE.sub("", " ".join(str(message).split()))
        told = f"warning: {library.removesuffix('.py')}{' says: ' * bool(library)}{text}"
        if told not in said:
            said.append(told)
            say(told)

    warnings.showwarning = show


def waiting(what: str) -> AbstractContextManager[object]:
    """Says on a terminal what takes long and cannot be counted, for as long as it takes."""
    console = Console(stderr=True)
    return console.status(f"{what} ...") if console.is_terminal else nullcontext()


def progress(items: Iterable[T], what: str) -> Iterable[T]:
    """The items, with a progress bar on a terminal; they know their number, or nearly."""
    console, count = Console(stderr=True), length_hint(items)
    return track(items, what, count, console=console, disable=not console.is_terminal or count < 2, transient=True)


def preparing(detector: "Detector", vocabulary: "Vocabulary") -> None:
    """Encode the phrases of a vocabulary, with a progress bar on a terminal."""
    detector.prepare(vocabulary, watch=lambda phrases: progress(phrases, "phrases"))


def write_json(file: Path | None, content: str | Mapping[str, object]) -> None:
    """Write what `--json` asks for, to stdout for `-`; nothing without it."""
    from regionclip.formats.files import write_file

    if file is None:
        return
    text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False, indent=1, allow_nan=False)
    text = text if text.endswith("\n") else f"{text}\n"
    if str(file) == "-":
        sys.stdout.write(text)
    else:
        write_file(file, text.encode())


def print_detections(title: str, detections: "sv.Detections") -> None:
    """A picture's detections as lines: confidence, label, box, and the phrase that matched where it is another."""
    sys.stdout.write(f"{title}: {len(detections) or 'no'} detection{'s' * (len(detections) != 1)}\n")
    for row in range(len(detections)):
        name, prompt = str(detections.data["class_name"][row]), str(detections.data["prompt"][row])
        corners = " ".join(f"{side:.0f}" for side in detections.xyxy[row])
        matched = f"  ({prompt})" if prompt not in (name, "") else ""
        confidence = 0.0 if detections.confidence is None else float(detections.confidence[row])
        said = [
            f"{column}: {values[row]}"
            for column, values in detections.data.items()
            if f"{column}_score" in detections.data and values[row]  # the columns of attributes
        ]
        sys.stdout.write(f"  {confidence:.2f}  {name}  [{corners}]{matched}{'  ' if said else ''}{', '.join(said)}\n")
    sys.stdout.flush()
