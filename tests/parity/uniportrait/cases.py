"""Our code run on the stored UniPortrait cases.

The expected values are float32 outputs of the published code on random weights (see `recipe.py`); the files beside this one
hold a part of each case, made by `reduce.py`. From photos to tokens is in `context_cases.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.face.alignment import align, similarity_matrix
from likeness.models.face.iresnet import IResNet
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.placement.placements import combine
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.models.uniportrait.application import Routed
from likeness.models.uniportrait.checkpoint import UniPortraitAdapter, load
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.models.uniportrait.id_routing import IDRouter
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Case, Comparison, weights
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention

HERE = Path(__file__).parent
IR101 = [(64, 3), (128, 13), (256, 30), (512, 3)]  # channels and blocks of the published backbone's stages
SMALL_HEAD = 16  # head width of every reduced case
CROSS_SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")
TEXT_TOKENS, IMAGE_TOKENS = 7, 4  # layout of every stored context
NOT_COMPARED = {  # pattern of "case tensor" -> why
    r"self_attn_small share.*\.out": "style sharing is not built yet",
    r"cross_attn_small .*\.router\.(onehot|aggregated)": "a step on the way to or from the logits, which are compared",
    r"backbone_ir101 out\.embedding": "UniPortrait does not use it, and our network ends before it",
}


def published_backbone() -> IResNet:
    """The full-size backbone with the cases' weights."""
    with torch.device("meta"):
        shapes = {key: tensor.shape for key, tensor in IResNet(64, IR101).state_dict().items()}
    return IResNet.from_state_dict(weights("backbone", shapes))


def id_embedding(folder: Folder) -> Iterator[Comparison]:
    """The ID embedding at reduced size, several structure scales, with and without masks."""
    case = Case.read(folder, "resampler_small")
    module = IDEmbedding.from_state_dict(case.weights("faceid_proj"), dim_head=SMALL_HEAD)
    for name, variant in case.about["variants"].items():
        masks = {}
        if "masks" in variant:
            masks = {f"{part}_mask": case.tensors[f"{variant[part]}_mask"] for part in ("intrinsic", "structure")}
        features = case.tensors[variant["intrinsic"]], case.tensors[variant["structure"]]
        got = module(*features, variant["structure_scale"], **masks)
        yield Comparison(f"resampler_small {name}", got, case.tensors[name], **case.tolerance)


def backbone(folder: Folder) -> Iterator[Comparison]:
    """The four maps; a reduced file says by how much each was thinned."""
    case = Case.read(folder, "backbone_ir101")
    with torch.no_grad():
        maps = published_backbone()(case.tensors["in.image"])
    for place, (tapped, step) in enumerate(zip(maps, case.about.get("steps", (1, 1, 1, 1)), strict=True)):
        expected = case.tensors[f"out.feat{place}"]
        yield Comparison(f"backbone_ir101 feat{place}", tapped[..., ::step, ::step], expected, **case.tolerance)


def routing(folder: Folder) -> Iterator[Comparison]:
    """Router logits, folded and not, and choices (no mismatch allowed)."""
    case = Case.read(folder, "cross_attn_small")
    keys = {key: shape for key, shape in case.about["weights"]["router_adapter"].items() if "router." in key}
    router = IDRouter.from_state_dict(weights("router_adapter", keys))
    for name in sorted(case.about["variants"]):
        if f"{name}.router.index" not in case.tensors:
            continue
        stored = cross_attention_case(name, folder)
        logits = router.logits(stored.hidden, stored.identity_tokens)
        folded = router.folded_logits(stored.hidden, router.fold(stored.identity_tokens))
        expected = case.tensors[f"{name}.router.logits"]
        yield Comparison(f"cross_attn_small {name} logits", logits, expected, **case.tolerance)
        yield Comparison(f"cross_attn_small {name} folded", folded, expected, **case.tolerance)
        choice = case.tensors[f"{name}.router.index"]
        assigned = router.assign(stored.hidden, stored.identity_tokens)
        yield Comparison(f"cross_attn_small {name} choice", assigned, choice, 0, 0)
        yield Comparison(f"cross_attn_small {name} folded choice", folded.argmax(-1), choice, 0, 0)


