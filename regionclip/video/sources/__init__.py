"""How frames come in."""
