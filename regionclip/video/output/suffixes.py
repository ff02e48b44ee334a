"""What files of results may be called, known before anything is loaded that writes them."""

from pathlib import Path

from regionclip.errors import ConfigError

RESULTS = (".jsonl", ".csv", ".json")
"""JSON Lines, a table, COCO."""


def check_results(path: str | Path) -> str:
    """The suffix of a file of results, in small letters.

    Raises:
        ConfigError: where it names no kind of results.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in RESULTS:
        raise ConfigError(
            f"{path}: expected a file of results ending with {', '.join(RESULTS)}, got {suffix or 'no suffix'}"
        )
    return suffix
