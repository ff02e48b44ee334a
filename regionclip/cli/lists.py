"""`regionclip proposals`: who can find boxes."""

import sys

from regionclip.formats.tables import as_table


def proposals() -> None:
    """List the proposers and the presets, which choose among them."""
    from regionclip.config import Config, preset_names
    from regionclip.proposing import PROPOSERS

    known = [(name, known.what) for name, known in PROPOSERS.items()]
    presets = [(name, " + ".join(Config().with_preset(name).proposers or ())) for name in preset_names()]
    sys.stdout.write(as_table(("", ""), [("PROPOSER", ""), *known, ("", ""), ("PRESET", ""), *presets]) + "\n")
    sys.stdout.write("\n--proposer NAME (repeatable), --preset NAME; options of each: docs/proposals.md.\n")
