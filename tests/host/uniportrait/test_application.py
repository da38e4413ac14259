"""Applying people to a MODEL: the rules on N, LoRA, strengths and fit."""

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.person import People, PersonSettings
from likeness.tests.host.ip_adapter.conftest import SEEN
from likeness.tests.people import PixelTokens

pytestmark = pytest.mark.comfy

SETTINGS = {"structure_scale": 0.2, "lora_strength": 1.0}


@pytest.fixture
def apply(adapter):
    from likeness.host.uniportrait.application import apply

    def run(model, people, **settings):
        applied = apply(model, settings.pop("uniportrait", adapter), people, **{**SETTINGS, **settings})
        return applied.model, applied.is_applied

    return run


def lora_of(model, key="diffusion_model.input_blocks.1.1.transformer_blocks.0.attn1.to_q.weight"):
    patches = model.patches.get(key, [])
    return patches[0][1].weights[0] if patches else None


@pytest.mark.parametrize("people", range(1, 9))
def test_one_to_eight_people(tiny_model, apply, chain, sample, people):
    model = tiny_model()
    patched, applied = apply(model, chain(people))
    latent = sample(patched)
    assert applied
    assert latent.isfinite().all()
    assert not torch.equal(latent, sample(model))


@pytest.mark.parametrize("settings", [{"strength": 0.0}, {"start_percent": 0.6, "end_percent": 0.6}])
def test_nobody_active_is_a_plain_clone(tiny_model, apply, chain, sample, settings):
    model = tiny_model()
    patched, applied = apply(model, chain(2, **settings))
    assert not applied
    assert patched is not model
    assert patched.patches == {}
    assert torch.equal(sample(patched), sample(model))


def test_a_person_with_strength_zero_does_not_count(tiny_model, apply, chain, sample):
    model, both = tiny_model(), chain(2)
    silent = People((both[0], replace(both[1], settings=PersonSettings(strength=0.0))))
    alone = People((both[0],))
    assert torch.equal(sample(apply(model, silent)[0]), sample(apply(model, alone)[0]))


def test_the_number_of_people_chooses_the_lora(tiny_model, apply, chain, adapter):
    model = tiny_model()
    one, two = (lora_of(apply(model, chain(n))[0]) for n in (1, 2))
    assert torch.equal(one, adapter.adapter.single_lora[0]["q"][1])
    assert torch.equal(two, adapter.adapter.multi_lora[0]["q"][1])
    assert lora_of(apply(model, chain(1), lora_strength=0.0)[0]) is None
    assert lora_of(model) is None


def test_lora_is_added_to_all_four_projections(tiny_model, apply, chain, adapter):
    import comfy.model_management

    model = tiny_model()
    before = {key: tensor.clone() for key, tensor in model.model.state_dict().items()}
    patched, _ = apply(model, chain(1), lora_strength=0.5)
    comfy.model_management.load_models_gpu([patched])
    after = {key: tensor.clone() for key, tensor in model.model.state_dict().items()}
    patched.detach()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert len(changed) == 32 * 4
    down, up = adapter.adapter.single_lora[1]["out"]
    key = "diffusion_model.input_blocks.1.1.transformer_blocks.0.attn2.to_out.0.weight"
    torch.testing.assert_close(after[key], before[key] + 0.5 * up.float() @ down.float())
    assert all(torch.equal(tensor, before[key]) for key, tensor in model.model.state_dict().items())


def test_two_people_without_a_router_file(tiny_model, uniportrait_files, apply, chain, adapter):
    from likeness.host.uniportrait.adapter import load_uniportrait
    from likeness.models.errors import InvalidSettingError

    folder = uniportrait_files
    single = load_uniportrait(folder / "faceid.bin", folder / "backbone.bin")
    single = replace(single, clip=adapter.clip)
    assert apply(tiny_model(), chain(1), uniportrait=single)[1]
    with pytest.raises(InvalidSettingError, match=r"2 people need the router file.* choose it there"):
        apply(tiny_model(), chain(2), uniportrait=single)


def test_a_base_of_another_architecture_is_refused(tiny_model, apply, chain):
    from likeness.models.errors import IncompatibleBaseModelError

    with pytest.raises(IncompatibleBaseModelError, match=r"16 cross-attention layers .* this model has 70 and 24"):
        apply(tiny_model("sdxl"), chain(1))


def test_an_image_prompt_without_its_file(tiny_model, apply, chain):
    from likeness.host.uniportrait.application import ImagePromptInput
    from likeness.models.errors import InvalidSettingError

    prompt = ImagePromptInput(embedding=torch.zeros(1, 5), strength=0.7)
    with pytest.raises(InvalidSettingError, match="choose an IP-Adapter file"):
        apply(tiny_model(), chain(1), image_prompt=prompt)


def test_an_image_prompt_acts_with_and_without_people(tiny_model, uniportrait_files, apply, chain, sample, adapter):
    from likeness.host.uniportrait.adapter import load_uniportrait
    from likeness.host.uniportrait.application import ImagePromptInput

    folder = uniportrait_files
    files = (folder / "faceid.bin", folder / "backbone.bin", folder / "router.bin", folder / "ip-adapter.bin")
    uniportrait, model = replace(load_uniportrait(*files), clip=adapter.clip), tiny_model()
    embedding = torch.randn(2, 6, generator=torch.Generator().manual_seed(1))
    prompt = ImagePromptInput(embedding=embedding, strength=0.7)
    alone, applied = apply(model, chain(1, strength=0.0), uniportrait=uniportrait, image_prompt=prompt)
    assert applied
    assert alone.patches == {}
    plain, people = sample(model), sample(apply(model, chain(2), uniportrait=uniportrait)[0])
    assert not torch.equal(sample(alone), plain)
    both, _ = apply(model, chain(2), uniportrait=uniportrait, image_prompt=prompt)
    assert not torch.equal(sample(both), people)
    nowhere = ImagePromptInput(embedding=embedding, strength=0.7, mask=torch.zeros(1, 64, 64))
    masked, _ = apply(model, chain(2), uniportrait=uniportrait, image_prompt=nowhere)
    torch.testing.assert_close(sample(masked), people, atol=1e-4, rtol=1e-4)
    silent = ImagePromptInput(embedding=embedding, strength=0.0)
    assert torch.equal(sample(apply(model, chain(2), uniportrait=uniportrait, image_prompt=silent)[0]), people)


