"""Tiny models for the host tests: real ComfyUI classes, random weights."""

# pyright: reportUnusedImport=false

import dataclasses

import pytest
import torch
from likeness.tests.host.model_folders import folders, identities, put  # noqa: F401
from likeness.tests.people import PixelTokens
from likeness.tests.people import crowd as random_people

CONTEXT = 24
TOKENS = 4


@pytest.fixture(scope="session")
def tiny_model():
    """A builder: `tiny_model(kind)` gives a ModelPatcher around a narrow UNet, "sd15" with 16 sites, "sdxl" with 70."""
    from comfy import model_base, model_patcher, supported_models

    def build(kind="sd15", seed=0, in_channels=4):
        config = {
            "image_size": 32,
            "out_channels": 4,
            "use_spatial_transformer": True,
            "legacy": False,
            "in_channels": in_channels,
            "model_channels": 32,
            "use_temporal_attention": False,
            "use_temporal_resblock": False,
            "context_dim": CONTEXT,
        }
        if kind == "sd15":
            config |= {
                "adm_in_channels": None,
                "num_res_blocks": [2, 2, 2, 2],
                "transformer_depth": [1, 1, 1, 1, 1, 1, 0, 0],
                "channel_mult": [1, 2, 4, 4],
                "transformer_depth_middle": 1,
                "use_linear_in_transformer": False,
                "num_heads": 4,
                "num_head_channels": -1,
                "transformer_depth_output": [1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0],
            }
            model_config = supported_models.SD15(config)
        else:
            config |= {
                "adm_in_channels": None,
                "num_res_blocks": [2, 2, 2],
                "transformer_depth": [0, 0, 2, 2, 10, 10],
                "channel_mult": [1, 2, 4],
                "transformer_depth_middle": 10,
                "use_linear_in_transformer": True,
                "num_heads": -1,
                "num_head_channels": 16,
                "transformer_depth_output": [0, 0, 0, 2, 2, 2, 10, 10, 10],
            }
            model_config = supported_models.SD15(config)  # sampling and latents of SD1.5, the layers of SDXL
        model_config.set_inference_dtype(torch.float32, None)
        torch.manual_seed(seed)
        model = model_base.BaseModel(model_config, device=torch.device("cpu"))
        generator = torch.Generator().manual_seed(seed)
        for parameter in model.diffusion_model.parameters():
            scale = 0.1 if parameter.ndim == 1 else 1 / parameter[0].numel() ** 0.5
            parameter.data = torch.randn(parameter.shape, generator=generator) * scale
        model.eval().requires_grad_(False)
        cpu = torch.device("cpu")
        return model_patcher.ModelPatcher(model, load_device=cpu, offload_device=cpu)

    return build


@pytest.fixture(scope="session")
def cross_sites():
    """The cross-attention sites of a MODEL."""
    from likeness.host.unet.sites import find_sites, unet_of

    return lambda model: [site for site in find_sites(unet_of(model)) if site.kind == "cross"]


@pytest.fixture(scope="session")
def people(cross_sites):
    """A builder: `people(model, n)` gives a UniPortrait residual for n random people, routed."""
    from likeness.models.adapters.decoupled_cross_attention import KeyValueProjection
    from likeness.models.adapters.identity_attention import Acting, IdentityResidual
    from likeness.models.uniportrait.application import Routed
    from likeness.models.uniportrait.id_routing import IDRouter
    from torch import nn

    def build(model, n=2, *, strengths=None, windows=None, placement=None, seed=1):
        from likeness.models.placement.windows import ALWAYS

        torch.manual_seed(seed)
        attention, routers = nn.ModuleDict(), nn.ModuleDict()
        for site in cross_sites(model):
            attention[str(site.index)] = KeyValueProjection(CONTEXT, site.channels)
            routers[str(site.index)] = IDRouter(
                channels=site.channels,
                hidden_position=2 * site.channels,
                hidden_identity=2 * CONTEXT,
                tokens=TOKENS,
                width=CONTEXT,
            )
        attention.requires_grad_(False)
        routers.requires_grad_(False)
        tokens = torch.randn(n, TOKENS, CONTEXT) * 3
        return IdentityResidual(
            attention=attention,
            tokens=tokens,
            null_tokens=torch.randn(1, TOKENS, CONTEXT),
            people=tuple(
                Acting(
                    name=f"person {place + 1}",
                    strength=1.0 if strengths is None else strengths[place],
                    window=ALWAYS if windows is None else windows[place],
                )
                for place in range(n)
            ),
            placement=placement or Routed(routers, tokens),
        )

    return build


