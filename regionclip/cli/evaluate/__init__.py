"""`regionclip eval`: one protocol a file."""
