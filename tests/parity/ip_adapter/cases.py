"""What exists of IP-Adapter, UniPortrait's image prompt and CLIP's pixels, run on the stored IP-Adapter cases.

The expected values are float32 outputs of the published IP-Adapter code on random weights (see `recipe.py`); the files
beside this one hold a part of each case, made by `reduce.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.clip import clip_pixels, clip_statistics
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.ip_adapter.projection import ImagePromptProjection
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case, Comparison
from likeness.tests.parity.uniportrait.cases import attend
from torch import Tensor, nn
from torch.nn.functional import linear

HERE = Path(__file__).parent
PROJECTIONS = ("global_small", "global_sd15_full")
LAYERS = ("attn_ip_small", "attn_ip_257tokens_small", "attn_ip_sd15_320_full")
PIXELS = "clip_preprocess"
SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")
NOT_COMPARED = {  # pattern of a case or "case tensor" -> why
    r"(attn_lora|faceid|generate_faceid|unet_sd15_tiny_faceid).*": "IP-Adapter's FaceID is not built yet",
    r"(resampler|fullface|generate_plus).*": "IP-Adapter's plus and full-face projections are not built yet",
    r"attn_masks.*": "IP-Adapter's masks and weight types are not built yet",
    r"(unet|generate_global).*": "IP-Adapter as a method of its own is not built yet",
}


def projections(folder: Folder) -> Iterator[Comparison]:
    """Tokens of pooled embeddings, and those of the negative side."""
    for name in PROJECTIONS:
        case = Case.read(folder, name)
        module = ImagePromptProjection.from_state_dict(case.weights("image_proj"))
        for variant, got in {"cond": module(case.tensors["in.image_embeds"]), "uncond": module.null()}.items():
            yield Comparison(f"{name} {variant}", got, case.tensors[f"{variant}.out"], **case.tolerance)


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


CASES = (projections, layers, pixels)
