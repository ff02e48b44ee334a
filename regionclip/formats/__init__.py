"""Files: written whole or not at all, pictures, boxes, settings."""
