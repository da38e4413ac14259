"""ComfyUI from outside: where it is, a server of it, what its nodes take."""
