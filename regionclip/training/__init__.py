"""How the embedded tower was made: batches, losses, loop, export."""
