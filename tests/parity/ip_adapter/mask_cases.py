"""Masks, several pictures, scalings and weight types, as diffusers and ComfyUI_IPAdapter_plus have them."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from likeness.models.adapters.decoupled_cross_attention import decoupled_cross_attention
from likeness.models.ip_adapter.block_weights import PRESETS, block_factors
from likeness.models.ip_adapter.combination import join, scale
from likeness.models.port.attention import AttentionSite
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.ip_adapter.cases import HERE
from likeness.tests.parity.ip_adapter.mask_grids import as_diffusers, as_ipadapter_plus
from likeness.tests.parity.recipe import Case, Comparison
from likeness.tests.parity.uniportrait.cases import attend
from torch import Tensor
from torch.nn.functional import linear

DIFFUSERS, IPADAPTER_PLUS = "attn_masks_diffusers", "attn_masks_ipadapter_plus"
STAGES = {
    "input": range(6),
    "middle": range(6, 7),
    "output": range(7, 16),
}  # transformers of SD1.5 as they are executed
NOT_IN_THE_CASE = ("linear", "style transfer", "composition")
__all__ = ["CASES", "HERE"]


def diffusers(folder: Folder) -> Iterator[Comparison]:
    """A layer with two adapters, the first with two pictures, each with a mask of its own or all in one softmax."""
    case = Case.read(folder, DIFFUSERS)
    w, own, heads = case.weights("attn"), case.weights("ip_adapter_multi"), case.about["constructor"]["heads"]
    masks = [case.tensors[f"in.mask{adapter}"][0] for adapter in (0, 1)]
    for positions in (24, 35):
        for adapter, mask in enumerate(masks):
            label = f"mask{adapter}_to_{positions}"  # of the adapter's first picture
            yield Comparison(
                f"{DIFFUSERS} {label}", as_diffusers(mask[:1], positions), case.tensors[label], **case.tolerance
            )
    for variant, about in case.about["variants"].items():
        hidden, text = case.tensors[about["hidden"]], case.tensors["in.text"]
        query = linear(hidden, w["to_q.weight"])
        attended = attend(query, linear(text, w["to_k.weight"]), linear(text, w["to_v.weight"]), heads)
        for adapter, strength in enumerate(about["scale"]):
            tokens = case.tensors[f"in.adapter{adapter}"]  # (B, N, T, D)
            if "masks" in about:
                places = as_diffusers(masks[adapter], hidden.shape[1]).T  # (L, N)
                weights = places * torch.tensor(strength)
            else:
                tokens, weights = tokens.flatten(1, 2)[:, None], torch.tensor([[strength]])
            keys, values = (linear(tokens, own[f"to_{part}_ip.{adapter}.weight"]) for part in "kv")
            attended = attended + decoupled_cross_attention(query, keys, values, weights, heads)
        got = linear(attended, w["to_out.0.weight"], w["to_out.0.bias"])
        yield Comparison(f"{DIFFUSERS} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)


def ipadapter_plus(folder: Folder) -> Iterator[Comparison]:
    """What is added to the text's attention: masked, scaled in four ways, of several pictures."""
    case = Case.read(folder, IPADAPTER_PLUS)
    own, heads = case.weights("ip_adapter"), case.about["constructor"]["heads"]
    for variant, about in case.about["variants"].items():
        query = case.tensors[about["q"]]
        weights = torch.ones(1, 1)
        if "mask" in about:
            weights = as_ipadapter_plus(case.tensors[about["mask"]], tuple(about["latent"]), query.shape[1]).T
        parts: list[Tensor] = []
        for side, rows in zip(about["cond_or_uncond"], query.chunk(2), strict=True):
            tokens = join(case.tensors[about[("cond", "uncond")[side]]])
            keys, values = (linear(tokens, own[f"to_{part}_ip.weight"]) for part in "kv")
            keys, values = scale(keys, values, about["weight"], about.get("embeds_scaling", "V only"))
            parts.append(decoupled_cross_attention(rows, keys, values, weights, heads))
        yield Comparison(
            f"{IPADAPTER_PLUS} {variant}", torch.cat(parts), case.tensors[f"{variant}.out"], **case.tolerance
        )


def weight_types(folder: Folder) -> Iterator[Comparison]:
    """The factors of every preset at the transformers of SD1.5."""
    table = Case.read(folder, IPADAPTER_PLUS).about["weight_type_factors_sd15"]
    sites = [
        AttentionSite(kind="cross", block=(stage, number, 0), index=place, channels=1, path="")
        for stage, places in STAGES.items()
        for number, place in enumerate(places)
    ]
    compared = [preset for preset in PRESETS if preset not in NOT_IN_THE_CASE]
    assert set(compared) == set(table)
    for preset in compared:
        factors = block_factors(preset, sites)
        got = torch.tensor([factors[place] for place in range(16)])
        expected = torch.tensor([table[preset][stage][place] for stage, places in STAGES.items() for place in places])
        yield Comparison(f"{IPADAPTER_PLUS} {preset}", got, expected, 1e-6, 0)


CASES = (diffusers, ipadapter_plus, weight_types)
