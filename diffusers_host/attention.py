"""The port of models/port/attention.py for diffusers' UNet2DConditionModel: the second host.

Everything is done with module hooks, so any attention processor keeps working, gradients flow, and taking the hooks off
leaves the UNet as it was: no weight is ever touched.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import torch
from torch import Tensor, nn

from ..models.errors import IncompatibleBaseModelError, InvalidSettingError
from ..models.port.attention import AttentionCall, AttentionResidual, AttentionSite, Polarity, Run, TextRows
from .lora import LoRA, branches_of, lora_hook
from .noise_levels import stable_diffusion_sigma

logger = logging.getLogger(__name__)


def all_positive(rows: int) -> tuple[Polarity, ...]:
    """Every row is positive: training, and sampling without guidance."""
    return (Polarity.POSITIVE,) * rows


def guidance_pair(rows: int) -> tuple[Polarity, ...]:
    """The order of diffusers' pipelines under classifier-free guidance: all negatives, then all positives.

    Raises:
        InvalidSettingError: if the number of rows is odd.
    """
    if rows % 2:
        raise InvalidSettingError(
            f"A guided batch holds as many negative as positive rows, this one has {rows}; use all_positive."
        )
    return (Polarity.NEGATIVE,) * (rows // 2) + (Polarity.POSITIVE,) * (rows // 2)


@dataclass(slots=True)
class RunContext:
    """What the UNet's arguments do not tell; may be changed between calls of the UNet.

    Attributes:
        polarities: number of rows → polarity of every row of the UNet's batch.
        sigma: timestep → noise level; rows of one level are handed over together. A number stands for all timesteps: it
            keeps a batch whole, and nothing is fetched from the device.
        run: caches and recorder of the sampling run, to be replaced when the next one begins. None keeps nothing, which
            is what training needs: weights change between calls, and gradients must not reach into a cache.
        first: number of the first picture of the batch, where the UNet sees a part of all pictures.
        owners: whose every row of the text is on the positive side, a person's number or -1; empty where no row is one person's.
    """

    polarities: Callable[[int], Sequence[Polarity]] = all_positive
    sigma: Callable[[float], float] | float = stable_diffusion_sigma
    run: Run | None = None
    first: int = 0
    owners: tuple[int, ...] = ()


def attach(
    unet: nn.Module,
    residual: AttentionResidual | Sequence[AttentionResidual] | None,
    *,
    lora: LoRA | None = None,
    lora_strength: float = 1.0,
    context: RunContext | None = None,
) -> Callable[[], None]:
    """Add residuals and LoRA to a UNet's attention layers.

    Args:
        unet: a UNet2DConditionModel; stays where it is, its weights are not changed.
        residual: one, several, or None for LoRA alone; their weights must be on the UNet's device.
        lora: site index → "q", "k", "v" or "out" → (down (rank, in), up (out, rank)), computed as a branch beside the
            layer. Tensors that require gradients get them.
        lora_strength: factor on the branch; 0 adds nothing.
        context: polarity of the batch rows and more; keep it to change it later.

    Returns:
        A callable that takes everything off again, leaving the UNet bit-identical; calling it twice does no harm.

    Raises:
        IncompatibleBaseModelError: if the UNet has no known attention layers, or the LoRA does not fit them.
    """
    residuals = () if residual is None else tuple(residual) if isinstance(residual, Sequence) else (residual,)
    sites = find_sites(unet)
    branches = branches_of(unet, sites, lora or {}) if lora_strength else {}
    # LoRA before the hooks that read the query
    handles = [module.register_forward_hook(lora_hook(*pair, lora_strength)) for module, pair in branches.items()]
    attachment = _Attachment(residuals, context or RunContext())
    wanted = [site for site in sites if any(one.wants(site) for one in residuals)]
    handles.append(unet.register_forward_pre_hook(attachment.begin, with_kwargs=True))
    for site in wanted:
        handles.extend(attachment.hook(unet, site))
    logger.info("Attached to %d/%d attention layers, LoRA on %d weights", len(wanted), len(sites), len(branches))

    def detach() -> None:
        for handle in handles:
            handle.remove()

    return detach


def find_sites(unet: nn.Module) -> tuple[AttentionSite, ...]:
    """All attention layers of a UNet2DConditionModel: self before cross, in the order input, output, middle.

    Raises:
        IncompatibleBaseModelError: if it is no such UNet.
    """
    sites: list[AttentionSite] = []
    places = 0
    for stage, number, path in _transformers(unet):
        for transformer, block in enumerate(unet.get_submodule(path).transformer_blocks):  # type: ignore[arg-type]
            for offset, (kind, name) in enumerate((("self", "attn1"), ("cross", "attn2"))):
                layer: Any = getattr(block, name, None)
                if layer is not None:
                    sites.append(
                        AttentionSite(
                            kind=kind,  # type: ignore[arg-type]
                            block=(stage, number, transformer),
                            index=2 * places + offset,
                            channels=layer.to_q.in_features,
                            path=f"{path}.transformer_blocks.{transformer}.{name}",
                        )
                    )
            places += 1
    if not sites:
        raise IncompatibleBaseModelError(
            f"This {type(unet).__name__} has no attention layers that are known here; "
            "give a UNet2DConditionModel of an SD1.5 or SDXL checkpoint."
        )
    return tuple(sites)


@dataclass(eq=False, slots=True)
class _Row:
    """What is known about one row of the UNet's batch."""

    polarity: Polarity
    sample: int
    sigma: float


