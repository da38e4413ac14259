"""Training and everything else that runs on diffusers' UNet, without ComfyUI."""
