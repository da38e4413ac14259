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

    def run(model=loaded_model, *, ask=((0.5, 0),), seed=10, block=5, positive=None, **extra):
        from likeness.host.guidance.attach import guide

        guidance = Reading(ask, block)
        with torch.inference_mode():
            sample(guide(model, guidance), steps=1, positive=positive or conditioning(seed, **extra))
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


MASK = {"mask": torch.ones(1, 16, 16)}
EARLY, LATE = {"end_percent": 0.3}, {"start_percent": 0.3}
NAMED = {"likeness.named rows": ((0, 2),)}


@pytest.mark.parametrize(
    ("entries", "chosen"),
    [
        ([EARLY, LATE], 0),
        ([LATE, EARLY], 1),  # one that is on
        ([{}, NAMED], 1),
        ([EARLY, {**LATE, **NAMED}], 0),
        ([{"area": (8, 8, 0, 0)}, MASK, {}], 2),
        ([{"area": (8, 8, 0, 0)}, {**MASK, **NAMED}], 1),
        ([MASK, {"area": (8, 8, 0, 0)}], 0),
        ([{"default": True}, MASK], 1),
    ],
)
def test_of_several_prompts_one_that_is_on_and_about_people_or_all_of_the_picture_is_read(
    read, conditioning, entries, chosen
):
    _, [found] = read(positive=[conditioning(10 + place, **each)[0] for place, each in enumerate(entries)])
    _, [expected] = read(seed=10 + chosen)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)


@pytest.fixture(params=["inpainting", "pix2pix", "without words about it"])
def concatenating(request, tiny_model):
    """A MODEL whose network sees another picture beside the latent."""
    from types import MethodType

    from comfy import model_base

    channels = 9 if request.param == "inpainting" else 8
    with torch.inference_mode():
        model = tiny_model(in_channels=channels)
        if request.param == "inpainting":
            model.model.set_inpaint()
        elif request.param == "pix2pix":
            model.model.process_ip2p_image_in = lambda image: image
            model.model.concat_cond = MethodType(model_base.IP2P.concat_cond, model.model)
    return model


@pytest.mark.parametrize("size", [(16, 16), (16, 24)])
def test_what_is_concatenated_belongs_to_the_picture_and_not_to_the_reference(
    concatenating, conditioning, sample, size
):
    """References have a size and a picture of their own; the model is shown what it has where no picture is given."""
    from likeness.host.guidance.attach import guide

    seen = []
    for seed in (1, 2):
        generator = torch.Generator().manual_seed(seed)
        picture = torch.randn(1, 4, *size, generator=generator)
        extra = {"concat_latent_image": picture, "concat_mask": torch.ones(1, 1, *size)}
        if not concatenating.model.concat_keys and "concat_cond" not in vars(concatenating.model):
            extra = {"noise_concat": picture}
        guidance = Reading(((0.5, 0),), 5)
        with torch.inference_mode():
            model = guide(concatenating, guidance)
            sample(model, size=size, steps=1, positive=conditioning(10, **extra), negative=conditioning(11, **extra))
        seen += [found for _, [found] in guidance.read]
    assert seen[0].shape[-2:] == (6, 4)
    assert torch.equal(*seen)


def hooked(conditioning, *strengths):
    """A prompt with a LoRA that takes another strength at every share of the run."""
    import comfy.hooks

    generator = torch.Generator().manual_seed(6)
    key = "diffusion_model.output_blocks.3.1.transformer_blocks.0.attn2.to_q"
    lora = {
        f"{key}.lora_down.weight": torch.randn(4, 128, generator=generator),
        f"{key}.lora_up.weight": torch.randn(128, 4, generator=generator),
    }
    group = comfy.hooks.create_hook_lora(lora, 1.0, 0.0)
    frames = comfy.hooks.HookKeyframeGroup()
    for place, strength in enumerate(strengths):
        frames.add(comfy.hooks.HookKeyframe(strength, place / len(strengths)))
    group.set_keyframes_on_hooks(frames)
    return conditioning(10, hooks=group)


def test_reading_leaves_the_schedule_of_the_prompts_hooks_alone(loaded_model, conditioning, sample):
    """Their keyframes only go forward, and references are read at a later noise level than the run begins with."""
    from likeness.host.guidance.attach import guide

    guidance = Reading(((0.9, 0),), 5)
    with torch.inference_mode():
        plain = sample(loaded_model, steps=4, positive=hooked(conditioning, 1.0, -1.0))
        other = sample(loaded_model, steps=4, positive=hooked(conditioning, -1.0, -1.0))
        found = sample(guide(loaded_model, guidance), steps=4, positive=hooked(conditioning, 1.0, -1.0))
    assert (plain - other).abs().max() > 0.1
    torch.testing.assert_close(found, plain, atol=1e-2, rtol=0)
    assert len(guidance.read) == 1


def test_references_are_read_with_the_prompts_hooks(read, conditioning):
    key, [found] = read(positive=hooked(conditioning, 1.0))
    other_key, [other] = read()
    assert key != other_key
    assert not torch.allclose(found, other, atol=1e-2)


def test_a_model_that_does_not_run_is_told_of(loaded_model, read):
    from likeness.models.errors import LikenessError

    with torch.inference_mode():
        kept = loaded_model.clone()
        kept.set_model_unet_function_wrapper(lambda apply_model, args: args["input"])
    with pytest.raises(LikenessError, match="gave a result in the model's place"):
        read(kept)
