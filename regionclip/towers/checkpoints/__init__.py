"""Checkpoints: where their files are, how they are read, and how pickles of old become them."""
