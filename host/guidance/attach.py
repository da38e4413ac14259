"""Guidance by gradients while ComfyUI samples.

One wrapper around a step (PREDICT_NOISE) says that it is guided and moves what came out of all of it; one around the batch of
conds (CALC_COND_BATCH), which fires for every guider, runs the positive cond by itself with a graph up to the captured
features. Both are keyed and hold every guidance of a MODEL, so that several of them share one pass.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from comfy import model_sampling
from comfy.ldm.modules.diffusionmodules.openaimodel import UNetModel
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from ...models.errors import IncompatibleBaseModelError
from ...models.port.guidance import GradientGuidance
from ..sampling.runs import follow_runs
from ..unet import keys
from ..unet.network import network_of
from ..unet.options import transformer_options, with_transformer_options
from ..unet.sites import unet_of
from ..unet.tiles import StepLatents
from ..unet.windows import is_window_of_places, part_error, pictures_of
from .conds import CondBatch
from .gradients import differentiable
from .guided_pass import run_guided
from .memory import ask_for_more
from .step import Step, levels_of


@dataclass(frozen=True, eq=False, slots=True)
class Guidances:
    """Everything that guides one MODEL; immutable, shared by its clones."""

    guidances: tuple[GradientGuidance, ...]

    def __deepcopy__(self, memo: dict[int, Any]) -> Guidances:
        """Cloning a MODEL on 0.3.64 copies its options deeply; features must not be copied with them."""
        return self

    def predict(
        self, executor: Callable[..., Tensor], x: Tensor, timestep: Tensor, model_options: Any = None, *args: Any
    ) -> Tensor:
        """Wrapper around a step of the sampler."""
        sigma = float(timestep.flatten()[0])
        active = tuple(each for each in self.guidances if each.is_active(sigma))
        if not active:
            return executor(x, timestep, model_options, *args)
        options = transformer_options(model_options)
        step = Step.begin(keys.GUIDANCE, options.get(keys.RUN), active)
        denoised = executor(x, timestep, with_transformer_options(model_options, {keys.GUIDED_STEP: step}), *args)
        return step.correct(denoised, levels_of(sigma, options))

    def calculate(
        self,
        executor: Callable[..., list[Tensor]],
        model: Any,
        conds: list[Any],
        x: Tensor,
        timestep: Tensor,
        model_options: dict[str, Any],
    ) -> list[Tensor]:
        """Wrapper around the conds of one UNet batch."""
        batch = CondBatch(executor, model, conds, x, timestep, model_options)
        step: Step | None = batch.options.get(keys.GUIDED_STEP)
        if step is None:
            return batch.ask()
        window, count = pictures_of(batch.options), _count(batch)
        place = batch.positive
        if place is None or not step.enters(window, count):
            outputs = batch.ask()
        elif is_window_of_places(batch.options):
            raise part_error(step.active[0].name)
        else:
            outputs = run_guided(batch, place, step) if step.due else batch.ask()
        negative = batch.negative
        if negative is not None and not is_window_of_places(batch.options):
            step.keep_negative(outputs[negative].clone(), window, count)  # nodes may write into what they get
        return outputs


def _count(batch: CondBatch) -> int:
    """The number of all pictures of the run."""
    latents: StepLatents | None = batch.options.get(keys.STEP)
    return len(batch.x if latents is None else latents.x)


def guide(model: ModelPatcher, guidance: GradientGuidance) -> ModelPatcher:
    """A clone of a MODEL that is guided, beside whatever guides it already.

    Args:
        model: stays as it is.
        guidance: what pulls.

    Raises:
        IncompatibleBaseModelError: if the model has no UNet, is a flow model, has no block behind the captured one, or layers through
            which no gradient can be taken.
    """
    unet = guidable_unet(model)
    if not 0 <= guidance.capture.block < len(unet.output_blocks) - 1:
        raise IncompatibleBaseModelError(
            f"Features are to be captured after output block {guidance.capture.block}, but this UNet has {len(unet.output_blocks)} blocks; "
            "choose one before the last."
        )
    clone = model.clone()
    before: Guidances | None = clone.get_attachment(keys.GUIDANCE)
    together = Guidances((*(before.guidances if before else ()), guidance))
    clone.set_attachments(keys.GUIDANCE, together)
    for kind, wrapper in (
        (WrappersMP.PREDICT_NOISE, together.predict),
        (WrappersMP.CALC_COND_BATCH, together.calculate),
        (WrappersMP.PREPARE_SAMPLING, ask_for_more),
    ):
        clone.remove_wrappers_with_key(kind, keys.GUIDANCE)
        clone.add_wrapper_with_key(kind, keys.GUIDANCE, wrapper)
    follow_runs(clone)
    return clone


def guidable_unet(model: ModelPatcher) -> UNetModel:
    """The UNet of a MODEL through which gradients can be taken.

    Raises:
        IncompatibleBaseModelError: if the model has no UNet, is a flow model, or has layers through which no gradient can be
            taken.
    """
    network = network_of(model)
    if network is not None and not isinstance(network, nn.Module):
        raise IncompatibleBaseModelError(
            f"The network of this model is a {type(network).__name__}, inside which no gradient can be taken; load the "
            "checkpoint itself, no TensorRT engine."
        )
    unet = unet_of(model)
    sampling: Any = model.get_model_object("model_sampling")
    if isinstance(sampling, model_sampling.CONST):
        raise IncompatibleBaseModelError(
            "Guidance works with noise and velocity prediction, this is a flow model; connect an SD1.5 or SDXL checkpoint."
        )
    with differentiable(unet):
        pass
    return unet
