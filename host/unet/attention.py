"""Adding residuals to the cross-attention of a ComfyUI UNet.

Three patches work together. `attn2_patch` notes the layer's input. The attention override runs between the query
projection and the output projection: it calls what was there before and adds the residual. Where another pack holds
the layer's replace slot, or has put its own override on top, the note is still there when `attn2_output_patch` runs,
and the residual is projected and added after the layer instead. Both forms are sums, so the order of packs does not
matter.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...models.port.attention import AttentionResidual, AttentionSite
from ..sampling.runs import follow_runs
from . import keys
from .call import PendingLayer, UNetCall
from .couples import LayerRows
from .options import block_of, context_of_call, options_of_call, with_options_of_call
from .sites import find_sites, unet_of

logger = logging.getLogger(__name__)

_numbers = itertools.count(1)


@dataclass(frozen=True, eq=False)
class Injection:
    """One set of residuals on one MODEL; immutable, shared by all clones of the MODEL.

    Attributes:
        name: for the log.
        key: where this injection's state lies in `transformer_options` during a UNet call.
        residuals: added one after another.
        sites: layers that at least one residual wants, by ComfyUI's (stage, block, transformer).
        previous: the attention override that was there before, or None.
        adds: whether a residual may add something; those that only look on do not.
    """

    name: str
    key: str
    residuals: tuple[AttentionResidual, ...]
    sites: dict[tuple[str, int, int], AttentionSite]
    previous: Callable[..., Tensor] | None
    adds: bool = True

    def __deepcopy__(self, memo: dict[int, Any]) -> Injection:
        """Cloning a MODEL on 0.3.64 copies its options deeply; adapters must not be copied with them."""
        return self

    def run_unet(self, executor: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Wrapper around one call of the UNet: makes the state that the patches share."""
        options = options_of_call(args, kwargs)
        context = context_of_call(args, kwargs)
        call = UNetCall.begin(executor.class_obj, args[0], context, options)  # type: ignore[attr-defined]
        patches = {**options.get(keys.PATCHES, {})}
        patches[keys.LAYER_PATCH] = [*patches.get(keys.LAYER_PATCH, ()), self.look]  # behind all others
        positional, named = with_options_of_call(args, kwargs, {**options, self.key: call, keys.PATCHES: patches})
        output = executor(*positional, **named)
        self._report(call)
        return output

    def note(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """attn2_patch: keep the layer's normed input, (B, L, C)."""
        call: UNetCall | None = extra.get(self.key)
        block = block_of(extra)
        site = None if call is None or block is None else self.sites.get(block)
        if call is not None and site is not None:
            grid = tuple(extra.get(keys.GRID, ())[-2:])
            noted = n.clone()  # patches after ours may write into theirs
            call.pending = PendingLayer(site, noted, extra[keys.HEADS], grid, (context, value))
        return n, context, value

    def look(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """attn2_patch behind those of all packs: keep the layer's rows where these changed their number."""
        call: UNetCall | None = extra.get(self.key)
        if call is not None:
            call.seen = None if n.shape[0] == call.batch.count else LayerRows(n, context)
        return n, context, value

    def attend(self, function: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Attention override: the attention that was there before, plus the residuals while a note is pending."""
        if self.previous is None:
            base = function(*args, **kwargs)
        else:
            base = self.previous(function, *args, **kwargs)
        call: UNetCall | None = (kwargs.get(keys.TRANSFORMER_OPTIONS) or {}).get(self.key)
        if call is None or call.pending is None:
            return base
        query, *text = (args[place] if place < len(args) else kwargs[name] for place, name in enumerate("qkv"))
        if query.shape[:2] != call.pending.hidden.shape[:2] or query.shape != base.shape:
            return base  # a patch after ours changed the batch: added after the layer instead
        added = self._residual(
            call, call.take(), query, base, (text[0], text[1]) if call.batch.has_regional_text else None
        )
        return base if added is None else base + added

    def finish(self, n: Tensor, extra: dict[str, Any]) -> Tensor:
        """attn2_output_patch: add what the override had no chance to add."""
        call: UNetCall | None = extra.get(self.key)
        if call is None or call.pending is None:
            return n
        pending = call.take()
        hidden = call.batch.match(pending.hidden, n.shape[0], call.seen)
        layer: Any = call.unet.get_submodule(pending.site.path)
        query = layer.to_q(hidden)
        text = None
        if call.batch.has_regional_text:
            contexts = (call.batch.match(context, n.shape[0], call.seen) for context in pending.context)
            text = tuple(project(context) for project, context in zip((layer.to_k, layer.to_v), contexts, strict=True))
        added = self._residual(call, pending.with_hidden(hidden), query, None, text)
        if added is None:
            return n
        nothing = torch.zeros_like(added[:1, :1])
        return n + (layer.to_out(added) - layer.to_out(nothing))  # the projection without its bias

    def _residual(
        self,
        call: UNetCall,
        pending: PendingLayer,
        query: Tensor,
        base: Tensor | None,
        text: tuple[Tensor, Tensor] | None,
    ) -> Tensor | None:
        call.fired.add(pending.site.index)
        residuals = [residual for residual in self.residuals if residual.wants(pending.site)]
        rows, parts = [], []
        for group, attention_call in call.attention_calls(pending, query, base, text):
            rows.append(group)
            parts.append(_sum([residual(pending.site, attention_call) for residual in residuals]))
        if all(part is None for part in parts):
            return None
        filled = [
            query.new_zeros(query[group].shape) if part is None else part
            for group, part in zip(rows, parts, strict=True)
        ]
        return filled[0] if len(filled) == 1 else torch.cat(filled)

    def _report(self, call: UNetCall) -> None:
        if (self.key, "reported") in call.run.memo:
            return
        call.run.memo[self.key, "reported"] = True
        level = logging.INFO if len(call.fired) == len(self.sites) else logging.WARNING
        logger.log(level, "%s: %d/%d sites active", self.name, len(call.fired), len(self.sites))


def inject(
    model: ModelPatcher,
    residuals: Sequence[AttentionResidual],
    *,
    name: str,
    weights: Sequence[ModelPatcher] = (),
    adds: bool = True,
) -> ModelPatcher:
    """Add residuals to a clone of a MODEL.

    Args:
        model: stays as it is, bit for bit.
        residuals: what to add; their order does not matter.
        name: for the log.
        weights: patchers of the adapters' weights, loaded and offloaded together with the MODEL.
        adds: whether a residual may add something, or all only look on and so change nothing that the UNet gives.

    Returns:
        The clone.

    Raises:
        IncompatibleBaseModelError: if the model has no UNet.
    """
    sites = find_sites(unet_of(model))
    cross = [site for site in sites if site.kind == "cross"]
    wanted = {site.block: site for site in cross if any(residual.wants(site) for residual in residuals)}
    clone = model.clone()
    options = clone.model_options[keys.TRANSFORMER_OPTIONS]
    injection = Injection(
        name, f"{keys.OURS}{next(_numbers)}", tuple(residuals), wanted, options.get(keys.ATTENTION_OVERRIDE), adds
    )
    clone.set_model_attn2_patch(injection.note)
    clone.set_model_attn2_output_patch(injection.finish)
    options[keys.ATTENTION_OVERRIDE] = injection.attend
    clone.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, injection.key, injection.run_unet)
    if weights:
        clone.set_additional_models(injection.key, list(weights))
    follow_runs(clone)
    logger.info("%s: attached to %d/%d sites", name, len(wanted), len(cross))
    return clone


def changes_nothing(patch: object) -> bool:
    """Whether a patch of a MODEL is one of ours that only looks on."""
    owner = getattr(patch, "__self__", None)
    return isinstance(owner, Injection) and not owner.adds


def _sum(parts: Sequence[Tensor | None]) -> Tensor | None:
    given = [part for part in parts if part is not None]
    return sum(given[1:], given[0]) if given else None
