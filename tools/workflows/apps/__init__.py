"""Workflows that open as an app: photos, prompt and run, without the graph."""
