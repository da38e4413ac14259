"""The model doctor in ComfyUI: its folders, one job at a time, and what the page asks for."""
