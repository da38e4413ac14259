"""Drawing with the miniature on diffusers, in ComfyUI's coordinates."""