@dataclass(frozen=True)
class CrossAttentionCase:
    """One variant of the cross-attention case, everything but the residual.

    Attributes:
        adapter: loaded by `load`; knows the cross-attention site 1 (C = 64, D = 48).
        attention: to_q, to_k, to_v, to_out.0 with the variant's LoRA added to the weights.
        hidden: (B, 64, 64).
        text: (B, 7, 48).
        image_tokens: (B, 4, 48).
        identity_tokens: (B, N, 16, 48), other tokens in every row.
        settings: of the reference run: faceid_scale, ip_scale, lora_scale, multi_id_lora_scale.
        faceid_mask: (N, H, W) or None.
        ip_mask: (1, H, W) or None.
        router_index: (B, 64) or None.
        expected: what the layer returned, after the output projection, (B, 64, 64).
        heads, grid: of the layer.
        atol, rtol: tolerance.
    """

    adapter: UniPortraitAdapter
    attention: dict[str, Tensor]
    hidden: Tensor
    text: Tensor
    image_tokens: Tensor
    identity_tokens: Tensor
    settings: dict[str, Any]
    faceid_mask: Tensor | None
    ip_mask: Tensor | None
    router_index: Tensor | None
    expected: Tensor
    heads: int
    grid: tuple[int, int]
    atol: float
    rtol: float

    def query(self) -> Tensor:
        """Projected query with LoRA, (B, L, C)."""
        return linear(self.hidden, self.attention["to_q.weight"])

    def base(self) -> Tensor:
        """What the layer's own attention to the text gives before the output projection, (B, L, C)."""
        key = linear(self.text, self.attention["to_k.weight"])
        return attend(self.query(), key, linear(self.text, self.attention["to_v.weight"]), self.heads)

    def project(self, attended: Tensor) -> Tensor:
        """The output projection with LoRA."""
        return linear(attended, self.attention["to_out.0.weight"], self.attention["to_out.0.bias"])


def cross_attention_variants(folder: Folder) -> list[str]:
    """All variants; those with `enable_share_attn` leave the first picture of each half without identities."""
    return list(Case.read(folder, "cross_attn_small").about["variants"])


def cross_attention_case(name: str, folder: Folder) -> CrossAttentionCase:
    """Load one variant."""
    case = Case.read(folder, "cross_attn_small")
    variant = case.about["variants"][name]
    settings, people = dict(variant["settings"]), variant["num_faceids"]
    context = case.tensors[variant["context"]]
    text, image, identities = context.split([TEXT_TOKENS, IMAGE_TOKENS, people * 16], dim=1)
    adapter = _small_adapter(case)
    masks = {key: settings.pop(key, None) for key in ("faceid_mask", "ip_mask")}
    faceid_mask, ip_mask = (mask and case.tensors[mask.split()[-1]][0] for mask in masks.values())
    return CrossAttentionCase(
        adapter=adapter,
        attention=_patched(case.weights("attn"), adapter, 1, settings),
        hidden=case.tensors[variant["hidden"]],
        text=text,
        image_tokens=image,
        identity_tokens=identities.unflatten(1, (people, 16)),
        settings=settings,
        faceid_mask=faceid_mask,
        ip_mask=ip_mask,
        router_index=case.tensors.get(f"{name}.router.index"),
        expected=case.tensors[f"{name}.out"],
        heads=case.about["constructor"]["heads"],
        grid=tuple(case.about["constructor"]["grid"]),
        **case.tolerance,
    )


def cross_attention(folder: Folder) -> Iterator[Comparison]:
    """Every variant of the cross-attention layer, with the residuals that sampling uses."""
    for name in cross_attention_variants(folder):
        case = cross_attention_case(name, folder)
        pictures = len(case.hidden) // 2
        got = torch.cat([_layer_output(case, row, row % pictures) for row in range(len(case.hidden))])
        yield Comparison(f"cross_attn_small {name}", got, case.expected, case.atol, case.rtol)


def _layer_output(case: CrossAttentionCase, row: int, picture: int) -> Tensor:
    """One row through the residuals, (1, L, C).

    The stored rows all have tokens of their own, negative ones too, so each is a run of its own with positive polarity.
    """
    call = AttentionCall(
        hidden=case.hidden[row : row + 1],
        query=case.query()[row : row + 1],
        base=case.base()[row : row + 1],
        heads=case.heads,
        grid=case.grid,
        polarity=Polarity.POSITIVE,
        samples=(picture,),
        sigma=1.0,
        crop=None,
        run=Run(),
    )
    attended = case.base()[row : row + 1]
    if "enable_share_attn" in case.settings and picture == 0:  # the style reference gets nobody
        return case.project(attended)
    tokens, image = case.identity_tokens[row], case.image_tokens[row : row + 1]
    strength, prompt_strength = (float(case.settings.get(name, 0)) for name in ("faceid_scale", "ip_scale"))
    if strength > 0:
        masks = (None,) * len(tokens) if case.faceid_mask is None else tuple(case.faceid_mask[:, None])
        people = tuple(Acting(name=str(place), strength=strength) for place in range(len(tokens)))
        identities = IdentityResidual(
            attention=case.adapter.face_attention,
            tokens=tokens,
            null_tokens=tokens[:1],
            people=people,
            placement=combine(masks, Routed(case.adapter.routers, tokens)),
        )
        added = identities(CROSS_SITE, call)
        assert added is not None
        attended = attended + added
    if prompt_strength > 0 and case.adapter.image_prompt is not None:
        branch = case.adapter.image_prompt.attention
        prompt = PictureResidual(branch, image, image, prompt_strength, case.ip_mask, resize="nearest")
        attended = attended + prompt(CROSS_SITE, call)
    return case.project(attended)


