"""Towers of CLIP's make on transformers' own classes: a ViT with a class token, a BERT, and a projection of each."""
