"""How the miniature's networks are trained, from a seed."""
