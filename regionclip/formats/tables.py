"""Tables as text: one layout for all that commands print."""

import io
import re
import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

_NUMBER = re.compile(r"[-+]?[\d,]*\.?\d+(e[-+]?\d+)?%?|-|")
_ENDLESS = 10_000
"""Columns of what is no terminal: a file and a pipe get whole lines."""


def as_table(head: Sequence[str], rows: Iterable[Sequence[object]], *, indent: int = 0) -> str:
    """The lines of a table: as wide as its cells, on a terminal folded to what that has.

    Args:
        head: titles of the columns; empty strings, and nothing else, for a table without a line of titles.
        rows: as many cells each; columns of numbers are set to the right. Han characters take two places.
        indent: spaces before each line.
    """
    cells = [[str(cell) for cell in row] for row in rows]
    table = Table(box=None, pad_edge=False, show_header=any(head), header_style="")
    for title, column in zip(head, zip(*cells, strict=True) if cells else [()] * len(head), strict=True):
        numbers = all(_NUMBER.fullmatch(cell) for cell in column)
        table.add_column(Text(title), justify="right" if numbers else "left", overflow="fold")
    for row in cells:
        table.add_row(*map(Text, row))  # text, not markup: a label may hold brackets
    width = Console().width - indent if sys.stdout.isatty() else _ENDLESS
    console = Console(file=io.StringIO(), width=width, color_system=None, legacy_windows=False, emoji=False)
    with console.capture() as captured:
        console.print(table)
    return "\n".join(" " * indent + line.rstrip() for line in captured.get().splitlines())
