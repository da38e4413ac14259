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
    from likeness.models.layers.key_value import KeyValueProjection
    from likeness.models.uniportrait.adapter import Person, Routed, UniPortraitResidual
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
        return UniPortraitResidual(
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
