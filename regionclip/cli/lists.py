"""`regionclip towers` and `proposals`: what can be loaded, and who can find boxes."""

import sys

from regionclip.formats.tables import as_table


def towers() -> None:
    """List the towers and where their weights come from."""
    from regionclip.config import Config, config_names

    configs = [(name, Config.load(name)) for name in config_names()]
    rows = [(name, config.tower, config.weights or "ships with regionclip") for name, config in configs]
    sys.stdout.write(as_table(("NAME", "TOWER", "WEIGHTS"), rows) + "\n")
    sys.stdout.write("\nWeights of your own: --weights FOLDER. `regionclip doctor --tower NAME` tests one.\n")


def proposals() -> None:
    """List the proposers and the presets, which choose among them."""
    from regionclip.config import Config, preset_names
    from regionclip.proposing import PROPOSERS

    known = [(name, known.what) for name, known in PROPOSERS.items()]
    presets = [(name, " + ".join(Config().with_preset(name).proposers or ())) for name in preset_names()]
    sys.stdout.write(as_table(("", ""), [("PROPOSER", ""), *known, ("", ""), ("PRESET", ""), *presets]) + "\n")
    sys.stdout.write("\n--proposer NAME (repeatable), --preset NAME; options of each: docs/proposals.md.\n")
