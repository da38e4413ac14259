"""Pictures as tensors and arrays, resized and laid side by side."""
