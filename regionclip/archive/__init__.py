"""Regions of many frames, kept and asked again."""
