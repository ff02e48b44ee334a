"""How messages come and go, one transport a file; each imports its package when it is used."""
