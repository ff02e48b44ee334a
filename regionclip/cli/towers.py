"""`regionclip towers`: what can be loaded."""

import sys


def towers() -> None:
    """List the towers and where their weights come from."""
    from regionclip.config import Config, config_names

    rows = [("NAME", "TOWER", "WEIGHTS")]
    for name in config_names():
        config = Config.load(name)
        rows.append((name, config.tower, config.weights or "ships with regionclip"))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        line = "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write(line.rstrip() + "\n")
    sys.stdout.write("\nWeights of your own: --weights FOLDER. `regionclip doctor --tower NAME` tests one.\n")
