"""Thresholds from footage without targets, and curves from labelled pictures (docs/calibration.md)."""
