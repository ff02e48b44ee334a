"""Rendered security and robotics scenes with known truth."""
