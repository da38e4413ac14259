"""The positive cond of a guided step: run by itself with a graph up to the captured features, and its gradients."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.errors import LikenessError
from ...models.port.attention import Run
from ...models.port.guidance import GradientGuidance, GuidedStep
from ..unet import keys
from ..unet.feature_capture import CapturedFeatures
from ..unet.network import bare, bare_network, type_of, without_compiled
from ..unet.read_layers import layers_to_read
from ..unet.windows import part_error
from ..unet.word_attention import AttentionReader
from .company import look, needs_company
from .conds import CondBatch, is_on
from .gradients import differentiable
from .memory import is_short
from .other_packs import beside_others
from .reference_features import ReferenceReader
from .step import Step

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False, slots=True)
class _Due:
    """A guidance that takes a new gradient.

    Attributes:
        guidance: as it was given.
        prepared: the same, which has read its references.
    """

    guidance: GradientGuidance
    prepared: GradientGuidance


@dataclass(frozen=True, eq=False, slots=True)
class _Captures:
    """What is read while the positive cond runs.

    Attributes:
        features: of the blocks that somebody asks for.
        attention: to people's words; None where nobody asks for it.
    """

    features: CapturedFeatures
    attention: AttentionReader | None

    @classmethod
    def wanted_by(cls, everybody: Sequence[_Due], batch: CondBatch) -> _Captures:
        """What some guidances look at."""
        features = CapturedFeatures(tuple({each.guidance.capture.block for each in everybody}), size=batch.size)
        wants_attention = any(each.prepared.wants_attention for each in everybody)
        if not wants_attention:
            return cls(features, None)
        unet = bare(batch.model.diffusion_model)
        return cls(features, AttentionReader(unet, layers_to_read(unet, batch.size)))

    def options(self, options: dict[str, Any]) -> dict[str, Any]:
        """What the call's `transformer_options` have beside the ordinary ones."""
        added = self.features.options(options)
        if self.attention is not None:
            added[keys.PATCHES] = self.attention.with_patches(added[keys.PATCHES])
        return added


def run_guided(batch: CondBatch, place: int, step: Step) -> list[Tensor]:
    """Return the outputs of all conds and keep the gradients in the step.

    The positive cond runs by itself. Where that is found to give something else than among the others, they are all asked
    about first as without guidance, and its own run gives the gradients alone.

    Args:
        batch: what is asked of the UNet.
        place: of the positive cond, which runs by itself.
        step: whose due guidances take a gradient.
    """
    in_company = needs_company(batch, place, step.run)
    outputs = batch.ask() if in_company else batch.ask_without(place)
    with bare_network(batch.model):  # through compiled code nothing can be read and no gradient taken
        alone = _run_positive(replace(batch, model_options=without_compiled(batch.model_options)), place, step)
    if in_company:
        look(step.run, batch.x, outputs[place], alone, type_of(batch.model))
    else:
        outputs[place] = alone
    return outputs


def _run_positive(batch: CondBatch, place: int, step: Step) -> Tensor:
    """The output of the positive cond, whose gradients are kept in the step."""
    everybody = [_Due(guidance, _prepare(guidance, batch, place, step)) for guidance in step.due]
    captures = _Captures.wanted_by(everybody, batch)
    added = captures.options(batch.options)
    is_saving = is_short(batch.model, batch.x, max(captures.features.blocks), step.run)
    with (
        differentiable(*_networks(batch.model), is_saving=is_saving),
        beside_others(batch.model_options, batch.conds[place]),
    ):
        leaf = batch.x.clone().requires_grad_(True)
        output = batch.ask_alone(place, leaf.clone(), added).detach()  # nodes may write into what they get
        run: Run = added[keys.RUN]
        if not captures.features.is_reached:
            _report_left_out(batch, place, step)
        _take_gradients(everybody, captures, batch, output, leaf, step, {} if run.notes is None else run.notes)
    return output


def _prepare(guidance: GradientGuidance, batch: CondBatch, place: int, step: Step) -> GradientGuidance:
    """The guidance with the features of its references, read once in a run with the positive prompt."""
    block = guidance.capture.block
    read = ReferenceReader(batch, place, block)
    return step.run.remember((keys.GUIDANCE, id(guidance)), lambda: guidance.prepare(read))


def _take_gradients(
    everybody: Sequence[_Due],
    captures: _Captures,
    batch: CondBatch,
    output: Tensor,
    leaf: Tensor,
    step: Step,
    notes: dict[Any, Any],
) -> None:
    """Everybody's gradient in the latent; nobody has one where the cond shows a part of the picture only.

    Raises:
        LikenessError: if the network ran without a graph.
    """
    denoised = batch.model.process_latent_out(output)
    attention = None if captures.attention is None else captures.attention.collect()
    for each in everybody:
        features = captures.features.features.get(each.guidance.capture.block)
        if features is not None and len(features) != len(batch.x):
            raise part_error("Guidance")  # windows inside this call
        if features is not None:
            if not features.requires_grad:
                raise LikenessError(
                    "Another node runs this model without gradients, so nobody can be pulled; bypass that node (one that draws "
                    "in tiles or keeps results of the model), or the guidance."
                )
            seen = GuidedStep(
                features=features,
                size=batch.size,
                sigma=batch.sigma,
                denoised=denoised,
                attention=attention,
                pictures=step.window,
                memory=step.notes_of(each.guidance),
                notes=notes,
            )
            step.take_gradient(each.guidance, each.prepared, seen, leaf)


def _report_left_out(batch: CondBatch, place: int, step: Step) -> None:
    """Tell the log once in a run that the positive prompt was to be asked and the network was not."""
    told = (keys.GUIDANCE, "left out")
    if told not in step.run.memo and any(is_on(entry, batch.sigma) for entry in batch.conds[place] or ()):
        step.run.memo[told] = True
        logger.warning(
            "Guidance: at noise level %.2f the model did not run, as another node gave its result, so nobody is pulled there",
            batch.sigma,
        )


def _networks(model: Any) -> list[nn.Module]:
    """The UNet and our own networks inside its layers; what other packs load beside it sees no graph."""
    patcher: ModelPatcher = model.current_patcher
    ours = [patchers for key, patchers in patcher.additional_models.items() if key.startswith(keys.OURS)]
    return [bare(model.diffusion_model), *(each.model for patchers in ours for each in patchers)]
