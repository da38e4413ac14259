"""OmniPortrait's Pivot ID Encoder from a configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from ...dataset.manifest import PersonRow
from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import TOKENS, TextCondition, encode_prompts
from ...models.errors import ConfigError
from ...models.omniportrait.checkpoint import adapter_metadata
from ...models.people.marked_prompt import MarkedPrompt, mark_people
from ..assembled import Assembled, Registration, new_base, open_data, wanted_rows
from ..batches.face_crops import face_box
from ..batches.latents import latent_store
from ..batches.noun_rows import last_token
from ..references import Reference, find_references
from ..samples import SampleSheet, Sitter
from .batch import PivotBatch
from .config import PivotConfig
from .crops import cut_portrait
from .encode import PortraitEncoder
from .method import OmniPortraitPivot, PivotTraining
from .networks import PivotNetworks, read_networks
from .pictures import PortraitDataset


@dataclass(frozen=True, eq=False, slots=True)
class PivotSeat:
    """Makes the batches of a sample sheet, see `Seat`.

    Attributes:
        rows: of the word that stands for the person, by prompt.
        empty: the empty prompt.
    """

    rows: Mapping[str, int]
    empty: TextCondition

    def __call__(self, prompts: Sequence[str], text: TextCondition, sitters: Sequence[Sitter], size: int) -> PivotBatch:
        """The first sitter under each of some prompts; the empty one has no word, and nobody is shown there."""
        [sitter], rows = sitters, len(prompts)
        return PivotBatch(
            positions=(0,) * rows,
            latents=torch.empty(rows, 0),  # only losses read these and the faces
            text=text.tokens,
            empty=self.empty.tokens,
            pooled=text.pooled,
            empty_pooled=self.empty.pooled,
            sizes=torch.tensor([[size, size, 0, 0, size, size]]).expand(rows, -1),
            crops=sitter.features.expand(rows, 1, -1, -1, -1),
            rows=torch.tensor([[self.rows.get(prompt, 0)] for prompt in prompts]),
            faces=torch.zeros(rows, 1, 1, 1),
            present=torch.ones(rows, 1, dtype=torch.bool),
        )


def assemble_pivot(config: PivotConfig, device: torch.device) -> Assembled:
    """The method; raises as `assemble`."""
    source, wanted = open_data(config), wanted_rows(config)
    references = find_references(source, config.samples.references, _portrait) if config.samples.every else ()
    dataset = PortraitDataset(
        source, wanted, seed=config.run.seed
    )  # before the large files: most mistakes are in the data
    base = new_base(config, device)
    store = latent_store(config.data.cache, base) if isinstance(config.data.cache, Path) else None
    if store:
        dataset.is_cached = store.__contains__
    networks = read_networks(config.method, base, seed=config.run.seed)
    method = _new_method(config, base, networks, device)
    return Assembled(
        method=method,
        dataset=dataset,
        encode=PortraitEncoder(base=base, store=store, seed=config.run.seed),
        sheet=_new_sheet(config, method, references) if references else None,
        details={
            "visual": config.method.visual,
            "eta": config.method.eta,
            **adapter_metadata(networks.image_encoder.config, networks.base_file),
        },
    )


METHODS = (Registration(PivotConfig, assemble_pivot),)


def _new_method(config: PivotConfig, base: Base, networks: PivotNetworks, device: torch.device) -> OmniPortraitPivot:
    asked = config.method
    image_encoder = networks.image_encoder.to(device)  # accelerate moves only what is trained
    if config.precision.gradient_checkpointing:
        cast(Any, image_encoder.visual).set_grad_checkpointing()
    return OmniPortraitPivot(
        base,
        networks.pivot,
        image_encoder,
        side=config.data.size // 2 ** (len(base.vae.config["block_out_channels"]) - 1),
        seed=config.run.seed,
        training=PivotTraining(visual=asked.visual, eta=asked.eta, drop=asked.drop),
        stored=networks.stored,
    )


def _new_sheet(config: PivotConfig, method: OmniPortraitPivot, references: tuple[Reference, ...]) -> SampleSheet:
    marked = {prompt: mark_people(prompt, 1) for prompt in config.samples.prompts}
    text = encode_prompts(method.base.text_encoders, [*(marked[prompt].text for prompt in config.samples.prompts), ""])
    pooled = None if text.pooled is None else text.pooled[-1:]
    return SampleSheet(
        method=method,
        config=config.samples,
        size=config.data.size,
        sitters=tuple(Sitter(reference, _pixels(reference)) for reference in references),
        together=False,
        text=text,
        seat=PivotSeat(
            {prompt: _row(each) for prompt, each in marked.items()},
            TextCondition(tokens=text.tokens[-1:], pooled=pooled),
        ),
    )


def _row(prompt: MarkedPrompt) -> int:
    row = last_token(prompt.text, prompt.marks[0].end)
    if row is None:
        raise ConfigError(
            f'[samples] prompts holds "{prompt.text}", whose word for the person is no whole word of the first {TOKENS - 2} '
            "tokens; move it forwards."
        )
    return row


def _portrait(picture: Image.Image, person: PersonRow) -> np.ndarray:
    return cut_portrait(np.asarray(picture), face_box(person))


def _pixels(reference: Reference) -> Tensor:
    """What the image encoder is shown of somebody, (3, 224, 224), 0–1."""
    return torch.from_numpy(reference.crop).permute(2, 0, 1).float() / 255
