"""OmniPortrait in ComfyUI."""
