"""UniPortrait in ComfyUI."""
