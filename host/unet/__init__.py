"""ComfyUI's UNet: its attention sites, calls, LoRA and captures."""
