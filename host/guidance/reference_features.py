"""Reading the features of reference pictures from the model that samples."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...models.records.archive import content_hash
from ..unet import keys
from ..unet.attention import changes_nothing
from ..unet.feature_capture import CapturedFeatures, ReachedError
from ..unet.options import known_conds, transformer_options, with_transformer_options

# of a cond: they are about the picture and the part of the run, not about its words
LEFT_OUT = ("control", "area", "mask", "strength", "timestep_start", "timestep_end")


@dataclass(frozen=True, eq=False, slots=True)
class ReferenceReader:
    """Reads the features of one block, with the positive prompt, without ControlNets, areas, masks and limits in time.

    Attributes:
        executor: runs conds through the UNet.
        model: ComfyUI's BaseModel.
        cond: the positive one; of a prompt that changes during the run, its first entry is read.
        model_options: of the run.
        block: output block whose result is read.
    """

    executor: Callable[..., list[Tensor]]
    model: Any
    cond: Sequence[dict[str, Any]]
    model_options: dict[str, Any]
    block: int

    @property
    def network(self) -> object:
        """ComfyUI's BaseModel, which all clones of a MODEL share."""
        return self.model

    @property
    def key(self) -> Hashable:
        """Equal for readers that read the same; holds what changes the model, so that nothing else takes its place in memory."""
        options = transformer_options(self.model_options)
        conds = self.cond[0][keys.MODEL_CONDS]
        texts = tuple(
            content_hash(conds[name].cond)
            for name in sorted(conds)
            if isinstance(getattr(conds[name], "cond", None), Tensor)
        )
        patches = tuple(
            (name, patch)
            for name, each in sorted(options.get(keys.PATCHES, {}).items())
            for patch in each
            if not changes_nothing(patch)
        )
        replaced = tuple(
            (name, tuple(each.items())) for name, each in sorted(options.get(keys.REPLACEMENTS, {}).items())
        )
        patcher = self.model.current_patcher
        return (self.block, patcher.patches_uuid, texts, patches, replaced)

    def __call__(self, latent: Tensor, percent: float, seed: int) -> Tensor:
        """See `FeatureReader`."""
        sampling = self.model.model_sampling
        clean = self.model.process_latent_in(latent.to(self.model.current_patcher.load_device, torch.float32))
        sigma = torch.full((1,), float(sampling.percent_to_sigma(percent)), device=clean.device)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean)
        x = sampling.noise_scaling(sigma.view(-1, 1, 1, 1), noise, clean, False)
        plain = [{name: value for name, value in self.cond[0].items() if name not in LEFT_OUT}]
        captured = CapturedFeatures((self.block,), is_all=True, size=(x.shape[-2], x.shape[-1]))
        options = transformer_options(self.model_options)
        added = captured.options(options)
        # without its area, the cond is about a whole picture
        added[keys.CONDS] = {uuid: replace(info, crop=None) for uuid, info in known_conds(options).items()}
        with suppress(ReachedError):
            self.executor(self.model, [plain], x, sigma, with_transformer_options(self.model_options, added))
        return captured.features[self.block][0]
