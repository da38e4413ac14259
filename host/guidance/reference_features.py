"""Reading the features of reference pictures from the model that samples."""

from __future__ import annotations

from collections.abc import Hashable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ...models.errors import LikenessError
from ...models.records.archive import content_hash
from ..unet import keys
from ..unet.attention import changes_nothing
from ..unet.feature_capture import CapturedFeatures, ReachedError
from ..unet.options import known_conds, with_transformer_options
from ..unet.windows import of_its_own
from .conds import CondBatch
from .other_packs import functions, is_ours

# What is taken of a cond: everything else is about the picture that is drawn, or about a part of it or of the run.
WORDS = ("c_crossattn", "y", "time_conditioning", "num_video_frames", "image_only_indicator")  # as they are
CONCATENATED = "c_concat"  # as the model has it where no picture is given


@dataclass(frozen=True, eq=False, slots=True)
class ReferenceReader:
    """Reads the features of one block with the words of the positive prompt, and the weights that its hooks make.

    Attributes:
        batch: the call whose prompt is read with.
        side: place of its positive cond.
        block: output block whose result is read.
        person: whose words of that cond are taken, by their place in the chain; None for those of the whole picture.
    """

    batch: CondBatch
    side: int
    block: int
    person: int | None = None

    @property
    def entry(self) -> dict[str, Any]:
        """The part of the prompt that is taken, see `CondBatch.spoken_entry`."""
        return self.batch.spoken_entry(self.side, self.person)

    @property
    def network(self) -> object:
        """ComfyUI's BaseModel, which all clones of a MODEL share."""
        return self.batch.model

    def of(self, place: int) -> ReferenceReader:
        """The reader with the entry that names a person, see `FeatureReader`."""
        return replace(self, person=place)

    @property
    def key(self) -> Hashable:
        """Equal for readers that read the same; holds what changes the model, so that nothing else takes its place in memory."""
        options = self.batch.options
        entry = self.entry
        conds = entry[keys.MODEL_CONDS]
        texts = tuple(
            content_hash(conds[name].cond)
            for name in WORDS
            if isinstance(getattr(conds.get(name), "cond", None), Tensor)
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
        others = tuple(each for each in functions(self.batch.model_options) if not is_ours(each))
        hooks = entry.get(keys.HOOKS)
        loras = () if hooks is None else tuple((hook.hook_ref, _schedule(hook)) for hook in hooks.hooks)
        patcher = self.batch.model.current_patcher
        return (self.block, patcher.patches_uuid, texts, patches, replaced, others, loras)

    def __call__(self, latent: Tensor, percent: float, seed: int) -> Tensor:
        """See `FeatureReader`.

        Raises:
            LikenessError: if the network does not run as far as the block.
        """
        model = self.batch.model
        sampling = model.model_sampling
        clean = model.process_latent_in(latent.to(model.current_patcher.load_device, torch.float32))
        sigma = torch.full((1,), float(sampling.percent_to_sigma(percent)), device=clean.device)
        noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean)
        x = sampling.noise_scaling(sigma.view(-1, 1, 1, 1), noise, clean, False)
        captured = CapturedFeatures((self.block,), is_all=True, size=(x.shape[-2], x.shape[-1]))
        options = self.batch.options
        added = {**captured.options(options), **of_its_own(options)}
        # without its area, the cond is about a whole picture
        added[keys.CONDS] = {uuid: replace(info, crop=None) for uuid, info in known_conds(options).items()}
        plain = self._plain_entry(x, clean)
        with suppress(ReachedError):
            self.batch.executor(model, [[plain]], x, sigma, with_transformer_options(self.batch.model_options, added))
        model.current_patcher.cached_hook_patches.pop(plain.get(keys.HOOKS), None)
        if self.block not in captured.features:
            raise LikenessError(
                "A reference was to be shown to this model, but another node gave a result in the model's place; bypass the "
                "node that keeps results of the model from step to step, or the guidance."
            )
        return captured.features[self.block][0]

    def _plain_entry(self, x: Tensor, clean: Tensor) -> dict[str, Any]:
        """The entry's words and hooks, about a picture of its own."""
        entry = self.entry
        conds = entry[keys.MODEL_CONDS]
        taken = {name: conds[name] for name in WORDS if name in conds}
        if CONCATENATED in conds:
            taken[CONCATENATED] = conds[CONCATENATED]._copy_with(self._concatenated(conds[CONCATENATED].cond, x, clean))
        plain: dict[str, Any] = {keys.UUID: entry[keys.UUID], keys.MODEL_CONDS: taken}
        hooks = entry.get(keys.HOOKS)
        if hooks is not None:
            plain[keys.HOOKS] = hooks.clone()
            for hook in plain[keys.HOOKS].hooks:
                hook.hook_keyframe = hook.hook_keyframe.clone()  # the run's own must not go on to our noise level
        return plain

    def _concatenated(self, given: Tensor, x: Tensor, clean: Tensor) -> Tensor:
        """What the model concatenates where no picture is given; zeros where it says nothing of it.

        Args:
            given: for the picture that is drawn, (B, C', H, W).
            x: the noisy reference.
            clean: the same without noise.
        """
        found = self.batch.model.concat_cond(noise=x, latent_image=clean, device=x.device)
        if found is not None and found.shape[1] == given.shape[1]:
            return found
        return x.new_zeros(1, given.shape[1], *x.shape[2:])


def _schedule(hook: Any) -> tuple[tuple[float, float], ...]:
    """When a hook acts how strongly."""
    return tuple((each.start_percent, each.strength) for each in hook.hook_keyframe.keyframes)
