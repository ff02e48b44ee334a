"""Commands that follow video."""
