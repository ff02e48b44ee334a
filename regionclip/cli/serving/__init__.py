"""Commands that answer others until they are stopped."""
