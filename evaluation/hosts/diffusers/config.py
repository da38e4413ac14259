"""What a protocol says about drawing on diffusers; a method's own keys are in its wing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import torch

from ....models.config.keys import Default
from ....models.config.types import Count
from ...protocol.sections import DrawingConfig
from ...protocol.weights import WeightsFile

NOBODY = "none"  # the word of no method: the text alone
Precision = Literal["float32", "float16", "bfloat16"]
SamplerName = Literal["ddim", "euler", "dpmpp_2m"]
Spacing = Literal["leading", "trailing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffusersConfig(DrawingConfig):
    """A base model and how it draws."""

    method: Annotated[str, "what brings people in; none draws the text alone"] = NOBODY
    checkpoint: Annotated[WeightsFile, "a whole SD1.5 or SDXL model in one file"]
    vae: Annotated[WeightsFile | None, "a VAE in place of the checkpoint's", Default("the checkpoint's")] = None
    prediction: Annotated[
        Literal["auto", "eps", "v"],
        "what the UNet predicts; auto believes the file, and takes noise where it is silent",
    ] = "auto"
    sampler: Annotated[SamplerName, "the sampler"] = "ddim"
    spacing: Annotated[
        Spacing, "of its timesteps: leading as in the papers' code, trailing for models whose last step is pure noise"
    ] = "leading"
    device: Annotated[str, 'where it is drawn: "auto", "cpu", "cuda", "cuda:1", "mps"'] = "auto"
    dtype: Annotated[Precision, "of UNet and text encoders; the VAE stays in float32"] = "float32"

    def faults(self) -> Iterator[str]:
        """The device is there."""
        if not is_there(self.device):
            yield f'[drawing] device is "{self.device}", which this machine does not have; choose "auto" or "cpu".'


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleConfig(DiffusersConfig):
    """How people's photos are looked at; of every method that brings people in."""

    detector: Annotated[str, "finds the faces of photos"] = "mtcnn"
    detector_weights: Annotated[WeightsFile | None, "of the detector", Default("those it brings")] = None
    photos: Annotated[Count, "how many of a person's photos bring them in, the first by name"] = 1


def device_of(word: str) -> torch.device:
    """The device that a word means; "auto" is the best one of this machine."""
    if word != "auto":
        return torch.device(word)
    return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")


def is_there(word: str) -> bool:
    """Whether this machine has the device that a word means."""
    try:
        device = device_of(word)
        torch.zeros(1, device=device)
    except (RuntimeError, AssertionError, NotImplementedError):  # torch's own, whatever its build lacks
        return False
    return True


def dtype_of(word: Precision) -> torch.dtype:
    """The type that a word means."""
    return {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}[word]
