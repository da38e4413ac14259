"""Single pictures: ComfyUI's noise, what SDXL is told of sizes, pixels, and adapters of other architectures."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.pictures import ask_unet, cpu_noise, decode_picture, require_fit
from likeness.diffusers_host.text_encoders import TextCondition
from likeness.models.errors import IncompatibleBaseModelError
from likeness.tests.training.small_world import WIDTH, small_base


def test_noise_is_that_of_the_seed():
    one = cpu_noise(5, (1, 4, 8, 8))
    assert torch.equal(one, torch.randn(1, 4, 8, 8, generator=torch.Generator().manual_seed(5)))
    assert not torch.equal(one, cpu_noise(6, (1, 4, 8, 8)))


def test_sdxl_is_told_the_pooled_text_and_the_sizes():
    base, seen = small_base("sdxl"), []
    base.unet.register_forward_pre_hook(lambda unet, args, given: seen.append(given), with_kwargs=True)
    generator = torch.Generator().manual_seed(0)
    text = TextCondition(
        tokens=torch.randn(2, 7, WIDTH, generator=generator), pooled=torch.randn(2, 16, generator=generator)
    )
    sizes = torch.tensor([[96, 64, 0, 0, 96, 64]]).expand(2, -1)
    with torch.no_grad():
        said = ask_unet(base, torch.randn(2, 4, 12, 8), torch.tensor([500, 500]), text, sizes)
    assert said.shape == (2, 4, 12, 8)
    [given] = seen
    assert given["added_cond_kwargs"]["time_ids"].tolist() == sizes.tolist()
    assert torch.equal(given["added_cond_kwargs"]["text_embeds"], text.pooled)


@torch.no_grad()
def test_pixels_are_rounded_and_clamped():
    base = small_base()
    latents = torch.randn(1, 4, 6, 4, generator=torch.Generator().manual_seed(0))
    picture = decode_picture(base, latents)
    plain = base.vae.decode(latents / base.latent_scale).sample[0].permute(1, 2, 0)
    expected = (plain * 127.5 + 127.5).clamp(0, 255)
    assert picture.shape == (6, 4, 3)
    torch.testing.assert_close(torch.from_numpy(picture).float(), expected, atol=0.51, rtol=0)


@pytest.mark.parametrize(("widths", "context"), [({1: 32}, WIDTH), (None, WIDTH + 1)])
def test_an_adapter_of_another_architecture_is_refused(widths, context):
    from likeness.diffusers_host.attention import find_sites

    base = small_base()
    own = {site.index: site.channels for site in find_sites(base.unet) if site.kind == "cross"}
    require_fit(base, own, WIDTH, name="a.bin")
    with pytest.raises(IncompatibleBaseModelError, match=r"^a\.bin fits a UNet with .* this one has 16 and 24"):
        require_fit(base, own if widths is None else widths, context, name="a.bin")
