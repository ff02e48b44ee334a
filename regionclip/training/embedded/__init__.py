"""How the embedded tower was made."""
