"""Our code run on the stored ConsistentID cases.

The expected values are float32 outputs of the published code on random weights (see `torch_recipe.py`); the files beside
this one hold a part of each case, made by `reduce.py`. Face parsing and region pictures are in `face_cases.py`, the
pipeline in `pipeline_cases.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from diffusers import UNet2DConditionModel
from likeness.diffusers_host.attention import RunContext, attach, guidance_pair
from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
from likeness.models.adapters.identity_attention import Acting, IdentityResidual
from likeness.models.adapters.resampler import ResamplerSizes
from likeness.models.clip import BOS, EOS, text_ids
from likeness.models.consistentid.checkpoint import ConsistentIDAdapter, load
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.facial_prompt import assemble
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.consistentid.marked_text import mark
from likeness.models.placement.placements import Everywhere
from likeness.models.port.attention import AttentionCall, AttentionSite, Polarity, Run
from likeness.tests.parity.consistentid.stored import EXACT, LOSS, MODULE, Stored
from likeness.tests.parity.folder import Folder
from likeness.tests.parity.recipe import Comparison
from likeness.tests.parity.torch_recipe import weights
from likeness.training.consistentid.facial_loss import facial_loss
from torch import Tensor, nn
from torch.nn.functional import linear, scaled_dot_product_attention

TEXT_ROWS = 77
ENCODER_HEAD = 16  # head width of the small facial encoder
SITE = AttentionSite(kind="cross", block=("input", 1, 0), index=1, channels=64, path="")


def small_projection(prefix: str, vector: int, hidden: int, width: int) -> dict[str, Tensor]:
    """Weights of an ID projection that reads CLIP features 48 wide, without their prefix."""
    sizes = ResamplerSizes(features=48, dim=width, inner=width, dim_head=64, hidden=4 * width, depth=4, output=width)
    with torch.device("meta"):
        module = IDProjection(vector, hidden, 4, sizes)
    return weights(prefix, {key: tensor.shape for key, tensor in module.state_dict().items()})


def small_encoder() -> dict[str, Tensor]:
    """Weights of the small facial encoder, without their prefix."""
    sizes = ResamplerSizes(features=48, dim=96, inner=64, dim_head=ENCODER_HEAD, hidden=384, depth=2, output=64)
    with torch.device("meta"):
        module = FacialEncoder(sizes)
    return weights("tiny.FacialEncoder.", {key: tensor.shape for key, tensor in module.state_dict().items()})


def id_projection(folder: Folder) -> Iterator[Comparison]:
    """ID tokens with and without shortcut and scale, of a face and of none."""
    case = Stored.read(folder, "proj/tiny")
    module = IDProjection.from_state_dict(small_projection("tiny.image_proj.", 64, 128, 128))
    for variant in case.about["combos"]:
        face = case.tensors["in.id_embeds"] * (variant["id"] == "id")
        settings = {"shortcut": variant["shortcut"], "s_scale": variant["scale"]}
        got = module(face, case.tensors["in.clip_embeds"], **settings)
        yield Comparison(f"proj/tiny {variant['out']}", got, case.tensors[variant["out"]], **MODULE)


def facial_encoder(folder: Folder) -> Iterator[Comparison]:
    """Region vectors and fused text with five, three and no regions."""
    module = FacialEncoder.from_state_dict(small_encoder(), dim_head=ENCODER_HEAD)
    for name in ("facial_encoder/tiny_all5", "facial_encoder/tiny_missing2", "facial_encoder/tiny_none"):
        tensors = Stored.read(folder, name).tensors
        regions, tokens = tensors["in.multi_image_embeds"], tensors["in.class_tokens_mask"]
        text = tensors["in.prompt_embeds"]
        yield Comparison(f"{name} vectors", module.regions(regions), tensors["out.id_embeds"], **MODULE)
        got = module(text, regions, tokens, tensors["in.valid_id_mask"])
        yield Comparison(f"{name} text", got, tensors["out.prompt_embeds"], **MODULE)
        if "out.fused_tokens" in tensors:
            yield Comparison(f"{name} fused rows", got[tokens], tensors["out.fused_tokens"], **MODULE)


def prompts(folder: Folder) -> Iterator[Comparison]:
    """Marked prompts, letter by letter, and their ids and masks."""
    case = Stored.read(folder, "prompt/sd15")
    for name, about in case.about.items():
        prompt = assemble(about["prompt"], about["regions_before"], flavour="sd15", caption=about["caption"])
        tokens = mark(prompt.text, text_ids, pad=EOS)
        got = (prompt.text, prompt.plain, list(prompt.regions), list(tokens.positions), tokens.raw_length)
        keys = ("prompt_with_markers", "prompt_text_only", "regions_after", "facial_positions", "raw_len_with_triggers")
        same = torch.tensor([mine == about[key] for mine, key in zip(got, keys, strict=True)])
        yield Comparison(f"prompt/sd15 {name} strings", same, torch.ones(5), **EXACT)
        mine = {
            "ids": tokens.ids,
            "facial_token_mask": tokens.mask,
            "facial_token_idx": tokens.index,
            "facial_token_idx_mask": tokens.index_mask,
            "text_only_ids": plain_ids(prompt.plain),
        }
        joined = (torch.cat([part.long() for part in parts]) for parts in (mine.values(), _row(case, name, mine)))
        yield Comparison(f"prompt/sd15 {name} ids", *joined, **EXACT)


def plain_ids(text: str) -> Tensor:
    """77 ids of an unmarked text; a long one is cut before its end token."""
    ids = [BOS, *text_ids(text)][: TEXT_ROWS - 1]
    return torch.tensor(ids + [EOS] * (TEXT_ROWS - len(ids)))


def _row(case: Stored, name: str, keys: dict[str, Tensor]) -> list[Tensor]:
    return [case.tensors[f"{name}|{key}"][0] for key in keys]


def self_attention(folder: Folder) -> Iterator[Comparison]:
    """Self-attention with LoRA of all four projections as weight patches."""
    for name in ("attn/self_tiny", "attn/self_sd15_320_r128"):
        case = Stored.read(folder, name)
        hidden = case.tensors["in.hidden_states"]
        w = _patched(case, hidden.shape[-1], hidden.shape[-1], 1.0)
        q, k, v = (linear(hidden, w[f"to_{part}"]) for part in "qkv")
        got = linear(_attend(q, k, v, case.about["heads"]), w["to_out"], w["bias"])
        yield Comparison(name, case.thinned(got), case.tensors["out.hidden_states"], **MODULE)


def cross_attention(folder: Folder) -> Iterator[Comparison]:
    """Cross-attention with ID tokens through the residual that sampling uses, at several scales."""
    case = Stored.read(folder, "attn/ip_tiny")
    hidden, context = case.tensors["in.hidden_states"], case.tensors["in.encoder_hidden_states"]
    channels, width = hidden.shape[-1], context.shape[-1]
    keys = KeyValueProjection(width, channels)
    shapes = {f"to_{part}_ip.weight": (channels, width) for part in "kv"}
    own = weights(case.about["processor_prefix"], shapes)
    keys.load_state_dict({key.replace("_ip", ""): tensor for key, tensor in own.items()})
    for variant in case.about["variants"]:
        w = _patched(case, channels, width, variant["lora_scale"])
        text = context[:, :TEXT_ROWS]
        query = linear(hidden, w["to_q"])
        base = _attend(query, linear(text, w["to_k"]), linear(text, w["to_v"]), case.about["heads"])
        rows = [
            _with_identity(case, nn.ModuleDict({"1": keys}), tensors, variant["scale"])
            for tensors in zip(hidden, query, base, context[:, TEXT_ROWS:], strict=True)
        ]
        got = linear(torch.cat(rows), w["to_out"], w["bias"])
        yield Comparison(f"attn/ip_tiny {variant['out']}", got, case.tensors[variant["out"]], **MODULE)


def _with_identity(
    case: Stored, attention: nn.ModuleDict, tensors: tuple[Tensor, Tensor, Tensor, Tensor], scale: float
) -> Tensor:
    """Base attention of one row plus its residual; every row has ID tokens of its own and is a run of its own."""
    hidden, query, base, tokens = (tensor[None] for tensor in tensors)
    call = AttentionCall(
        hidden=hidden,
        query=query,
        base=base,
        heads=case.about["heads"],
        grid=(5, 6),
        polarity=Polarity.POSITIVE,
        samples=(0,),
        sigma=1.0,
        crop=None,
        run=Run(),
    )
    added = one_person(attention, tokens, tokens, scale)(SITE, call)
    return base if added is None else base + added


def one_person(attention: nn.ModuleDict, tokens: Tensor, null_tokens: Tensor, strength: float) -> IdentityResidual:
    """One person everywhere."""
    people = (Acting(name="person", strength=strength),)
    return IdentityResidual(attention, tokens, null_tokens, people, Everywhere(1))


def loss(folder: Folder) -> Iterator[Comparison]:
    """The facial loss, max-normalised and not."""
    tensors = Stored.read(folder, "loss/localization").tensors
    maps = [tensors["in.scores.l0"], tensors["in.scores.l1"]]
    for normalize in (True, False):
        got = facial_loss(maps, tensors["in.segmaps"], tensors["in.idx"], tensors["in.idx_mask"], normalize=normalize)
        expected = tensors[f"out.loss_normalize_{normalize}"]
        yield Comparison(f"loss/localization normalize={normalize}", got[None], expected, **LOSS)


def unet(folder: Folder) -> Iterator[Comparison]:
    """A whole UNet with ID tokens and LoRA through the second host."""
    case = Stored.read(folder, "unet/tiny_sd15")
    network, adapter = small_unet(case), small_adapter()
    context = case.tensors["in.encoder_hidden_states"]
    for name, strength in (("out.sample", 1.0), ("out.sample_ipscale0p5", 0.5)):
        got = guided(network, adapter, case.tensors["in.sample"], case.tensors["in.timestep"], context, strength)
        yield Comparison(f"unet/tiny_sd15 {name}", got, case.tensors[name], **MODULE)


def guided(
    network: nn.Module, adapter: ConsistentIDAdapter, sample: Tensor, timestep: Tensor, context: Tensor, strength: float
) -> Tensor:
    """One call of the UNet with a negative and a positive row; the last rows of the context become ID tokens."""
    text, tokens = context[:, :TEXT_ROWS], context[:, TEXT_ROWS:]
    residual = one_person(adapter.attention, tokens[1:], tokens[:1], strength)
    detach = attach(network, residual, lora=adapter.lora, context=RunContext(polarities=guidance_pair))
    try:
        return network(sample, timestep, encoder_hidden_states=text).sample
    finally:
        detach()


def small_unet(case: Stored) -> UNet2DConditionModel:
    """The case's UNet of SD1.5's shape."""
    network = UNet2DConditionModel(**case.about["unet_config"])
    shapes = {key: tensor.shape for key, tensor in network.state_dict().items()}
    network.load_state_dict(weights("tiny_sd15.unet.", shapes))
    return network.eval().requires_grad_(False)


def small_adapter() -> ConsistentIDAdapter:
    """An adapter file for the small UNet, through the loader."""
    layers: dict[str, tuple[int, int]] = {}
    widths = [32, 32, 64, 64, 96, 96, 96, 96, 96, 64, 64, 64, 32, 32, 32, 96]  # of the transformers: down, up, middle
    for index in range(2 * len(widths)):
        channels, read = widths[index // 2], 64 if index % 2 else widths[index // 2]
        for part, inputs in (("q", channels), ("k", read), ("v", read), ("out", channels)):
            layers[f"{index}.to_{part}_lora.down.weight"] = (4, inputs)
            layers[f"{index}.to_{part}_lora.up.weight"] = (channels, 4)
        if index % 2:
            layers |= {f"{index}.to_{part}_ip.weight": (channels, 64) for part in "kv"}
    return load(
        {
            "image_proj": small_projection("tiny_pipe.image_proj.", 512, 1024, 64),
            "FacialEncoder": small_encoder(),
            "adapter_modules": weights("tiny_sd15.adapter_modules.", layers),
        }
    )


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int) -> Tensor:
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    return scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)


def _patched(case: Stored, channels: int, width: int, scale: float) -> dict[str, Tensor]:
    """The layer's four matrices with LoRA added, and the output's bias."""
    prefix, rank = case.about["attn_prefix"], case.about["rank"]
    bias = weights(prefix, {"to_out.0.bias": (channels,)})
    patched = {"bias": bias["to_out.0.bias"]}
    for part, inputs in (("q", channels), ("k", width), ("v", width), ("out", channels)):
        name = "to_out.0.weight" if part == "out" else f"to_{part}.weight"
        halves = {f"to_{part}_lora.down.weight": (rank, inputs), f"to_{part}_lora.up.weight": (channels, rank)}
        down, up = weights(case.about["processor_prefix"], halves).values()
        patched[f"to_{part}"] = weights(prefix, {name: (channels, inputs)})[name] + scale * up @ down
    return patched


CASES = (id_projection, facial_encoder, prompts, self_attention, cross_attention, loss, unet)
