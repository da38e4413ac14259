"""Thumbnails of the shipped workflows."""
