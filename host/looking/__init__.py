"""Whoever looks at a run of ComfyUI's samplers to find people."""
