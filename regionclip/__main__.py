"""`python -m regionclip` is the command line."""

from regionclip.cli import main

main()