def alignment(folder: Folder) -> Iterator[Comparison]:
    """Alignment matrices, and crops up to one grey level."""
    case = Case.read(folder, "face_align_224")
    picture = case.tensors["in.image_bgr_uint8"].flip(-1).numpy()
    for name in case.about["variants"]:
        points = case.tensors[f"{name}.in.kps"].numpy()
        matrix = torch.from_numpy(np.asarray(similarity_matrix(points, 224)))
        expected = case.tensors[f"{name}.out.matrix"]
        yield Comparison(
            f"face_align_224 {name} matrix", matrix, expected, case.about["suggested_tolerance"]["matrix"], 0
        )
        crop = torch.from_numpy(align(picture, points, 224)).flip(-1).int()
        yield Comparison(f"face_align_224 {name} crop", crop, case.tensors[f"{name}.out.crop_bgr_uint8"].int(), 1, 0)


def self_attention(folder: Folder) -> Iterator[Comparison]:
    """Self-attention with either LoRA set as weight patches."""
    case = Case.read(folder, "self_attn_small")
    heads = case.about["constructor"]["heads"]
    for name, variant in case.about["variants"].items():
        if "enable_share_attn" in variant["settings"]:
            continue
        w = _patched(case.weights("attn"), _small_adapter(case), 0, variant["settings"])
        hidden = case.tensors[variant["hidden"]]
        q, k, v = (linear(hidden, w[f"to_{part}.weight"]) for part in "qkv")
        got = linear(attend(q, k, v, heads), w["to_out.0.weight"], w["to_out.0.bias"])
        yield Comparison(f"self_attn_small {name}", got, case.tensors[f"{name}.out"], **case.tolerance)


def attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _small_adapter(case: Case) -> UniPortraitAdapter:
    """The case's layer as adapter files in the published nesting, through the loader."""
    resampler = Case.read(Folder(HERE), "resampler_small").about["weights"]["faceid_proj"]
    width = case.about["constructor"].get("cross_attention_dim", 32)
    outputs = {key: [width, *shape[1:]] for key, shape in resampler.items() if key.startswith(("proj_out", "norm_out"))}
    index = 1 if "cross_attention_dim" in case.about["constructor"] else 0
    layers = {name: _numbered(case.weights(name), index) for name in ("faceid_adapter", "router_adapter")}
    if index == 0:  # a file always has cross-attention; this case stores none
        layers["faceid_adapter"] |= {f"1.to_{part}_faceid.weight": torch.zeros(64, width) for part in "kv"}
        router = {"to_q_router.0.weight": (128, 64), "to_q_router.0.bias": (128,), "to_q_router.2.weight": (64, 128)}
        router |= {"to_k_router.0.weight": (64, width), "to_k_router.0.bias": (64,), "to_k_router.2.weight": (64, 64)}
        router |= {"aggr_router.weight": (1, 16), "aggr_router.bias": (1,)}
        layers["router_adapter"] |= {f"1.{key}": torch.zeros(shape) for key, shape in router.items()}
    prompt = None
    if "ip_adapter" in case.about["weights"]:
        projection = {"proj.weight": (4 * width, 32), "proj.bias": (4 * width,), "norm.weight": (width,)}
        projection["norm.bias"] = (width,)
        prompt = {
            "image_proj": weights("image_proj", projection),
            "ip_adapter": _numbered(case.weights("ip_adapter"), index),
        }
    faceid = {"faceid_proj": weights("faceid_proj", resampler | outputs), "faceid_adapter": layers["faceid_adapter"]}
    router_file = {"faceid_adapter": layers["router_adapter"]}
    return load(faceid, router_file, image_prompt=prompt, dim_head=SMALL_HEAD)


def _numbered(layer: dict[str, Tensor], index: int) -> dict[str, Tensor]:
    return {f"{index}.{key}": tensor for key, tensor in layer.items()}


def _patched(
    attention: dict[str, Tensor], adapter: UniPortraitAdapter, index: int, settings: dict[str, Any]
) -> dict[str, Tensor]:
    """LoRA as weight patches; the first set wins when both scales are given."""
    scale, lora = settings.get("lora_scale", 0), adapter.single_lora
    if not scale > 0:
        scale, lora = settings.get("multi_id_lora_scale", 0), adapter.multi_lora
    if not scale > 0:
        return attention
    assert lora is not None
    patched = dict(attention)
    for part, (down, up) in lora[index].items():
        key = "to_out.0.weight" if part == "out" else f"to_{part}.weight"
        patched[key] = patched[key] + scale * up @ down
    return patched


CASES = (id_embedding, backbone, routing, cross_attention, self_attention, alignment)