@pytest.fixture(scope="session")
def conditioning():
    """A builder: random text conditioning, `conditioning(seed, tokens=7)`."""

    def build(seed, tokens=7, **extra):
        generator = torch.Generator().manual_seed(seed)
        return [[torch.randn(1, tokens, CONTEXT, generator=generator), {"pooled_output": None, **extra}]]

    return build


@pytest.fixture(scope="session")
def sample(conditioning):
    """Two Euler steps through ComfyUI's own sampling; gives the latent."""
    import comfy.sample

    def run(
        model,
        *,
        size=(16, 16),
        batch=1,
        cfg=4.0,
        positive=None,
        negative=None,
        sampler="euler",
        steps=2,
        seed=3,
        latent=None,
    ):
        latent = torch.zeros(batch, 4, *size) if latent is None else latent
        noise = torch.randn(latent.shape, generator=torch.Generator().manual_seed(seed))
        return comfy.sample.sample(
            model,
            noise,
            steps,
            cfg,
            sampler,
            "normal",
            positive or conditioning(10),
            negative or conditioning(11),
            latent,
            denoise=1.0,
            disable_pbar=True,
            seed=seed,
        )

    return run


@pytest.fixture
def loaded_model(tiny_model):
    """A MODEL whose weights are inference tensors, as loaders make them."""
    with torch.inference_mode():
        return tiny_model()


@pytest.fixture
def drawn(sample):
    """Sample as ComfyUI executes nodes: in inference mode."""

    def run(model, **settings):
        with torch.inference_mode():
            return sample(model, **settings).clone()

    return run


INTRINSIC, SHALLOW, CLIP_WIDTH, POOLED = 10, 18, 5, 6


@pytest.fixture(scope="session")
def uniportrait_files(tiny_model, cross_sites, tmp_path_factory):
    """The files of an adapter and an image prompt for the tiny SD1.5-shaped model, as published: .bin, nested, half precision."""
    from likeness.models.face.iresnet import IResNet
    from likeness.models.uniportrait.id_embedding import IDEmbedding, IDEmbeddingSizes

    folder = tmp_path_factory.mktemp("uniportrait")
    sites = cross_sites(tiny_model())
    generator = torch.Generator().manual_seed(4)

    def randn(*shape):
        return (torch.randn(*shape, generator=generator) / shape[-1] ** 0.5).half()

    def lora():
        layers = {}
        for site in sites:
            for index in (site.index - 1, site.index):
                for part in ("q", "k", "v", "out"):
                    inputs = CONTEXT if index % 2 and part in "kv" else site.channels
                    layers[f"{index}.to_{part}_lora.down.weight"] = randn(3, inputs)
                    layers[f"{index}.to_{part}_lora.up.weight"] = randn(site.channels, 3) * 0.1
        return layers

    torch.manual_seed(5)
    sizes = IDEmbeddingSizes(
        tokens=TOKENS, dim=16, dim_head=64, inner=64, depth=2, intrinsic=INTRINSIC, structure=SHALLOW + CLIP_WIDTH,
        hidden_intrinsic=12, hidden_structure=20, hidden_feed=32, output=CONTEXT,
    )  # fmt: skip
    embedding = IDEmbedding(sizes)
    torch.nn.init.normal_(embedding.latents)
    faceid, router = lora(), lora()
    for site in sites:
        place, channels = site.index, site.channels
        for part in ("k", "v"):
            faceid[f"{place}.to_{part}_faceid.weight"] = randn(channels, CONTEXT)
        router[f"{place}.to_q_router.0.weight"] = randn(2 * channels, channels)
        router[f"{place}.to_q_router.0.bias"] = randn(2 * channels)
        router[f"{place}.to_q_router.2.weight"] = randn(channels, 2 * channels)
        router[f"{place}.to_k_router.0.weight"] = randn(48, CONTEXT)
        router[f"{place}.to_k_router.0.bias"] = randn(48)
        router[f"{place}.to_k_router.2.weight"] = randn(channels, 48)
        router[f"{place}.aggr_router.weight"] = randn(1, TOKENS)
        router[f"{place}.aggr_router.bias"] = randn(1)
    projection = {key: tensor.half() for key, tensor in embedding.state_dict().items()}
    torch.save({"faceid_proj": projection, "faceid_adapter": faceid}, folder / "faceid.bin")
    torch.save({"faceid_adapter": router}, folder / "router.bin")
    backbone = IResNet(4, [(4, 1), (6, 1), (8, 1), (INTRINSIC, 1)]).eval()
    torch.save(backbone.state_dict(), folder / "backbone.bin")
    keys = {f"{s.index}.to_{part}_ip.weight": randn(s.channels, CONTEXT) for s in sites for part in ("k", "v")}
    norm = {"norm.weight": torch.ones(CONTEXT), "norm.bias": torch.zeros(CONTEXT)}
    projection = {"proj.weight": randn(4 * CONTEXT, POOLED), "proj.bias": randn(4 * CONTEXT), **norm}
    torch.save({"image_proj": projection, "ip_adapter": keys}, folder / "ip-adapter.bin")
    return folder


