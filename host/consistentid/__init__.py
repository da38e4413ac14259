"""ConsistentID in ComfyUI."""
