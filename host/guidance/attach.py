"""Guidance by gradients while ComfyUI samples.

One wrapper around a step (PREDICT_NOISE) says that it is guided and moves what came out of all of it; one around the batch of
conds (CALC_COND_BATCH), which fires for every guider, runs the positive cond by itself with a graph up to the captured features. Both are
keyed and hold every guidance of a MODEL, so that several of them share one pass.
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
from ...models.port.guidance import GradientGuidance, GuidedStep
from ..sampling.runs import RUN_KEY, follow_runs
from ..unet.feature_capture import CapturedFeatures, with_transformer_options
from ..unet.sites import unet_of
from ..unet.word_attention import AttentionReader
from .conds import CondBatch
from .gradients import differentiable
from .memory import ask_for_more, is_short
from .reference_features import ReferenceReader
from .step import Step, levels_of

OURS = "likeness."  # before the keys of everything that this pack adds to a MODEL
KEY = "likeness.guidance"
STEP_KEY = "likeness.guided step"


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
        options = (model_options or {}).get("transformer_options", {})
        step = Step.begin(KEY, options.get(RUN_KEY), active)
        denoised = executor(x, timestep, with_transformer_options(model_options or {}, {STEP_KEY: step}), *args)
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
        step: Step | None = batch.options.get(STEP_KEY)
        place = None if step is None or not step.is_open else batch.positive
        if step is None or place is None:
            return batch.ask()
        step.is_open = False
        outputs = _split(batch, place, step) if step.due else batch.ask()
        negative = batch.negative
        step.negative = None if negative is None else outputs[negative]
        return outputs


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
    before: Guidances | None = clone.get_attachment(KEY)
    together = Guidances((*(before.guidances if before else ()), guidance))
    clone.set_attachments(KEY, together)
    for kind, wrapper in (
        (WrappersMP.PREDICT_NOISE, together.predict),
        (WrappersMP.CALC_COND_BATCH, together.calculate),
        (WrappersMP.PREPARE_SAMPLING, ask_for_more),
    ):
        clone.remove_wrappers_with_key(kind, KEY)
        clone.add_wrapper_with_key(kind, KEY, wrapper)
    follow_runs(clone)
    return clone


def guidable_unet(model: ModelPatcher) -> UNetModel:
    """The UNet of a MODEL through which gradients can be taken.

    Raises:
        IncompatibleBaseModelError: if the model has no UNet, is a flow model, or has layers through which no gradient can be
            taken.
    """
    network: Any = getattr(model.model, "diffusion_model", None)
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


def _split(batch: CondBatch, place: int, step: Step) -> list[Tensor]:
    """The outputs of all conds; the positive one, at a place, runs by itself, and its gradients are kept in the step."""
    outputs, model = batch.ask_without(place), batch.model
    ready: list[GradientGuidance] = []
    for guidance in step.due:
        read = ReferenceReader(
            batch.executor, model, batch.conds[place] or [], batch.model_options, guidance.capture.block
        )
        ready.append(
            step.run.remember((KEY, id(guidance)), lambda guidance=guidance, read=read: guidance.prepare(read))
        )
    captured = CapturedFeatures(tuple({guidance.capture.block for guidance in ready}))
    added = captured.options(batch.options)
    wants_attention = any(each.wants_attention for each in ready)
    reader = AttentionReader(model.diffusion_model, batch.size) if wants_attention else None
    if reader is not None:
        added["patches"] = reader.with_patches(added["patches"])
    networks = (model.diffusion_model, *_adapters(model.current_patcher))
    with differentiable(*networks, is_saving=is_short(model, batch.x, max(captured.blocks), step.run)):
        leaf = batch.x.clone().requires_grad_(True)
        outputs[place] = batch.ask_alone(place, leaf, added).detach()
        denoised = model.process_latent_out(outputs[place])
        attention = None if reader is None else reader.collect()
        for guidance, prepared in zip(step.due, ready, strict=True):
            features = captured.features.get(guidance.capture.block)
            if features is not None:
                seen = GuidedStep(
                    features=features,
                    size=batch.size,
                    sigma=batch.sigma,
                    denoised=denoised,
                    attention=attention,
                    memory=step.memories[id(guidance)].own,
                    notes=added[RUN_KEY].notes,
                )
                step.take_gradient(guidance, prepared, seen, leaf)
    return outputs


def _adapters(patcher: ModelPatcher) -> list[nn.Module]:
    """Our own networks inside the UNet's layers; what other packs load beside it sees no graph."""
    return [
        each.model for key, patchers in patcher.additional_models.items() if key.startswith(OURS) for each in patchers
    ]
