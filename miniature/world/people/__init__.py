"""Drawn people: what they look like, and their heads, features and bodies as shapes."""
