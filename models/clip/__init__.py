"""CLIP: what it is given, and the prior between its texts and its pictures."""

from .inputs import BOS, CLIP_MEAN, CLIP_SIZE, CLIP_STD, EOS, clip_pixels, clip_statistics, text_ids

__all__ = ["BOS", "CLIP_MEAN", "CLIP_SIZE", "CLIP_STD", "EOS", "clip_pixels", "clip_statistics", "text_ids"]
