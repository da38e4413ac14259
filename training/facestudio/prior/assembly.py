"""FaceStudio's prior from a configuration."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from ....diffusers_host.text_encoders import TOKENS
from ....diffusers_host.text_tower import load_text_tower, read_texts
from ....models.clip.prior import EmbeddingPrior, PriorSizes
from ....models.clip.prior_file import PriorDescription, load
from ....models.errors import InvalidSettingError
from ....models.facestudio.style import Space
from ....models.weights.fingerprint import of_file
from ...assembled import Assembled, Registration, open_data, wanted_rows
from ..encode import encode_styles, style_store
from ..style_network import StyleNetwork, load_style_network
from .config import DEPTH, HEAD, WIDTH, PriorConfig
from .encode import PairEncoder
from .method import PriorMethod
from .networks import measure, new_prior
from .pictures import PairDataset

CLAMP = 5.0  # standard deviations; Karlo's
AT_ONCE = 64  # pictures that are measured together


def assemble_prior(config: PriorConfig, device: torch.device) -> Assembled:
    """The method; raises as `assemble`."""
    source, asked = open_data(config), config.method
    network = load_style_network(config.base.style_encoder, config.base.style, device)
    dataset = PairDataset(
        source, wanted_rows(config), seed=config.run.seed, square=network.square, hide=asked.hide_faces
    )
    tower = load_text_tower(config.base.text_tower)
    tower.module.to(device)
    folder = config.data.cache
    encode = PairEncoder(
        tower=tower, network=network, store=style_store(folder, network) if isinstance(folder, Path) else None
    )
    if encode.store:
        dataset.is_cached = encode.store.__contains__
    text = read_texts(tower, [""]).pooled.shape[1]
    prior, description = _prior(config, dataset, encode, text)
    return Assembled(
        method=PriorMethod(prior.to(device), seed=config.run.seed, drop=asked.drop_caption),
        dataset=dataset,
        encode=encode,
        sheet=None,
        details={
            **description.metadata(),
            "style": {"encoder": network.description.encoder, "sha256": network.description.sha256},
            "text_tower": of_file(config.base.text_tower),
            "hide_faces": asked.hide_faces,
        },
    )


METHODS = (Registration(PriorConfig, assemble_prior),)


def _prior(
    config: PriorConfig, dataset: PairDataset, encode: PairEncoder, text: int
) -> tuple[EmbeddingPrior, PriorDescription]:
    """A new one, or that of a file.

    Raises:
        LikenessError: if the file to start from cannot be read or does not fit, or there are too few pictures to measure.
    """
    asked, network = config.method, encode.network
    if asked.init_from is not None:
        found = load(asked.init_from)
        _require_fit(found.network, asked.init_from, network, text)
        return found.network, found.description
    if len(dataset) < 2:
        raise InvalidSettingError(
            "There is one picture to train on, of which no spread can be measured; add some to [data]."
        )

    def embed(places: range) -> Tensor:
        return encode_styles(network, [dataset[place].people[0] for place in places], encode.store)

    mean, std = measure(min(asked.measured, len(dataset)), AT_ONCE, embed)
    head = asked.dim_head or HEAD
    sizes = PriorSizes(
        width=asked.width or WIDTH,
        dim_head=head,
        depth=asked.depth or DEPTH,
        embedding=network.width,
        text=text,
        text_tokens=TOKENS,
    )
    description = PriorDescription(clamp=CLAMP, dim_head=head, space=Space.of_width(network.width).name)
    return new_prior(sizes, mean, std, seed=config.run.seed), description


def _require_fit(prior: EmbeddingPrior, path: Path, network: StyleNetwork, text: int) -> None:
    sizes = prior.sizes
    if (sizes.embedding, sizes.text, sizes.text_tokens) != (network.width, text, TOKENS):
        raise InvalidSettingError(
            f'"{path.name}" predicts embeddings {sizes.embedding} wide from {sizes.text_tokens} tokens {sizes.text} wide, but [base] '
            f"gives embeddings {network.width} wide and {TOKENS} tokens {text} wide; name the networks that it was trained with."
        )
