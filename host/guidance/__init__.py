"""Gradients while sampling: the guided step, what it reads and what it costs."""
