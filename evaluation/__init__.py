"""Measuring likeness: protocols, what draws and measures them, and reports."""
