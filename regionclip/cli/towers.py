"""`regionclip towers`: what can be loaded."""

import sys

from regionclip.formats.tables import as_table


def towers() -> None:
    """List the towers and where their weights come from."""
    from regionclip.config import Config, config_names

    configs = [(name, Config.load(name)) for name in config_names()]
    rows = [(name, config.tower, config.weights or "ships with regionclip") for name, config in configs]
    sys.stdout.write(as_table(("NAME", "TOWER", "WEIGHTS"), rows) + "\n")
    sys.stdout.write("\nWeights of your own: --weights FOLDER. `regionclip doctor --tower NAME` tests one.\n")
