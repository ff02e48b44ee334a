"""`regionclip proposals`: who can find boxes."""

import sys


def proposals() -> None:
    """List the proposers and the presets, which choose among them."""
    from regionclip.config import Config, preset_names
    from regionclip.proposing import PROPOSERS

    rows = [("PROPOSER", ""), *((name, known.what) for name, known in PROPOSERS.items()), ("", ""), ("PRESET", "")]
    rows += [(name, " + ".join(Config().with_preset(name).proposers or ())) for name in preset_names()]
    wide = max(len(name) for name, _ in rows)
    sys.stdout.write("\n".join(f"{name:<{wide}}  {what}".rstrip() for name, what in rows) + "\n")
    sys.stdout.write("\n--proposer NAME (repeatable), --preset NAME; options of each: docs/proposals.md.\n")
