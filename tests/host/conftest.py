"""Tiny models for the host tests: real ComfyUI classes, random weights."""

import pytest
import torch

CONTEXT = 24
TOKENS = 4


@pytest.fixture(scope="session")
def tiny_model():
    """A builder: `tiny_model(kind)` gives a ModelPatcher around a narrow UNet, "sd15" with 16 sites, "sdxl" with 70."""
    from comfy import model_base, model_patcher, supported_models

    def build(kind="sd15", seed=0):
        config = {
            "image_size": 32,
            "out_channels": 4,
            "use_spatial_transformer": True,
            "legacy": False,
            "in_channels": 4,
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
    from likeness.host.sites import find_sites, unet_of

    return lambda model: [site for site in find_sites(unet_of(model)) if site.kind == "cross"]


@pytest.fixture(scope="session")
def people(cross_sites):
    """A builder: `people(model, n)` gives a UniPortrait residual for n random people, routed."""
    from likeness.models.identity_attention import IdentityResidual, Person
    from likeness.models.layers.key_value import KeyValueProjection
    from likeness.models.uniportrait.adapter import Routed
    from likeness.models.uniportrait.id_routing import IDRouter
    from torch import nn

    def build(model, n=2, *, strengths=None, windows=None, placement=None, seed=1):
        from likeness.models.schedule import ALWAYS

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
                Person(
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

    def run(model, *, size=(16, 16), batch=1, cfg=4.0, positive=None, negative=None, sampler="euler", steps=2, seed=3):
        latent = torch.zeros(batch, 4, *size)
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
    """The tiny adapter, loaded as the node loads it."""
    from likeness.host.uniportrait import load_uniportrait

    folder = uniportrait_files
    return load_uniportrait(folder / "faceid.bin", folder / "backbone.bin", folder / "router.bin", None)


@pytest.fixture(scope="session")
def chain():
    """A builder: `chain(n, **settings of every person)` gives Identities with random features."""
    from likeness.models.uniportrait.features import ReferenceFeatures
    from likeness.models.uniportrait.identity import Identities, Identity

    def build(n=2, seed=0, **settings):
        generator = torch.Generator().manual_seed(seed)
        people = tuple(
            Identity(
                name=f"person {place + 1}",
                features=ReferenceFeatures(
                    intrinsic=torch.randn(1, 49, INTRINSIC, generator=generator),
                    structure=torch.randn(1, 256, SHALLOW + CLIP_WIDTH, generator=generator),
                ),
                **settings,
            )
            for place in range(n)
        )
        return Identities(people=people, null_clip_tokens=torch.randn(1, 256, CLIP_WIDTH, generator=generator))

    return build
