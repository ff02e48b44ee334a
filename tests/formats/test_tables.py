"""as_table: one layout, readable in a pipe and on a terminal of 80 columns."""

import sys

import pytest
from rich.cells import cell_len

from regionclip.formats.tables import as_table

HEAD = ("label", "boxes", "recall", "95 % interval")
ROWS = [("person", 12, "0.500", "0.250 to 0.750"), ("灭火器 [red]", 7, "-", "-")]


def test_numbers_stand_to_the_right_and_han_characters_take_two_places() -> None:
    assert as_table(HEAD, ROWS, indent=2).splitlines() == [
        "  label         boxes  recall  95 % interval",
        "  person           12   0.500  0.250 to 0.750",
        "  灭火器 [red]      7       -  -",
    ]


def test_without_titles_and_without_rows() -> None:
    assert as_table(("", ""), [("a", "x"), ("bcd", "y")]) == "a    x\nbcd  y"
    assert as_table(HEAD, []) == "label  boxes  recall  95 % interval"


def test_a_pipe_gets_whole_lines_and_no_colours() -> None:
    long = "word " * 60 + "end"
    lines = as_table(("a", "b"), [(long, "1 [bold]x[/bold] :smile:")]).splitlines()
    assert lines[1] == f"{long}  1 [bold]x[/bold] :smile:"


def test_a_terminal_gets_lines_that_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("COLUMNS", "80")
    text = as_table(HEAD, [(f"label {number}", number, "0.500", "很长的说明 " * 20) for number in range(3)], indent=2)
    lines = text.splitlines()
    assert max(map(cell_len, lines)) <= 80
    assert text.count("很长的说明") == 60  # folded, not cut
    assert "\x1b" not in text
