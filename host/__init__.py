"""How the science lands in ComfyUI: the only room that imports ComfyUI's own modules."""
