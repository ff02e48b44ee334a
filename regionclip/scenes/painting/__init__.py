"""Brushes, backdrops and the camera's view."""
