"""Proposers that see what moves."""
