"""The command line: `regionclip`, or `python -m regionclip`."""

import sys


def main() -> None:
    """Run it; Ctrl-C ends in one line also while Python still reads the program."""
    try:
        from regionclip.cli import main as run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("regionclip: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