def test_an_image_prompt_of_the_plus_kind_reads_tokens(tiny_model, apply, adapter, ip_adapter_weights, sample):
    from likeness.host.uniportrait.application import ImagePromptInput
    from likeness.models.ip_adapter.checkpoint import load

    branch = load(ip_adapter_weights("plus"), dim_head=8)
    both = replace(adapter, adapter=replace(adapter.adapter, image_prompt=branch), clip=PixelTokens(SEEN))
    seen = torch.randn(2, 257, SEEN, generator=torch.Generator().manual_seed(1))
    prompts = [ImagePromptInput(embedding=torch.zeros(2, 6), tokens=each, strength=0.7) for each in (seen, 2 * seen)]
    one, other = (sample(apply(tiny_model(), People(), uniportrait=both, image_prompt=each)[0]) for each in prompts)
    assert one.isfinite().all()
    assert not torch.equal(one, other)
    with pytest.raises(InvalidSettingError, match="no tokens of CLIP, which Plus reads"):
        apply(tiny_model(), People(), uniportrait=both, image_prompt=replace(prompts[0], tokens=None))


def test_masks_override_the_router(tiny_model, apply, chain, sample):
    from likeness.host.sampling.runs import find_placement_maps

    model, both = tiny_model(), chain(2)
    left = torch.zeros(1, 128, 128)
    left[:, :, :64] = 1
    people = People((replace(both[0], mask=left), replace(both[1], mask=1 - left)))
    patched, _ = apply(model, people)
    maps = find_placement_maps(patched, sample(patched)).maps[0]
    assert maps[0, :, :4].min() > 0.99
    assert maps[1, :, -4:].min() > 0.99
    torch.testing.assert_close(maps.sum(0), torch.ones(16, 16))


def test_requeue_bypass_and_enable_again(tiny_model, apply, chain, sample):
    model = tiny_model()
    plain = sample(model)
    first = sample(apply(model, chain(2))[0])
    for _ in range(3):
        assert torch.equal(sample(apply(model, chain(2))[0]), first)
        assert torch.equal(sample(model), plain)


def test_adapters_are_co_loaded_and_not_duplicated(tiny_model, apply, chain, adapter):
    patched, _ = apply(tiny_model(), chain(2))
    clone = patched
    for _ in range(10):
        clone = clone.clone()
    assert [patcher.model for patcher in clone.get_nested_additional_models()] == [adapter.attention.model]


@pytest.mark.parametrize("size", [(9, 16), (16, 40), (17, 23)])
def test_odd_and_non_square_sizes(tiny_model, apply, chain, sample, size):
    latent = sample(apply(tiny_model(), chain(3))[0], size=size)
    assert latent.shape[-2:] == size
    assert latent.isfinite().all()


def test_control_net_sees_no_identity_tokens(tiny_model, apply, chain, conditioning, sample):
    """A control object sees the text context and options without a pending layer; its residuals reach the UNet."""
    seen = []

    class Control:
        def __init__(self):
            self.previous_controlnet = None
            self.extra_hooks = None
            self.multigpu_clones = {}

        def get_control(self, x_noisy, t, cond, batched_number, transformer_options):
            seen.append((cond["c_crossattn"].shape[1], [key for key in transformer_options if "likeness" in key]))
            return None

        def get_extra_hooks(self):
            return []

        def get_models(self):
            return []

        def inference_memory_requirements(self, dtype):
            return 0

        def pre_run(self, model, percent_to_timestep_function):
            pass

        def cleanup(self):
            pass

    patched, _ = apply(tiny_model(), chain(2))
    sample(patched, positive=conditioning(1, control=Control()), negative=conditioning(2, control=Control()))
    assert seen
    assert all(tokens == 7 for tokens, _ in seen)
    assert not any(key.startswith("likeness.injection") for _, keys in seen for key in keys)


def test_free_u_and_hypertile_in_the_same_graph(tiny_model, apply, chain, sample):
    import comfy_extras.nodes_freelunch
    import comfy_extras.nodes_hypertile

    def patch(cls, name, *args):
        function = cls.execute if hasattr(cls, "execute") else getattr(cls(), name)
        result = function(*args)
        return result.args[0] if hasattr(result, "args") else result[0]

    model = tiny_model()
    freed = patch(comfy_extras.nodes_freelunch.FreeU_V2, "patch", model, 1.3, 1.4, 0.9, 0.2)
    before = sample(apply(freed, chain(2))[0])
    after = sample(patch(comfy_extras.nodes_freelunch.FreeU_V2, "patch", apply(model, chain(2))[0], 1.3, 1.4, 0.9, 0.2))
    assert torch.equal(before, after)
    tiled = patch(comfy_extras.nodes_hypertile.HyperTile, "patch", apply(model, chain(2))[0], 256, 2, 0, False)
    assert sample(tiled, size=(32, 32)).isfinite().all()
