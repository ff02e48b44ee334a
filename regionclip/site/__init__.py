"""Many cameras on one tower."""
