"""Layers that two or more of the papers use."""
