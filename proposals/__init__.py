"""Where to look: candidate boxes of a frame."""
