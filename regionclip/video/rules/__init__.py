"""Zones, rules, and what happened."""
