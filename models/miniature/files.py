"""The miniature's files, where they lie in the repository and as they are read: the base model, the networks that look at
faces, and UniPortrait.

The base model has UNet and text encoder under their original names, the VAE under its own. Of the text encoder's embedding only
the rows are stored that are not zero, the words that the world uses: `ROWS` names them. Sizes stand in the metadata. UniPortrait's
file holds both stages, each under the published keys below a prefix of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..errors import UnknownCheckpointError
from ..face.iresnet import IResNet
from ..face.parsing import FaceParser
from ..uniportrait.checkpoint import UniPortraitAdapter, load
from ..weights.reading import read_metadata, read_state_dict
from ..weights.state_dict import load_strictly, require_keys, subset, summarise
from ..weights.tensors import converted
from .finder import FaceFinder
from .image_config import image_config
from .parser import MiniatureParser
from .sizes import BaseSizes

PACK = Path(__file__).resolve().parents[2]
WEIGHTS = PACK / "miniature" / "weights"
BASE = WEIGHTS / "base.safetensors"
FACES = WEIGHTS / "faces.safetensors"
UNIPORTRAIT = WEIGHTS / "uniportrait.safetensors"
CONSISTENTID = WEIGHTS / "consistentid.safetensors"
OMNIPORTRAIT = WEIGHTS / "omniportrait.safetensors"
IP_ADAPTER = WEIGHTS / "ip_adapter.safetensors"
FACESTUDIO = WEIGHTS / "facestudio.safetensors"
STYLE_ADAPTER = WEIGHTS / "style_adapter.safetensors"
PRIOR = WEIGHTS / "prior.safetensors"
JUDGE = WEIGHTS / "judge.safetensors"
STYLED_READERS = WEIGHTS / "styled_readers.safetensors"
PORTRAITS = tuple(PACK / "workflows" / "portraits" / f"miniature-person-{number}.png" for number in (1, 2))
STYLE_PICTURES = tuple(PACK / "workflows" / "portraits" / f"miniature-style-{number}.png" for number in (1, 2))

UNET, VAE, CLIP = "model.diffusion_model.", "first_stage_model.", "cond_stage_model.transformer."
WORDS = f"{CLIP}text_model.embeddings.token_embedding.weight"
ROWS = f"{CLIP}text_model.embeddings.token_embedding.rows"
VOCABULARY = 49408  # CLIP's
FINDER, PARSER, BACKBONE, IMAGE_ENCODER = "finder.", "parser.", "backbone.", "image_encoder."
METADATA_KEY = "image_encoder"
STAGE_ONE, STAGE_TWO = "faceid.", "router."


def read_base_file(path: Path) -> tuple[dict[str, Tensor], BaseSizes]:
    """Return all weights, the embedding filled up with zeros, and the sizes.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights: dict[str, Tensor] = read_state_dict(path)
    require_keys(weights, {WORDS: 2, ROWS: 1}, path.name)
    rows = weights.pop(ROWS)
    sizes = BaseSizes.from_metadata(read_metadata(path), path.name)
    fits = rows.dtype == torch.int64 and weights[WORDS].shape == (len(rows), sizes.text)
    if not fits or not len(rows) or not 0 <= int(rows.min()) <= int(rows.max()) < VOCABULARY:
        raise UnknownCheckpointError(
            f"{path.name} does not say which of the {VOCABULARY} words its embedding is of; take the file that came with this pack."
        )
    words = weights[WORDS].new_zeros(VOCABULARY, sizes.text)
    words[rows] = weights[WORDS]
    weights[WORDS] = words
    return weights, sizes


def require_networks(weights: Mapping[str, Tensor], sizes: BaseSizes, name: str) -> None:
    """Check that a base model's weights are as many as its sizes say, before networks of these sizes are built.

    Raises:
        UnknownCheckpointError: if there are fewer.
    """
    unet, vae, text = (sum(tensor.numel() for tensor in subset(weights, part).values()) for part in (UNET, VAE, CLIP))
    sizes.require_filled(unet=unet, vae=vae, text=text, name=name)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceNetworks:
    """What the file holds.

    Attributes:
        finder: the detector.
        parser: tells the parts of a face apart.
        backbone: the face backbone.
        image_encoder: weights under transformers' names (CLIPVisionModelWithProjection).
        image_config: sizes of the image encoder, by transformers' names, which ComfyUI shares.
    """

    finder: FaceFinder
    parser: FaceParser
    backbone: IResNet
    image_encoder: dict[str, Tensor]
    image_config: dict[str, Any]


def read_face_networks(path: Path) -> FaceNetworks:
    """Read the file; networks are float32, frozen, on the CPU.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights: dict[str, Tensor] = read_state_dict(path)
    said = read_metadata(path).get(METADATA_KEY)
    if said is None:
        raise UnknownCheckpointError(
            f'{path.name} does not say the sizes of its image encoder in its metadata ("{METADATA_KEY}"); take the file '
            "that came with this pack."
        )
    encoder = {
        key: converted(key, tensor, torch.float32, path.name) for key, tensor in subset(weights, IMAGE_ENCODER).items()
    }
    return FaceNetworks(
        finder=load_strictly(FaceFinder(), subset(weights, FINDER), f"{path.name}, detector,"),
        parser=FaceParser(load_strictly(MiniatureParser(), subset(weights, PARSER), f"{path.name}, parser,")).eval(),
        backbone=IResNet.from_state_dict(subset(weights, BACKBONE)),
        image_encoder=encoder,
        image_config=image_config(said, sum(tensor.numel() for tensor in encoder.values()), path.name),
    )


def read_uniportrait(path: Path, *, dtype: torch.dtype | None = None) -> UniPortraitAdapter:
    """Read the adapter.

    Args:
        path: of the file.
        dtype: of the attention's weights; None keeps the file's.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights: dict[str, Tensor] = read_state_dict(path)
    faceid, router = subset(weights, STAGE_ONE), subset(weights, STAGE_TWO)
    if not faceid or not router:
        raise UnknownCheckpointError(
            f'{path.name} holds {summarise(weights)}, and not both stages of UniPortrait ("{STAGE_ONE}", "{STAGE_TWO}"); '
            "take the file that came with this pack."
        )
    return load(faceid, router, dtype=dtype)
