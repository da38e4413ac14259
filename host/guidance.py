"""Guidance by gradients while ComfyUI samples.

One wrapper around a step (PREDICT_NOISE) says that it is guided and moves what came out of all of it; one around the batch of
conds (CALC_COND_BATCH), which fires for every guider, runs the positive cond by itself with a graph up to the tap. Both are
keyed and hold every guidance of a MODEL, so that several of them share one pass.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from comfy import model_sampling
from comfy.model_management import throw_exception_if_processing_interrupted
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor, nn

from ..models.attention import Polarity, Run
from ..models.errors import IncompatibleBaseModelError
from ..models.guidance import GradientGuidance, GuidedStep, Pull
from .feature_tap import ReachedError, Tapped, with_transformer_options
from .input_gradients import differentiable
from .sampling import CONDS_KEY, RUN_KEY, CondInfo, follow_runs
from .sites import unet_of

logger = logging.getLogger(__name__)

OURS = "likeness."  # before the keys of everything that this pack adds to a MODEL
KEY = "likeness.guidance"
STEP_KEY = "likeness.guided step"
SCALES = (2.0**14, 2.0**10, 2.0**6)  # of energies in half precision; a smaller one where a gradient is too large


@dataclass(eq=False, slots=True)
class _Step:
    """A guided step on its way.

    Attributes:
        guidances: those that act.
        is_open: whether the positive cond is still to come; nested calls of other packs find it closed.
        gradients: of each guidance that has one, in the noisy latent.
        negative: the denoised latent of the negative side, or None.
    """

    guidances: tuple[GradientGuidance, ...]
    is_open: bool = True
    gradients: list[tuple[GradientGuidance, Tensor]] = field(default_factory=list)
    negative: Tensor | None = None


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
        step = _Step(active)
        denoised = executor(x, timestep, with_transformer_options(model_options or {}, {STEP_KEY: step}), *args)
        added = None if step.negative is None else denoised - step.negative
        for guidance, gradient in step.gradients:
            denoised = guidance.correct(denoised, gradient.to(denoised), added, sigma)
        return denoised

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
        options = model_options.get("transformer_options", {})
        step: _Step | None = options.get(STEP_KEY)
        place = None if step is None or not step.is_open else _positive(conds, options)
        if step is None or place is None:
            return executor(model, conds, x, timestep, model_options)
        step.is_open = False
        others = [cond if number != place else None for number, cond in enumerate(conds)]
        outputs = (
            list(executor(model, others, x, timestep, model_options))
            if any(others)
            else [torch.zeros_like(x)] * len(conds)
        )
        read = partial(_read, executor, model, conds[place], model_options)
        ready = [_ready(guidance, read, options.get(RUN_KEY)) for guidance in step.guidances]
        tapped = Tapped(tuple({guidance.tap.block for guidance in ready}))
        guided = with_transformer_options(model_options, tapped.options(options))
        with differentiable(model.diffusion_model, *_adapters(model.current_patcher)):
            leaf = x.clone().requires_grad_(True)
            alone = [_outside_of_inference_mode(conds[place])]
            [output] = executor(model, alone, leaf, timestep.clone(), guided)
            outputs[place] = output.detach()
            for guidance in ready:
                features = tapped.features.get(guidance.tap.block)
                if features is None:
                    continue
                seen = GuidedStep(features, (x.shape[-2], x.shape[-1]), float(timestep.flatten()[0]))
                gradient = _finite_gradient(guidance, seen, leaf)
                if gradient is not None:
                    step.gradients.append((guidance, gradient))
        negatives = [number for number, cond in enumerate(conds) if cond and _is(cond, options, Polarity.NEGATIVE)]
        step.negative = outputs[negatives[0]] if negatives else None
        return outputs


def guide(model: ModelPatcher, guidance: GradientGuidance) -> ModelPatcher:
    """A clone of a MODEL that is guided, beside whatever guides it already.

    Args:
        model: stays as it is.
        guidance: what pulls.

    Raises:
        IncompatibleBaseModelError: if the model has no UNet, is a flow model, has no block behind the tap, or layers through
            which no gradient can be taken.
    """
    unet = unet_of(model)
    sampling: Any = model.get_model_object("model_sampling")
    if isinstance(sampling, model_sampling.CONST):
        raise IncompatibleBaseModelError(
            f"{guidance.name} works with noise and velocity prediction, this is a flow model; connect an SD1.5 or SDXL checkpoint."
        )
    if not 0 <= guidance.tap.block < len(unet.output_blocks) - 1:
        raise IncompatibleBaseModelError(
            f"The tap is output block {guidance.tap.block}, but this UNet has {len(unet.output_blocks)}; choose one before the last."
        )
    with differentiable(unet):
        pass
    clone = model.clone()
    before: Guidances | None = clone.get_attachment(KEY)
    together = Guidances((*(before.guidances if before else ()), guidance))
    clone.set_attachments(KEY, together)
    for kind, wrapper in (
        (WrappersMP.PREDICT_NOISE, together.predict),
        (WrappersMP.CALC_COND_BATCH, together.calculate),
    ):
        clone.remove_wrappers_with_key(kind, KEY)
        clone.add_wrapper_with_key(kind, KEY, wrapper)
    follow_runs(clone)
    return clone


def _ready(guidance: GradientGuidance, read: Callable[..., Tensor], run: Run | None) -> GradientGuidance:
    """A guidance with what it has to read, once in a run."""
    own = partial(read, guidance.tap.block)
    return guidance.prepared(own) if run is None else run.remember((KEY, id(guidance)), lambda: guidance.prepared(own))


def _read(
    executor: Callable[..., list[Tensor]],
    model: Any,
    cond: Sequence[dict[str, Any]],
    model_options: dict[str, Any],
    block: int,
    latent: Tensor,
    percent: float,
    seed: int,
) -> Tensor:
    """Features of a latent with noise on it, (C, h, w): the positive prompt, without ControlNets, areas and masks."""
    sampling = model.model_sampling
    clean = model.process_latent_in(latent.to(model.current_patcher.load_device, torch.float32))
    sigma = torch.full((1,), float(sampling.percent_to_sigma(percent)), device=clean.device)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(seed)).to(clean)
    x = sampling.noise_scaling(sigma.view(-1, 1, 1, 1), noise, clean, False)
    plain = [{name: value for name, value in cond[0].items() if name not in ("control", "area", "mask", "strength")}]
    tapped = Tapped((block,), is_all=True)
    options = with_transformer_options(model_options, tapped.options(model_options.get("transformer_options", {})))
    with suppress(ReachedError):
        executor(model, [plain], x, sigma, options)
    return tapped.features[block][0]


def _finite_gradient(guidance: GradientGuidance, seen: GuidedStep, leaf: Tensor) -> Tensor | None:
    """The gradient of a guidance, in half precision with smaller and smaller energies until it is finite; None without one."""
    for scale in SCALES if seen.features.dtype == torch.float16 else (1.0,):
        gradient = _gradient(guidance.pulls(seen), leaf, scale)
        if gradient is None or torch.isfinite(gradient).all():
            return gradient
    logger.warning("%s: the gradient was not finite, this step is not guided", guidance.name)
    return None


def _gradient(pulls: Sequence[Pull], leaf: Tensor, scale: float) -> Tensor | None:
    """The sum of everybody's gradient inside their own mask, or None where nothing pulls; the graph stays.

    Args:
        pulls: with a graph to the leaf.
        leaf: the noisy latent.
        scale: that energies are multiplied with on the way, so that small gradients survive half precision.
    """
    total: Tensor | None = None
    for pull in pulls:
        if not pull.energy.requires_grad:
            continue
        throw_exception_if_processing_interrupted()
        [gradient] = torch.autograd.grad(pull.energy.sum() * scale, leaf, retain_graph=True)
        own = gradient.float() / scale * pull.mask
        total = own if total is None else total + own
    return total


def _adapters(patcher: ModelPatcher) -> list[nn.Module]:
    """Our own networks inside the UNet's layers; what other packs load beside it sees no graph."""
    return [
        each.model for key, patchers in patcher.additional_models.items() if key.startswith(OURS) for each in patchers
    ]


