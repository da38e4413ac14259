"""Everything that looks at a photo, under ComfyUI's memory management."""
