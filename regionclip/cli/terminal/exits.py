"""Exit codes of the command line (docs/cli.md)."""

OK = 0
FAILED = 1
USAGE = 2
UNREADABLE = 3
WEIGHTS = 4
PARTLY = 5
FINDINGS = 6
INTERRUPTED = 130
