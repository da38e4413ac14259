"""Blueprints: parts of workflows that the page offers as one node, in `subgraphs/`; ComfyUI 0.3.64 does not look there."""
