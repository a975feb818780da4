"""Layers, each in its own module."""
