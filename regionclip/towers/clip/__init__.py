"""Towers of CLIP's make on transformers' own classes: a ViT with a class token, a text side, a projection of each."""
