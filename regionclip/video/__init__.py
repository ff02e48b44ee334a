"""Live streams and recordings: read, run, track, report, write."""