@dataclass(eq=False, slots=True)
class _Attachment:
    """The hooks of one `attach`.

    Rows and grids stay until the next call: gradient checkpointing runs layers again after the UNet has returned.

    Attributes:
        residuals, context: the caller's.
        rows: of the UNet's batch.
        grids: (h, w) by path of the transformer that a layer belongs to.
        inputs: normed input of a layer that is running, by path.
        queries: its projected query, by path.
        texts: its projected keys and values, by path; kept where rows of the text are somebody's.
    """

    residuals: tuple[AttentionResidual, ...]
    context: RunContext
    rows: list[_Row] = field(default_factory=list)
    grids: dict[str, tuple[int, int]] = field(default_factory=dict)
    inputs: dict[str, Tensor] = field(default_factory=dict)
    queries: dict[str, Tensor] = field(default_factory=dict)
    texts: dict[str, list[Tensor]] = field(default_factory=dict)

    def begin(self, unet: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Before the UNet: read its batch."""
        del unet
        sample = kwargs["sample"] if "sample" in kwargs else args[0]
        timestep = kwargs["timestep"] if "timestep" in kwargs else args[1]
        count = sample.shape[0]
        polarities = self.context.polarities(count)
        if len(polarities) != count:
            raise InvalidSettingError(f"The batch has {count} rows and {len(polarities)} polarities; give one per row.")
        seen = dict.fromkeys(Polarity, self.context.first)
        self.rows = []
        for polarity, sigma in zip(polarities, self._sigmas(timestep, count), strict=True):
            self.rows.append(_Row(polarity, seen[polarity], sigma))
            seen[polarity] += 1

    def hook(self, unet: nn.Module, site: AttentionSite) -> list[torch.utils.hooks.RemovableHandle]:
        """Put the hooks on one layer."""
        layer: Any = unet.get_submodule(site.path)
        holder = site.path.rsplit(".transformer_blocks.", 1)[0]

        def note_grid(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            hidden = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]  # (B, C, h, w)
            self.grids[holder] = (hidden.shape[-2], hidden.shape[-1])

        def note_input(module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            self.inputs[site.path] = kwargs["hidden_states"] if "hidden_states" in kwargs else args[0]

        def note_query(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            self.queries[site.path] = output

        def note_text(module: nn.Module, args: tuple[Any, ...], output: Tensor) -> None:
            if self.context.owners:
                self.texts.setdefault(site.path, []).append(output)  # keys, then values

        def add(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...]:
            return (self._sum(site, args[0], layer.heads, self.grids[holder]), *args[1:])

        return [
            unet.get_submodule(holder).register_forward_pre_hook(note_grid, with_kwargs=True),
            layer.register_forward_pre_hook(note_input, with_kwargs=True),
            layer.to_q.register_forward_hook(note_query),
            layer.to_k.register_forward_hook(note_text),
            layer.to_v.register_forward_hook(note_text),
            layer.to_out[0].register_forward_pre_hook(add),
        ]

    def _sigmas(self, timestep: Any, count: int) -> list[float]:
        """Noise level of every row; a timestep may stand for all."""
        sigma = self.context.sigma
        if not callable(sigma):
            return [sigma] * count
        timesteps = torch.as_tensor(timestep, dtype=torch.float64).flatten().tolist()
        return [sigma(timesteps[row % len(timesteps)]) for row in range(count)]

    def _sum(self, site: AttentionSite, base: Tensor, heads: int, grid: tuple[int, int]) -> Tensor:
        """What the layer's attention gave plus the residuals, (B, L, C), row group by row group."""
        hidden, query = self.inputs.pop(site.path), self.queries.pop(site.path, None)
        text = self.texts.pop(site.path, None)
        if query is None:
            raise IncompatibleBaseModelError(
                "The UNet computes query, key and value in one fused layer; call unfuse_qkv_projections() first."
            )
        parts: list[Tensor] = []
        for rows in self._groups():
            group = slice(rows[0], rows[-1] + 1)
            call = AttentionCall(
                hidden=hidden[group],
                query=query[group],
                base=base[group],
                heads=heads,
                grid=grid,
                polarity=self.rows[rows[0]].polarity,
                samples=tuple(self.rows[row].sample for row in rows),
                sigma=self.rows[rows[0]].sigma,
                crop=None,
                run=self.context.run or Run(),
                text=self._text(text, group) if text else None,
            )
            added = [residual(site, call) for residual in self.residuals if residual.wants(site)]
            parts.append(sum((one for one in added if one is not None), base[group]))
        return parts[0] if len(parts) == 1 else torch.cat(parts)

    def _text(self, text: Sequence[Tensor], rows: slice) -> TextRows | None:
        """The text of some rows; None on the negative side, where nobody owns a row."""
        if self.rows[rows.start].polarity is Polarity.NEGATIVE:
            return None
        keys, values = text
        return TextRows(keys[rows], values[rows], self.context.owners)

    def _groups(self) -> list[list[int]]:
        """Neighbouring rows of one polarity and noise level."""
        alike = groupby(range(len(self.rows)), key=lambda row: (self.rows[row].polarity, self.rows[row].sigma))
        return [list(group) for _, group in alike]


def _transformers(unet: nn.Module) -> list[tuple[str, int, str]]:
    """(stage, block in ComfyUI's numbering, module path) of every transformer, in the order input, output, middle.

    ComfyUI counts the first convolution, every residual block and every downsampler as one input block; an upsampler
    belongs to the output block before it.
    """
    found: list[tuple[str, int, str]] = []
    for stage, name, number in (("input", "down_blocks", 1), ("output", "up_blocks", 0)):
        for level, block in enumerate(getattr(unet, name, ())):
            for place in range(len(block.resnets)):
                if place < len(getattr(block, "attentions", ())):
                    found.append((stage, number + place, f"{name}.{level}.attentions.{place}"))
            number += len(block.resnets) + bool(getattr(block, "downsamplers", None))
    middle = getattr(getattr(unet, "mid_block", None), "attentions", ())
    return found + [("middle", place, f"mid_block.attentions.{place}") for place in range(len(middle))]
