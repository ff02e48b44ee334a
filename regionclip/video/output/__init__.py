"""Videos, sound and result files written."""
