"""Kinds of objects: how each is drawn and coloured."""
