"""Fine-tuning of any dense tower: data, losses, loop."""
