"""The drawn world: a picture with every mask, point and caption is a function of a seed and a number."""
