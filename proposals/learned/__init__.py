"""Proposers with weights of their own."""
