"""FaceStudio in ComfyUI."""
