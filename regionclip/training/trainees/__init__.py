"""What each tower lends to training."""