def _positive(conds: Sequence[Any], options: dict[str, Any]) -> int | None:
    """The place of the first cond that is positive; None where there is none."""
    return next((number for number, cond in enumerate(conds) if cond and _is(cond, options, Polarity.POSITIVE)), None)


def _is(cond: Sequence[dict[str, Any]], options: dict[str, Any], polarity: Polarity) -> bool:
    known: dict[Any, CondInfo] = options.get(CONDS_KEY, {})
    return any(entry["uuid"] in known and known[entry["uuid"]].polarity is polarity for entry in cond)


def _outside_of_inference_mode(cond: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Copies of a cond's entries whose tensors a graph may hold; what a ControlNet adds is taken as given."""
    copies: list[dict[str, Any]] = []
    for entry in cond:
        copy = {name: value.clone() if isinstance(value, Tensor) else value for name, value in entry.items()}
        copy["model_conds"] = {
            name: value._copy_with(value.cond.clone()) if isinstance(value.cond, Tensor) else value
            for name, value in entry["model_conds"].items()
        }
        if "control" in entry:
            copy["control"] = _ConstantControl(entry["control"])
        copies.append(copy)
    return copies


@dataclass(frozen=True, eq=False, slots=True)
class _ConstantControl:
    """A ControlNet whose outputs carry no graph."""

    control: Any

    def get_control(self, x: Tensor, *args: Any) -> Any:
        """The outputs, as the ControlNet gives them without gradients."""
        with torch.no_grad():
            return self.control.get_control(x.detach(), *args)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.control, name)
