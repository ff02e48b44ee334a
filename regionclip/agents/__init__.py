"""What agents of language models may ask for (docs/mcp.md)."""
