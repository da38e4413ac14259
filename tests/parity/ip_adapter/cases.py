"""IP-Adapter's projections and layers, UniPortrait's image prompt and CLIP's pixels, run on the stored IP-Adapter cases.

The expected values are float32 outputs of the published IP-Adapter code on random weights (see `recipe.py`); the files
beside this one hold a part of each small case, made by `reduce.py`. Masks and weight types are in `mask_cases.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection, decoupled_cross_attention
from likeness.models.adapters.id_projection import IDProjection
from likeness.models.adapters.weights import keys_and_values, lora_pairs
from likeness.models.clip import clip_pixels, clip_statistics
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.ip_adapter.projection import from_state_dict
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case, Comparison
from likeness.tests.parity.uniportrait.cases import attend
from torch import Tensor, nn
from torch.nn.functional import linear

HERE = Path(__file__).parent
PROJECTIONS = (
    "global_small",
    "global_sd15_full",
    "fullface_small",
    "faceid_small",
    "faceid_plus_small",
    "resampler_ip_small",
)
FULL_SIZE = (  # their weights alone take seconds
    "faceid_sd15_full",
    "faceid_portrait_sd15_full",
    "faceid_plus_sd15_full",
    "resampler_plus_sd15_full",
    "resampler_unnorm_sdxl_full",
)
LAYERS = ("attn_ip_small", "attn_ip_257tokens_small", "attn_ip_sd15_320_full")
WITH_LORA = ("attn_lora_ip_small", "attn_lora_self_small")
PIXELS = "clip_preprocess"
UNETS = ("unet_sd15_tiny", "unet_sd15_tiny_faceid", "unet_sdxl_tiny")  # run by the tests of the ComfyUI host
RUNS = ("generate_global", "generate_plus", "generate_faceid", "generate_faceid_plus")  # likewise
TABLES = ("index_sd15", "index_sdxl")
SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")
NOT_COMPARED = {  # pattern of a case or "case tensor" -> why
    r"unet_.*": "needs ComfyUI: tests/host/ip_adapter/test_parity.py compares it",
    r"generate_.*": "needs ComfyUI: tests/host/ip_adapter/test_parity_runs.py compares it",
}


def projections(folder: Folder, names: Iterable[str] = PROJECTIONS) -> Iterator[Comparison]:
    """Tokens of what each projection reads, and of zeros for the negative side."""
    for name in names:
        case = Case.read(folder, name)
        head = case.about["constructor"].get("dim_head", 64)
        module = from_state_dict(case.weights("image_proj"), dim_head=head)
        for variant, about in case.about["variants"].items():
            if about.get("input", "").startswith("zeros"):
                got = module.null()
            elif isinstance(module, IDProjection):
                face = torch.zeros_like(case.tensors["in.id"]) if "zeros" in about["id"] else case.tensors["in.id"]
                settings = {key: about[key] for key in ("shortcut", "s_scale") if key in about}
                got = module(face, case.tensors[about["clip"]], **settings)
            else:
                got = module(case.tensors[about.get("input", "in.image_embeds")])
            yield Comparison(f"{name} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)


def full_size_projections(folder: Folder) -> Iterator[Comparison]:
    """Those of published sizes, where the folder has them."""
    there = folder.names()
    yield from projections(folder, (name for name in FULL_SIZE if name in there))


def layers_with_lora(folder: Folder) -> Iterator[Comparison]:
    """Self- and cross-attention of FaceID, its LoRA added to the layer's matrices as hosts do it."""
    for name in WITH_LORA:
        case = Case.read(folder, name)
        about, own = case.about["constructor"], numbered(case.weights("ip_adapter"))
        lora = lora_pairs(own, "ip_adapter", name, None)[1]
        hidden = case.tensors["in.hidden"]
        text, image = hidden, None
        if "text_tokens" in about:
            text, image = case.tensors["in.context"].tensor_split([about["text_tokens"]], dim=1)
        for variant, settings in case.about["variants"].items():
            w = merged(case.weights("attn"), lora, settings["lora_scale"])
            query, key, value = (
                linear(x, w[f"to_{part}.weight"]) for part, x in (("q", hidden), ("k", text), ("v", text))
            )
            attended = attend(query, key, value, about["heads"])
            if image is not None:
                keys = keys_and_values(own, "ip", image.shape[-1], name, None)["1"]
                keys, values = (part[:, None] for part in keys(image))  # every row has tokens of its own
                weights = torch.full((1, 1, 1), settings["scale"])
                attended = attended + decoupled_cross_attention(query, keys, values, weights, about["heads"])
            got = linear(attended, w["to_out.0.weight"], w["to_out.0.bias"])
            yield Comparison(f"{name} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)


def numbered(layer: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of one layer as those of layer 1."""
    return {f"1.{key}": tensor for key, tensor in layer.items()}


def merged(w: Mapping[str, Tensor], lora: Mapping[str, tuple[Tensor, Tensor]], strength: float) -> dict[str, Tensor]:
    """A layer's matrices with a LoRA of some strength."""
    names = {part: "to_out.0.weight" if part == "out" else f"to_{part}.weight" for part in lora}
    return {**w, **{name: w[name] + strength * lora[part][1] @ lora[part][0] for part, name in names.items()}}


def layers(folder: Folder) -> Iterator[Comparison]:
    """A cross-attention layer with an image prompt at every strength, and without one (which ControlNets have)."""
    for name in LAYERS:
        case = Case.read(folder, name)
        about = case.about["constructor"]
        w = case.weights("attn")
        keys = KeyValueProjection(about["cross_attention_dim"], about["hidden_size"])
        own = case.weights("ip_adapter")
        keys.load_state_dict({key.replace("_ip", ""): tensor for key, tensor in own.items()})
        hidden, context = case.tensors["in.hidden"], case.tensors["in.context"]
        text, image = context[:, : about["text_tokens"]], context[:, about["text_tokens"] :]
        query = linear(hidden, w["to_q.weight"])
        base = attend(query, linear(text, w["to_k.weight"]), linear(text, w["to_v.weight"]), about["heads"])
        for variant, settings in case.about["variants"].items():
            attended = base + _prompted(keys, hidden, query, base, image, settings.get("scale", 0), about["heads"])
            got = linear(attended, w["to_out.0.weight"], w["to_out.0.bias"])
            yield Comparison(f"{name} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)


def _prompted(
    keys: nn.Module, hidden: Tensor, query: Tensor, base: Tensor, image: Tensor, strength: float, heads: int
) -> Tensor:
    """What the residual adds, row by row: every row has tokens of its own, so each is a run of its own."""
    rows = []
    for row in range(len(hidden)):
        one = slice(row, row + 1)
        call = AttentionCall(
            hidden=hidden[one],
            query=query[one],
            base=base[one],
            heads=heads,
            grid=(1, hidden.shape[1]),
            polarity=Polarity.POSITIVE,
            samples=(row,),
            sigma=1.0,
            crop=None,
            run=Run(),
        )
        residual = PictureResidual(nn.ModuleDict({"1": keys}), image[one], image[one], strength)
        added = residual(SITE, call)
        rows.append(torch.zeros_like(base[one]) if added is None else added)
    return torch.cat(rows)


def pixels(folder: Folder) -> Iterator[Comparison]:
    """What CLIP sees of a picture of any size, in grey levels."""
    case = Case.read(folder, PIXELS)
    mean, deviation = clip_statistics()
    for variant, about in case.about["variants"].items():
        step = int(about["stored"].split()[1][0])
        got = clip_pixels(case.tensors[about["input"]].numpy()) * deviation + mean
        thinned = (255 * got).round()[..., ::step, ::step]
        yield Comparison(f"{PIXELS} {variant}", thinned, case.tensors[f"{variant}.rows_cols"], **case.tolerance)


CASES = (projections, full_size_projections, layers, layers_with_lora, pixels)
