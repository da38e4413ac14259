"""Features of a reference picture, read from the model that samples."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
import torch
from likeness.models.port.guidance import FeatureCapture

pytestmark = pytest.mark.comfy

LATENT = torch.randn(1, 4, 12, 8, generator=torch.Generator().manual_seed(5))


@dataclass(eq=False)
class Reading:
    """A guidance of nobody that keeps what it reads."""

    ask: tuple[tuple[float, int], ...]
    block: int
    every: int = 1
    name: str = "nobody"
    wants_attention: bool = False
    read: list = field(default_factory=list)

    @property
    def capture(self):
        return FeatureCapture(self.block)

    def prepare(self, read):
        self.read.append((read.key, [read(LATENT, *each).clone() for each in self.ask]))
        return self

    def is_active(self, sigma):
        return True

    def pulls(self, step):
        return []


@pytest.fixture
def read(loaded_model, sample, conditioning):
    """A function: what a guided run of one step reads of a picture."""

    def run(model=loaded_model, *, ask=((0.5, 0),), seed=10, block=5, **extra):
        from likeness.host.guidance.attach import guide

        guidance = Reading(ask, block)
        with torch.inference_mode():
            sample(guide(model, guidance), steps=1, positive=conditioning(seed, **extra))
        [found] = guidance.read
        return found

    return run


def test_they_are_what_the_model_gives_for_the_noisy_picture(loaded_model, read, conditioning):
    _, [features] = read()
    model, kept = loaded_model.model, {}
    hook = model.diffusion_model.output_blocks[5][-1].register_forward_hook(
        lambda module, args, output: kept.update(h=output)
    )
    sigma = torch.tensor([float(model.model_sampling.percent_to_sigma(0.5))])
    noise = torch.randn(LATENT.shape, generator=torch.Generator().manual_seed(0))
    x = model.process_latent_in(LATENT) + sigma.view(-1, 1, 1, 1) * noise
    with torch.inference_mode():
        model.apply_model(x, sigma, c_crossattn=conditioning(10)[0][0])
    hook.remove()
    torch.testing.assert_close(features, kept["h"][0], atol=1e-4, rtol=1e-4)


def test_noise_seed_and_level_count_and_each_can_be_asked_again(read):
    _, [first, again, other, later] = read(ask=((0.5, 0), (0.5, 0), (0.5, 1), (0.9, 0)))
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)
    assert not torch.allclose(first, later)


def test_area_mask_and_strength_of_the_prompt_are_not_the_references(read):
    _, [plain] = read()
    _, [part] = read(area=(8, 8, 0, 0), strength=0.3)
    torch.testing.assert_close(part, plain, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("limits", [{"end_percent": 0.6}, {"start_percent": 0.0, "end_percent": 0.3}])
def test_a_prompt_of_a_part_of_the_run_is_read_at_any_noise_level(read, limits):
    _, plain = read(ask=((0.5, 0), (0.9, 0)))
    _, limited = read(ask=((0.5, 0), (0.9, 0)), **limits)
    assert all(torch.equal(one, other) for one, other in zip(plain, limited, strict=True))


def test_the_key_is_that_of_model_prompt_and_block(read, loaded_model):
    key, _ = read()
    assert read()[0] == key
    assert read(seed=11)[0] != key
    assert read(block=8)[0] != key
    patched = loaded_model.clone()
    patched.set_model_attn1_patch(lambda n, context, value, extra: (n, context, value))
    assert read(patched)[0] != key
