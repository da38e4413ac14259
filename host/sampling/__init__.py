"""Sampling runs: what they tell the layers, delayed conditioning, the queue."""
