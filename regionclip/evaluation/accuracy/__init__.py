"""What a detector gets right, one protocol a file."""
