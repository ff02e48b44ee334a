"""What it costs, one protocol a file."""
