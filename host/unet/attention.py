"""Adding residuals to the cross-attention of a ComfyUI UNet.

Three patches work together. `attn2_patch` notes the layer's input. The attention override runs between the query
projection and the output projection: it calls what was there before and adds the residual. Where another pack holds
the layer's replace slot, or has put its own override on top, the note is still there when `attn2_output_patch` runs,
and the residual is projected and added after the layer instead. Both forms are sums, so the order of packs does not
matter.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor

from ...models.port.attention import AttentionResidual, AttentionSite
from ..sampling.runs import follow_runs
from . import keys
from .addition import added
from .batch import is_ours
from .call import PendingLayer, UNetCall
from .compiled import residual, run_compiled, running
from .couples import LayerRows
from .options import Options, block_of, context_of_call, options_of_call, with_options_of_call
from .sites import find_sites, unet_of

logger = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Injection:
    """One set of residuals on one MODEL; immutable, shared by all clones of the MODEL.

    Attributes:
        name: for the log.
        rank: how many injections the MODEL had before.
        residuals: added one after another.
        sites: layers that at least one residual wants, by ComfyUI's (stage, block, transformer).
        every: all layers, in compiled code: the next run may want others.
        previous: the attention override that was there before, or None.
        adds: whether a residual may add something; those that only look on do not.
    """

    name: str
    rank: int
    residuals: tuple[AttentionResidual, ...]
    sites: dict[tuple[str, int, int], AttentionSite]
    every: dict[tuple[str, int, int], AttentionSite]
    previous: Callable[..., Tensor] | None
    adds: bool = True

    @property
    def key(self) -> str:
        """Where this injection's state lies in `transformer_options` during a UNet call; compiled code finds that of another clone there."""
        return f"{keys.INJECTION}{self.rank}"

    def __deepcopy__(self, memo: dict[int, Any]) -> Injection:
        """Cloning a MODEL on 0.3.64 copies its options deeply; adapters must not be copied with them."""
        return self

    def run_unet(self, executor: Callable[..., Tensor], *args: Any, **kwargs: Any) -> Tensor:
        """Wrapper around one call of the UNet: makes the state that the patches share."""
        options, context = options_of_call(args, kwargs), context_of_call(args, kwargs)
        with self.called(executor.class_obj, args[0], context, options) as seen:  # type: ignore[attr-defined]
            positional, named = with_options_of_call(args, kwargs, seen)
            return executor(*positional, **named)

    @contextmanager
    def called(self, unet: Any, x: Tensor, context: Tensor | None, options: Options) -> Generator[Options, None, None]:
        """While a call of the UNet lasts, its `transformer_options` with the state that the patches share.

        Args:
            unet: the network.
            x: its input, (B, channels, h, w).
            context: the text of every row, (B, S, D), or None.
            options: `transformer_options` of the call.
        """
        call = UNetCall.begin(unet, x, context, options)
        patches = {**options.get(keys.PATCHES, {})}
        behind = _behind(self.note, patches.get(keys.LAYER_PATCH, ()))
        call.copies = not all(is_ours(patch) for patch in behind)
        patches[keys.LAYER_PATCH] = [*patches.get(keys.LAYER_PATCH, ()), self.look]  # behind all others
        with running(partial(self._residual_at, call)):
            yield {**options, self.key: call, keys.PATCHES: patches}
        self._report(call)

    def note(self, n: Tensor, context: Tensor, value: Tensor, extra: dict[str, Any]) -> tuple[Tensor, Tensor, Tensor]:
        """attn2_patch: keep the layer's normed input, (B, L, C)."""
        call: UNetCall | None = extra.get(self.key)
        block = block_of(extra)
        sites = self.every if torch.compiler.is_compiling() else self.sites
        site = None if call is None or block is None else sites.get(block)
        if call is not None and site is not None:
            grid = tuple(extra.get(keys.GRID, ())[-2:])
            noted = n.clone() if call.copies else n
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
        pending = call.take()
        if torch.compiler.is_compiling():
            return base + residual(query, pending.hidden, base, (text[0], text[1]), pending.site.index)
        more = self._residual(call, pending, query, base, (text[0], text[1]))
        return base if more is None else base + more

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
        more = self._residual(call, pending.with_hidden(hidden), query, None, text)
        if more is None:
            return n
        nothing = torch.zeros_like(more[:1, :1])
        return n + (layer.to_out(more) - layer.to_out(nothing))  # the projection without its bias

    def _residual_at(
        self,
        call: UNetCall,
        query: Tensor,
        hidden: Tensor,
        base: Tensor | None,
        text: tuple[Tensor, Tensor],
        index: int,
    ) -> Tensor | None:
        """See `compiled.residual`."""
        site = next((site for site in self.sites.values() if site.index == index), None)
        if site is None or index in call.fired:
            return None
        layer: Any = call.unet.get_submodule(site.path)
        pending = PendingLayer(site, hidden, layer.heads, (), text)
        return self._residual(call, pending, query, base, text)

    def _residual(
        self,
        call: UNetCall,
        pending: PendingLayer,
        query: Tensor,
        base: Tensor | None,
        text: tuple[Tensor, Tensor] | None,
    ) -> Tensor | None:
        call.fired.add(pending.site.index)
        text = text if call.batch.has_regional_text else None
        return added(self.residuals, call, pending, query, base, text)

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
    rank = sum(key.startswith(keys.INJECTION) for key in clone.wrappers.get(WrappersMP.DIFFUSION_MODEL, {}))
    every = {site.block: site for site in cross}
    injection = Injection(name, rank, tuple(residuals), wanted, every, options.get(keys.ATTENTION_OVERRIDE), adds)
    clone.set_model_attn2_patch(injection.note)
    clone.set_model_attn2_output_patch(injection.finish)
    options[keys.ATTENTION_OVERRIDE] = injection.attend
    clone.add_wrapper_with_key(WrappersMP.DIFFUSION_MODEL, injection.key, injection.run_unet)
    there = {id(each.model) for each in clone.get_nested_additional_models()}  # two methods may share a router
    new = [each for each in weights if id(each.model) not in there]
    if new:
        clone.set_additional_models(injection.key, new)
    follow_runs(clone)
    if keys.STRUCTURE not in clone.wrappers.get(WrappersMP.APPLY_MODEL, {}):
        clone.add_wrapper_with_key(WrappersMP.APPLY_MODEL, keys.STRUCTURE, run_compiled)
    logger.info("%s: attached to %d/%d sites", name, len(wanted), len(cross))
    return clone


def changes_nothing(patch: object) -> bool:
    """Whether a patch of a MODEL is one of ours that only looks on."""
    owner = getattr(patch, "__self__", None)
    return isinstance(owner, Injection) and not owner.adds


def _behind(patch: object, patches: Sequence[Any]) -> Sequence[Any]:
    """The patches that run after one of them."""
    return patches[patches.index(patch) + 1 :] if patch in patches else patches
