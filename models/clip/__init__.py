"""CLIP's pixels and tokens, without a model."""
