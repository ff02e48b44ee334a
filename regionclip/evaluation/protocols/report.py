"""What a protocol found, as a table, as JSON and as CSV."""

import csv
import io
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from regionclip.evaluation.protocols.rows import Recorded
from regionclip.formats.tables import as_table
from regionclip.towers.card import TowerCard

Figures = Sequence[Mapping[str, Any]]
"""Rows of one table: the first key names the row. None stands for what cannot be said."""

_SCHEMA = "regionclip.evaluation/1"


@dataclass(frozen=True, slots=True)
class Report:
    """Tables by name, and what must be said beside them.

    Attributes:
        name: of the protocol.
        of: the set, in words.
        notes: lines that go with the figures: tower, patches, boxes.
        parts: tables; those of `long` are left out of the printed text.
        header: what made the rows.
        long: names of parts that are too long for a screen.
    """

    name: str
    of: str
    notes: tuple[str, ...]
    parts: Mapping[str, Figures]
    header: Mapping[str, Any]
    long: tuple[str, ...] = ("per class",)

    def table(self) -> str:
        """For a terminal."""
        lines = [f"{self.name}: {self.of}", *self.notes]
        for name, rows in self.parts.items():
            if name not in self.long and rows:
                lines += ["", as_table((name, *list(rows[0])[1:]), [tuple(map(_cell, row.values())) for row in rows])]
        return "\n".join(lines)

    def record(self) -> dict[str, Any]:
        """For `json.dumps`."""
        parts = {name: [dict(row) for row in rows] for name, rows in self.parts.items()}
        return {
            "schema": _SCHEMA,
            "protocol": self.name,
            "set": self.of,
            "notes": list(self.notes),
            "run": dict(self.header),
            **parts,
        }

    def csv(self) -> str:
        """One figure a line: `part,row,figure,value`."""
        content = io.StringIO()
        writer = csv.writer(content, lineterminator="\n")
        writer.writerow(("part", "row", "figure", "value"))
        for part, rows in self.parts.items():
            for row in rows:
                name, *figures = row
                writer.writerows((part, row[name], figure, row[figure]) for figure in figures)
        return content.getvalue()


def notes_of(card: TowerCard, run: Recorded, *more: str) -> tuple[str, ...]:
    """What is said beside every figure: the tower, what it knows, its patches, and where the rows are."""
    most = "dynamic budget" if card.budget == "dynamic" else f"at most {card.budget}"
    used = "a crop" if card.region_mode == "crop" else "no image was looked at"
    used = f"median {statistics.median(run.patches):.0f} an image" if run.patches else used
    lines = (
        f"tower {card.name}@{card.revision}, region mode {card.region_mode}",
        f"patches: {most}, {used}",
        card.notice,
        f"{run.strange} of the images are of no kind that this tower knows" if run.strange else "",
        *more,
        f"rows: {run.path}",
    )
    return tuple(line for line in lines if line)


def _cell(value: object) -> str:
    if value is None:
        return "-"
    return f"{value:.3f}" if isinstance(value, float) else str(value)
