"""Work on several accelerators or machines, by Ray (docs/scale.md)."""
