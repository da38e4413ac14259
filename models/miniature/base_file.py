"""The file of the miniature's base model: UNet and text encoder under their original names, the VAE under its own.

Of the text encoder's embedding only the rows are stored that are not zero, the words that the world uses: `ROWS` names
them. Sizes stand in the metadata.
"""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ..weights.reading import read_metadata, read_state_dict
from ..weights.state_dict import require_keys
from .sizes import BaseSizes

UNET, VAE, CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
WORDS = f"{CLIP}text_model.embeddings.token_embedding.weight"
ROWS = f"{CLIP}text_model.embeddings.token_embedding.rows"
VOCABULARY = 49408  # CLIP's


def read_base_file(path: Path) -> tuple[dict[str, Tensor], BaseSizes]:
    """Return all weights, the embedding filled up with zeros, and the sizes.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights = read_state_dict(path)
    require_keys(weights, {WORDS: 2, ROWS: 1}, path.name)
    rows = weights.pop(ROWS)
    words = weights[WORDS].new_zeros(VOCABULARY, weights[WORDS].shape[1])
    words[rows] = weights[WORDS]
    weights[WORDS] = words
    return weights, BaseSizes.from_metadata(read_metadata(path), path.name)
