"""Configuration files: what their keys may hold, read with all faults found at once."""
