"""What may be said of a scene, in English and Chinese."""
