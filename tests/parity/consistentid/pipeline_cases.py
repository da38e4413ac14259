"""The published SD1.5 pipeline, step by step: from a label map and a prompt to the latents after four steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from likeness.models.clip import EOS, clip_pixels, text_ids
from likeness.models.consistentid.checkpoint import ConsistentIDAdapter
from likeness.models.consistentid.encode import S_SCALE
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.facial_prompt import assemble
from likeness.models.consistentid.marked_text import mark
from likeness.models.consistentid.pipelines import SD15
from likeness.models.consistentid.published import Published
from likeness.models.face.facial_features import kept_regions, region_pixels
from likeness.models.face.region_masks import filled_masks
from likeness.tests.parity.consistentid.cases import (
    ENCODER_HEAD,
    guided,
    plain_ids,
    small_adapter,
    small_encoder,
    small_unet,
)
from likeness.tests.parity.consistentid.small_clip import SmallText, SmallVision
from likeness.tests.parity.consistentid.stored import LATENTS, MODULE, Stored
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Comparison
from torch import Tensor

NAME = "pipeline/sd15_merge1_all"
GUIDANCE = 5.0  # scale, the published pipeline's default
PUBLISHED = Published(SD15)


@dataclass(frozen=True)
class Contexts:
    """What the UNet gets in either phase: negative row, then positive row, text and ID tokens, (2, 81, 64) each."""

    text_only: Tensor
    merged: Tensor


def pipeline(folder: Folder) -> Iterator[Comparison]:
    """Contexts, UNet inputs and outputs of every step, and the final latents; each step starts from our own latents."""
    case, network_case = Stored.read(folder, NAME), Stored.read(folder, "unet/tiny_sd15")
    network, adapter = small_unet(network_case), small_adapter()
    contexts = encode(case, adapter)
    sigmas, timesteps = euler_schedule(case.about["steps"])
    latents = case.tensors["in.latents"] * sigmas[0]
    first_merged = case.about["start_merge_step"] + PUBLISHED.merge_inclusive
    for step, timestep in enumerate(timesteps):
        context = contexts.text_only if step < first_merged else contexts.merged
        sample = (latents / (sigmas[step] ** 2 + 1) ** 0.5).expand(2, -1, -1, -1)
        got = guided(network, adapter, sample, timestep, context, 1.0)
        mine = {"context": context, "timestep": timestep[None], "unet_in": sample, "unet_out": got}
        for name, value in mine.items():
            tolerance = LATENTS if name.startswith("unet") else MODULE
            if (expected := case.tensors.get(f"step{step}.{name}")) is not None:  # reduced cases leave contexts out
                yield Comparison(f"{NAME} step {step} {name}", value, expected, **tolerance)
        negative, positive = got.chunk(2)
        noise = negative + GUIDANCE * (positive - negative)
        latents = latents + (sigmas[step + 1] - sigmas[step]) * noise
    yield Comparison(f"{NAME} latents", latents, case.tensors["out.latents"], **LATENTS)


def encode(case: Stored, adapter: ConsistentIDAdapter) -> Contexts:
    """Text and photo to contexts, in the published order of things."""
    text, vision = SmallText(), SmallVision()
    encoder = FacialEncoder.from_state_dict(small_encoder(), dim_head=ENCODER_HEAD)
    photo, labels = (case.tensors[f"in.{name}"].numpy() for name in ("photo_hwc", "labels"))
    masks = filled_masks(labels)
    prompt = assemble(case.about["prompt"], kept_regions(masks), flavour=PUBLISHED)
    tokens = mark(prompt.text, text_ids, pad=EOS)
    regions = region_pixels(photo, masks, prompt.regions)
    pictures = torch.stack([regions, torch.zeros_like(regions)])  # the negative side has empty ones
    read = vision(pictures.flatten(0, 1)).unflatten(0, (2, -1))
    valid = tokens.index_mask.expand(2, -1)
    marked = torch.stack([text(tokens.ids[None])[0], text(plain_ids(case.about["negative"])[None])[0]])
    positive, negative = encoder(marked, read, tokens.mask.expand(2, -1), valid)
    whole = torch.stack([clip_pixels(photo), torch.zeros(3, 224, 224)])
    faces = torch.cat([case.tensors["in.faceid"], torch.zeros_like(case.tensors["in.faceid"])])
    identity = adapter.id_projection(faces, vision(whole), shortcut=SD15.shortcut, s_scale=S_SCALE)
    plain = text(plain_ids(prompt.plain)[None])[0]
    rows = [torch.stack([negative, one]) for one in (plain, positive)]
    return Contexts(*(torch.cat([row, identity.flip(0)], dim=1) for row in rows))


def euler_schedule(steps: int) -> tuple[Tensor, Tensor]:
    """Noise levels (steps + 1) and timesteps (steps) of Euler with evenly spaced steps from 999 to 0."""
    betas = torch.linspace(0.00085**0.5, 0.012**0.5, 1000, dtype=torch.float64) ** 2
    kept = torch.cumprod(1 - betas, dim=0)
    timesteps = np.linspace(0, 999, steps)[::-1].copy()
    sigmas = np.interp(timesteps, np.arange(1000), ((1 - kept) / kept).sqrt().numpy())
    return torch.tensor([*sigmas, 0.0], dtype=torch.float32), torch.tensor(timesteps, dtype=torch.float32)


CASES = (pipeline,)
