"""Vision-language towers."""