@pytest.fixture(scope="session")
def adapter(uniportrait_files):
    """The tiny adapter, loaded as the node loads it, with an image encoder that stands in for CLIP."""
    from likeness.host.uniportrait.adapter import load_uniportrait

    folder = uniportrait_files
    loaded = load_uniportrait(folder / "faceid.bin", folder / "backbone.bin", folder / "router.bin", None)
    return dataclasses.replace(loaded, clip=PixelTokens(CLIP_WIDTH))


@pytest.fixture(scope="session")
def chain():
    """A builder: `chain(n, **settings of every person)` gives People with random photos."""
    return random_people


FACE, VISION, RANK = 512, 1280, 3  # widths of face vector and image encoder that the host asks for; of the LoRA
REGIONS = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")


def filled(module, seed, scale=1.0):
    """A module with reproducible random weights, as large as the number of their inputs allows."""
    generator = torch.Generator().manual_seed(seed)
    for parameter in module.parameters():
        size = 0.1 if parameter.ndim < 2 else scale / parameter[0].numel() ** 0.5
        parameter.data = torch.randn(parameter.shape, generator=generator) * size
    return module.eval().requires_grad_(False)


@pytest.fixture(scope="session")
def consistentid_files(tiny_model, cross_sites, tmp_path_factory):
    """A builder: the file of an adapter for a tiny model as published, .bin and nested; SDXL's projection has its own name."""
    from likeness.models.adapters.resampler import ResamplerSizes
    from likeness.models.consistentid.facial_encoder import FacialEncoder
    from likeness.models.consistentid.id_projection import IDProjection

    paths = {}

    def build(kind="sd15"):
        if kind in paths:
            return paths[kind]
        generator = torch.Generator().manual_seed(8)
        layers = {}
        for site in cross_sites(tiny_model(kind)):
            for index in (site.index - 1, site.index):
                for part in ("q", "k", "v", "out"):
                    inputs = CONTEXT if index % 2 and part in "kv" else site.channels
                    down = torch.randn(RANK, inputs, generator=generator) / inputs**0.5
                    layers[f"{index}.to_{part}_lora.down.weight"] = down
                    layers[f"{index}.to_{part}_lora.up.weight"] = (
                        torch.randn(site.channels, RANK, generator=generator) / 9
                    )
            for part in "kv":
                keys = torch.randn(site.channels, CONTEXT, generator=generator)
                layers[f"{site.index}.to_{part}_ip.weight"] = keys / CONTEXT**0.5
        sizes = {"features": VISION, "inner": 64, "dim_head": 64, "hidden": 48, "depth": 1, "output": CONTEXT}
        encoder = FacialEncoder(ResamplerSizes(dim=32, **sizes))
        weights = {
            "image_proj" if kind == "sd15" else "image_proj_model": filled(
                IDProjection(FACE, 16, TOKENS, ResamplerSizes(dim=CONTEXT, **sizes)), 6
            ).state_dict(),
            "FacialEncoder": filled(encoder, 7, scale=3.0).state_dict(),
            "adapter_modules": layers,
        }
        paths[kind] = tmp_path_factory.mktemp("consistentid") / f"{kind}.bin"
        torch.save(weights, paths[kind])
        return paths[kind]

    return build


