"""ConsistentID in ComfyUI: reading the file and applying people to a MODEL."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Literal

import torch
from comfy.model_patcher import ModelPatcher
from torch import nn

from ...models.adapters.identity_attention import IdentityResidual, Person
from ...models.consistentid.adapter import ConsistentIDResidual
from ...models.consistentid.checkpoint import ConsistentIDAdapter, load, trained_corrected
from ...models.consistentid.flavour import INPAINT, SD15, SDXL, Flavour, corrected
from ...models.consistentid.identity import Identities
from ...models.errors import InvalidSettingError
from ...models.placement.placements import Everywhere, Placement, combine
from ...models.port.attention import AttentionResidual
from ..encoders.recogniser import OnnxRecogniser, Recogniser
from ..memory import attention_dtype, manage
from ..placement import LoadedPlacement
from ..sampling.runs import sigma_window
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.sites import require_fit

logger = logging.getLogger(__name__)

NAME = "ConsistentID"

Mode = Literal["auto", "published", "corrected"]
Purpose = Literal["text to image", "inpaint"]


@dataclass(frozen=True, eq=False)
class LoadedConsistentID:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        flavour: the behaviour that was chosen.
        encoder: patcher of the networks that run before sampling.
        attention: patcher of keys and values, loaded together with the MODEL.
        recogniser: gives the ID vectors; None where its file was not found.
    """

    adapter: ConsistentIDAdapter
    flavour: Flavour
    encoder: ModelPatcher
    attention: ModelPatcher
    recogniser: Recogniser | None

    @property
    def image_width(self) -> int:
        """Width of the CLIP vision model that the adapter was trained with."""
        return self.adapter.id_projection.image_width


def load_consistentid(
    path: PathLike[str], *, mode: Mode = "auto", purpose: Purpose = "text to image", recogniser: Path | None = None
) -> LoadedConsistentID:
    """Read an adapter and put its networks under ComfyUI's memory management.

    Args:
        path: the file.
        mode: "published" keeps every quirk of the published pipelines, "corrected" mends them; "auto" is corrected for
            weights whose metadata says that they were trained so, published for all others.
        purpose: the published pipelines differ for inpainting.
        recogniser: ArcFace file for the ID vector.
    """
    found = None if recogniser is None else OnnxRecogniser(recogniser)
    return new_consistentid(load(path, dtype=attention_dtype()), found, mode=mode, purpose=purpose)


def new_consistentid(
    adapter: ConsistentIDAdapter,
    recogniser: Recogniser | None,
    *,
    mode: Mode = "auto",
    purpose: Purpose = "text to image",
) -> LoadedConsistentID:
    """Put an adapter under ComfyUI's memory management; see `load_consistentid`."""
    encoder = nn.ModuleDict({"projection": adapter.id_projection, "facial_encoder": adapter.facial_encoder})
    flavour = _flavour(adapter, mode, purpose)
    logger.info("%s: %s behaviour of %s", NAME, "corrected" if flavour.several_people else "published", flavour.name)
    return LoadedConsistentID(adapter, flavour, manage(encoder), manage(adapter.attention), recogniser)


def apply(
    model: ModelPatcher,
    consistentid: LoadedConsistentID,
    identities: Identities,
    *,
    lora_strength: float,
    placement: LoadedPlacement | None = None,
) -> tuple[ModelPatcher, bool]:
    """Put people into a MODEL.

    Args:
        model: stays as it is.
        consistentid: the adapter.
        identities: everybody.
        lora_strength: 0-2; the LoRA is on for the whole run.
        placement: where people are, from another method; None leaves it to the masks.

    Returns:
        A clone, and whether anything was applied: without people it is a plain clone.

    Raises:
        IncompatibleBaseModelError: if the adapter was trained for another architecture.
        InvalidSettingError: if it is open where somebody is.
    """
    adapter = consistentid.adapter
    require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
    if not identities.people:
        logger.info("%s: nobody is there, the model is passed through", NAME)
        return model.clone(), False
    residual: AttentionResidual = ConsistentIDResidual(
        IdentityResidual(
            attention=adapter.attention,
            tokens=torch.cat([person.tokens for person in identities.people]),
            null_tokens=identities.null_tokens,
            people=tuple(
                Person(
                    name=person.name,
                    strength=person.strength,
                    window=sigma_window(model, person.start_percent, person.end_percent),
                )
                for person in identities.people
            ),
            placement=_placement(identities, placement),
        )
    )
    weights = (consistentid.attention, *(placement.weights if placement else ()))
    clone = inject(model, [residual], name=NAME, weights=weights)
    if lora_strength > 0:
        add_lora(clone, adapter.lora, lora_strength)
    return clone, True


def _flavour(adapter: ConsistentIDAdapter, mode: Mode, purpose: Purpose) -> Flavour:
    published = SDXL if adapter.context_dim == SDXL.width else SD15
    if purpose == "inpaint":
        if published is SDXL:
            raise InvalidSettingError(
                'purpose is "inpaint", but the published inpainting pipeline is SD1.5 only and this file is for SDXL; set '
                'purpose to "text to image", which inpaints too.'
            )
        published = INPAINT
    mends = mode == "corrected" or (mode == "auto" and trained_corrected(adapter.metadata))
    return corrected(published) if mends else published


def _placement(identities: Identities, given: LoadedPlacement | None) -> Placement:
    people = identities.people
    masks = tuple(person.mask for person in people)
    if given is None:
        without = masks.count(None)
        if without > 1:
            raise InvalidSettingError(
                f"{without} of {len(people)} people have no mask, so nothing says where they are and their faces would "
                "blend; connect masks in Add ConsistentID Identity, or a placement here."
            )
        return combine(masks, Everywhere(1) if without else None)
    if len(given.names) != len(people):
        raise InvalidSettingError(
            f"The placement knows {len(given.names)} people and the ConsistentID chain {len(people)}; add the same people "
            "in the same order to both."
        )
    if any(mask is not None for mask in masks):
        raise InvalidSettingError(
            "There are masks in Add ConsistentID Identity and a placement too; connect the masks to the people of the "
            "placement instead."
        )
    return given.placement
