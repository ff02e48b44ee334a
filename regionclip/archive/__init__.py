"""Regions of many frames kept in one store, and asked in words, by pictures, or both."""