@pytest.fixture(scope="session")
def consistentid(consistentid_files):
    """A builder: an adapter as the loader node gives it, "sd15", "sdxl" or "inpaint", published or corrected.

    The flavour follows from the width of the context, which is the same in all tiny models, so it is set afterwards. Photos
    are looked at by small encoders, see `crowd`.
    """
    from dataclasses import replace

    from likeness.host.consistentid.adapter import new_consistentid
    from likeness.models.consistentid.checkpoint import load
    from likeness.models.consistentid.corrected import Corrected
    from likeness.models.consistentid.pipelines import PIPELINES
    from likeness.models.consistentid.published import Published
    from likeness.tests.models.consistentid.small_encoders import looking

    files = {}

    def build(name="sd15", *, corrected=False, kind=None):
        kind = kind or ("sdxl" if name == "sdxl" else "sd15")
        if kind not in files:
            loaded = new_consistentid(load(consistentid_files(kind)))
            files[kind] = replace(loaded, encoders=looking(VISION, FACE).encoders)
        behaviour = Corrected if corrected else Published
        return replace(files[kind], flavour=behaviour(PIPELINES[name]))

    return build


@pytest.fixture(scope="session")
def crowd():
    """A builder: `crowd(n, regions=names, masks=(), **settings of every person)` gives people, each with a random photo."""
    from likeness.models.people.person import People
    from likeness.tests.models.consistentid.small_encoders import person, photo

    def build(n=1, *, regions=REGIONS, seed=0, masks=(), **settings):
        placed = [*masks, *[None] * n]
        return People(
            tuple(
                person(f"person {place + 1}", photo(100 * seed + place, regions), mask=placed[place], **settings)
                for place in range(n)
            )
        )

    return build


@pytest.fixture(scope="session")
def narrow_clip():
    """A builder: a CLIP of ComfyUI's own classes, rows as wide as the tiny models' context, "sd15" or "sdxl" (8 + 16).

    `narrow_clip(kind, embeddings=folder)` looks for textual inversions in a folder.
    """
    from types import SimpleNamespace

    import comfy.sd
    from comfy import sd1_clip, sdxl_clip

    def config(width):
        return {"hidden_size": width, "intermediate_size": 2 * width, "num_attention_heads": 2, "num_hidden_layers": 3}

    made = {}

    def build(kind="sd15", *, embeddings=None, width=CONTEXT):
        if embeddings is not None:
            return make(kind, embeddings, width)
        if (kind, width) not in made:
            made[kind, width] = make(kind, embeddings, width)
        return made[kind, width].clone()

    def make(kind, embeddings, width):
        if kind == "sd15":
            target = SimpleNamespace(params={}, clip=sd1_clip.SD1ClipModel, tokenizer=sd1_clip.SD1Tokenizer)
            options = {"clip_l_model_config": config(width)}
        else:
            target = SimpleNamespace(params={}, clip=sdxl_clip.SDXLClipModel, tokenizer=sdxl_clip.SDXLTokenizer)
            options = {"clip_l_model_config": config(8), "clip_g_model_config": config(width - 8)}
        clip = comfy.sd.CLIP(
            target,
            embedding_directory=None if embeddings is None else [str(embeddings)],
            model_options={**options, "dtype": torch.float32},
        )
        filled(clip.cond_stage_model, 9, scale=2.0)
        return clip

    return build


@pytest.fixture(scope="session")
def vision_model(tmp_path_factory):
    """A builder: a CLIP_VISION of ComfyUI's own classes, its sizes as in its configuration file."""
    import json

    import comfy.clip_vision

    def build(**sizes):
        path = tmp_path_factory.mktemp("vision") / "config.json"
        fixed = {"model_type": "clip_vision_model", "hidden_act": "gelu", "image_size": 224, "num_channels": 3}
        path.write_text(json.dumps({**fixed, "projection_dim": 8, **sizes}), encoding="utf-8")
        vision = comfy.clip_vision.ClipVisionModel(str(path))
        vision.model.float()
        filled(vision.model, 12)
        return vision

    return build


@pytest.fixture(scope="session")
def wide_vision(vision_model):
    """A CLIP_VISION as wide as ViT-H/14, with two layers and 16 patches."""
    return vision_model(
        hidden_size=VISION, intermediate_size=16, num_attention_heads=16, num_hidden_layers=2, patch_size=56
    )
