"""UniPortrait (arXiv:2408.05939): several people in one picture, each position given to one of them."""

from .checkpoint import UniPortraitAdapter, detect, load, load_backbone
from .features import ReferenceFeatures, describe, preprocess
from .identity import Identities, Identity, embed, embed_null

__all__ = [
    "Identities",
    "Identity",
    "ReferenceFeatures",
    "UniPortraitAdapter",
    "describe",
    "detect",
    "embed",
    "embed_null",
    "load",
    "load_backbone",
    "preprocess",
]
