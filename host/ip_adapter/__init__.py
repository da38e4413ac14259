"""IP-Adapter in ComfyUI."""
