"""The port of models/ for diffusers: the second host, with the same nouns as host/."""
