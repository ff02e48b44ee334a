"""The embedded tower."""
