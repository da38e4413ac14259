"""Applying ConsistentID's people to a MODEL: who is where, LoRA, windows, sums with other methods, refusals."""

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import People, PersonSettings
from likeness.tests.host.conftest import CLIP_WIDTH
from likeness.tests.models.consistentid.small_encoders import SmallImageEncoder

pytestmark = pytest.mark.comfy

CLOSE = {"atol": 2e-4, "rtol": 1e-4}


@pytest.fixture
def apply(consistentid):
    from likeness.host.consistentid.application import apply

    def run(model, people, *, adapter=None, **settings):
        """Several people need the corrected behaviour."""
        adapter = adapter or consistentid(corrected=len(people) > 1)
        applied = apply(model, adapter, people, **settings)
        return applied.model, applied.is_applied

    return run


@pytest.fixture
def quick(sample):
    def run(model, **settings):
        return sample(model, **{"size": (8, 8), **settings})

    return run


def halves():
    left = torch.zeros(1, 64, 64)
    left[..., :32] = 1
    return left, 1 - left


def masked(people, masks):
    return People(tuple(replace(person, mask=mask) for person, mask in zip(people, masks, strict=True)))


@pytest.mark.parametrize(("name", "sites"), [("sd15", 16), ("sdxl", 70)])
def test_one_person_acts_at_every_site_and_the_model_is_untouched(
    tiny_model, consistentid, apply, crowd, quick, name, sites, caplog
):
    model = tiny_model(name)
    plain = quick(model)

    patched, applied = apply(model, crowd(), adapter=consistentid(name), lora_strength=0.0)
    with caplog.at_level("INFO"):
        latent = quick(patched)

    assert applied
    assert f"ConsistentID: {sites}/{sites} sites active" in caplog.text
    assert latent.isfinite().all()
    assert not torch.allclose(latent, plain, atol=1e-2)
    assert torch.equal(quick(model), plain)


def test_nobody_gives_a_plain_clone(tiny_model, apply, crowd, quick):
    model = tiny_model()
    patched, applied = apply(model, crowd(0))
    assert not applied
    assert patched is not model
    assert patched.patches == {}
    assert torch.equal(quick(patched), quick(model))


@pytest.mark.parametrize(("name", "sites"), [("sd15", 16), ("sdxl", 70)])
def test_lora_patches_all_four_projections_of_every_layer(tiny_model, consistentid, apply, crowd, name, sites):
    from comfy.lora import calculate_weight

    model, adapter = tiny_model(name), consistentid(name)
    assert apply(model, crowd(), adapter=adapter, lora_strength=0.0)[0].patches == {}
    patches = apply(model, crowd(), adapter=adapter, lora_strength=0.5)[0].patches
    assert len(patches) == sites * 2 * 4
    key = "diffusion_model.middle_block.1.transformer_blocks.0.attn2.to_out.0.weight"
    weight = model.get_model_object(key)
    index = next(i for i in sorted(adapter.adapter.lora) if i % 2 and i >= 2 * sites - (1 if name == "sd15" else 19))
    down, up = adapter.adapter.lora[index]["out"]
    torch.testing.assert_close(calculate_weight(patches[key], weight.clone(), key), weight + 0.5 * up @ down)
    assert model.patches == {}


def test_lora_is_on_even_when_the_person_is_not(tiny_model, apply, crowd, quick):
    model = tiny_model()
    silent, applied = apply(model, crowd(), strength=0.0)
    assert applied
    assert len(silent.patches) == 128
    assert torch.equal(quick(apply(model, crowd(), strength=0.0, lora_strength=0.0)[0]), quick(model))
    assert not torch.equal(quick(silent), quick(model))


def test_windows_switch_the_id_tokens(tiny_model, apply, crowd, quick):
    model = tiny_model()

    def run(**window):
        return quick(apply(model, crowd(**window), lora_strength=0.0)[0])

    whole, plain = run(), quick(model)
    late, early = run(start_percent=0.5), run(end_percent=0.5)
    assert torch.equal(run(start_percent=0.0, end_percent=1.0), whole)
    assert not any(torch.equal(*pair) for pair in ((late, whole), (late, plain), (early, whole), (early, plain)))
    assert not torch.equal(late, early)


def test_both_strengths_scale_the_residual(tiny_model, apply, crowd, quick):
    model, latents = tiny_model(), []
    for own, strength in ((1.0, 0.0), (1.0, 0.02), (0.04, 1.0)):
        latents.append(quick(apply(model, crowd(strength=own), strength=strength, lora_strength=0.0)[0], steps=1))
    one, two = latents[1] - latents[0], latents[2] - latents[0]
    torch.testing.assert_close(two, 2 * one, atol=0.02 * two.abs().max().item(), rtol=0.02)


def test_several_people_stay_inside_their_masks(tiny_model, apply, crowd, quick):
    """A person's tokens change nothing in the first attention of the other half, so both halves follow their own."""
    from likeness.host.sampling.runs import find_placement_maps

    model, both = tiny_model(), crowd(2)
    patched, _ = apply(model, masked(both, halves()))
    maps = find_placement_maps(patched, quick(patched, size=(16, 16))).maps[0]
    assert maps[0, :, :4].min() > 0.99
    assert maps[1, :, -4:].min() > 0.99


def test_one_person_without_a_mask_gets_the_rest(tiny_model, apply, crowd, quick):
    from likeness.host.sampling.runs import find_placement_maps

    left, _ = halves()
    patched, _ = apply(tiny_model(), masked(crowd(2), (left, None)))
    maps = find_placement_maps(patched, quick(patched, size=(16, 16))).maps[0]
    torch.testing.assert_close(maps.sum(0), torch.ones(16, 16))
    assert maps[1, :, -4:].min() > 0.99


@pytest.fixture(scope="module")
def uniportrait(adapter):
    """UniPortrait for the tiny model, with a small image encoder."""
    from likeness.models.people.remembered import RememberedImageEncoder

    return replace(
        adapter, clip=RememberedImageEncoder(SmallImageEncoder(CLIP_WIDTH, "clip of uniportrait"), Encodings())
    )


def test_a_router_places_the_people(tiny_model, uniportrait, apply, crowd, quick):
    from likeness.host.placement import LoadedPlacement
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    router = LoadedPlacement("router", UniPortraitRouter(uniportrait, 0.3))
    patched, applied = apply(tiny_model(), crowd(2), where=router)
    maps = find_placement_maps(patched, quick(patched)).maps[0]
    assert applied
    assert maps.shape[0] == 2
    torch.testing.assert_close(maps.sum(0), torch.ones(8, 8))
    assert 0 < maps[0].mean() < 1
    models = [patcher.model for patcher in patched.get_nested_additional_models()]
    assert uniportrait.attention.model in models
    assert len(models) == 2


def test_several_people_need_a_place(tiny_model, apply, crowd):
    model = tiny_model()
    left, right = halves()
    with pytest.raises(InvalidSettingError, match=r"2 of 2 people have no mask .* connect masks in Add Person"):
        apply(model, crowd(2))
    with pytest.raises(InvalidSettingError, match=r'2 of 3 people have no mask \("person 2", "person 3"\)'):
        apply(model, crowd(3, masks=[left]))
    assert apply(model, crowd(3, masks=[left, right]))[1]


def test_the_published_behaviour_knows_one_person(tiny_model, consistentid, apply, crowd):
    with pytest.raises(InvalidSettingError, match="the published ConsistentID knows one only"):
        apply(tiny_model(), crowd(2, masks=halves()), adapter=consistentid())


def with_changed(people, place, **changes):
    """The same chain, one person changed."""
    return People(tuple(replace(one, **changes) if number == place else one for number, one in enumerate(people)))


OFF = {
    "switched off": {"settings": PersonSettings(strength=0.0)},
    "an empty window": {"settings": PersonSettings(start_percent=0.5, end_percent=0.5)},
    "left out": {"is_left_out": True},
}


@pytest.mark.parametrize("why", OFF)
def test_somebody_who_does_not_act_changes_nothing_for_the_others(tiny_model, consistentid, apply, crowd, quick, why):
    """The second of three is off: the picture is that of the first and the third, and rows keep the numbers of their people."""
    from likeness.host.consistentid.application import apply as apply_people

    left, right = halves()
    three = with_changed(crowd(3, masks=[left, None, right]), 1, **OFF[why])
    two = People((three[0], three[2]))
    prompt, moved = with_owners(), with_owners(people=(0, 2))
    model = tiny_model()
    expected = quick(apply(model, two)[0], positive=prompt, steps=1)
    assert torch.equal(quick(apply(model, three)[0], positive=moved, steps=1), expected)
    lines = apply_people(model, consistentid(corrected=True), three).lines
    assert [line.is_in for line in lines] == [True, False, True]
    assert [line.state for line in lines][::2] == ["mask", "mask"]


def test_a_person_kept_without_a_face_acts_with_a_vector_of_zeros(tiny_model, consistentid, apply, crowd, quick):
    from likeness.host.consistentid.application import apply as apply_people

    model, known = tiny_model(), crowd()
    kept = with_changed(known, 0, photos=tuple(replace(photo, taken=None, faces=()) for photo in known[0].photos))
    for corrected in (False, True):
        applied = apply_people(model, consistentid(corrected=corrected), kept)
        assert applied.is_applied
        assert [line.state for line in applied.lines] == ["everywhere"]
        assert not torch.equal(quick(applied.model, steps=1), quick(apply(model, known)[0], steps=1))


def test_an_adapter_of_the_other_architecture_is_refused(tiny_model, consistentid, apply, crowd):
    from likeness.models.errors import IncompatibleBaseModelError

    with pytest.raises(IncompatibleBaseModelError, match=r"fits a UNet with 16 cross-attention .* this model has 70"):
        apply(tiny_model("sdxl"), crowd(), adapter=consistentid("sd15"))
    with pytest.raises(IncompatibleBaseModelError, match=r"fits a UNet with 70 cross-attention .* this model has 16"):
        apply(tiny_model("sd15"), crowd(), adapter=consistentid("sdxl"))


def test_sums_with_uniportrait_in_both_orders(tiny_model, uniportrait, apply, crowd, quick):
    """The same person, seen by both."""
    from likeness.host.uniportrait.application import apply as apply_uniportrait

    model = tiny_model()
    one = apply_uniportrait(apply(model, crowd())[0], uniportrait, crowd()).model
    other = apply(apply_uniportrait(model, uniportrait, crowd()).model, crowd())[0]
    first, second = quick(one), quick(other)
    torch.testing.assert_close(first, second, **CLOSE)
    assert not torch.allclose(first, quick(apply(model, crowd())[0]), atol=1e-2)


def test_after_a_patch_of_another_pack(tiny_model, apply, crowd, quick):
    """A pack that holds every replace slot: the order of the two does not matter."""
    model = tiny_model()

    def foreign(patched):
        from comfy.ldm.modules.attention import optimized_attention
        from likeness.host.unet.sites import find_sites, unet_of

        def scaled(q, k, v, extra):
            return optimized_attention(q, k, v, extra["n_heads"]) * 1.2

        clone = patched.clone()
        for site in find_sites(unet_of(patched)):
            if site.kind == "cross":
                clone.set_model_attn2_replace(scaled, *site.block)
        return clone

    before, after = (
        quick(patched) for patched in (apply(foreign(model), crowd())[0], foreign(apply(model, crowd())[0]))
    )
    assert torch.equal(before, after)
    assert not torch.allclose(before, quick(foreign(model)), atol=1e-2)


def test_a_batch_of_two(tiny_model, apply, crowd, quick):
    patched, _ = apply(tiny_model(), crowd())
    both = quick(patched, batch=2)
    assert both.shape[0] == 2
    assert both.isfinite().all()
    assert not torch.equal(both[0], both[1])


def test_applying_again_gives_the_same_bits(tiny_model, apply, crowd, quick):
    model = tiny_model()
    plain = quick(model, steps=1)
    latents = [quick(apply(model, crowd())[0], steps=1) for _ in range(3)]
    assert torch.equal(latents[0], latents[1])
    assert torch.equal(latents[0], latents[2])
    assert torch.equal(quick(model, steps=1), plain)


def test_conds_with_areas(tiny_model, apply, crowd, conditioning, quick):
    """Masks are cut like the picture: the person of the left half is all there is in the left area."""
    from likeness.host.sampling.runs import find_placement_maps

    patched, _ = apply(tiny_model(), masked(crowd(2), halves()))
    areas = conditioning(1, area=(16, 8, 0, 0)) + conditioning(2, area=(16, 8, 0, 8))
    latent = quick(patched, size=(16, 16), positive=areas)
    maps = find_placement_maps(patched, latent).maps[0]
    assert latent.isfinite().all()
    assert maps[0, :, :7].min() > 0.99
    assert maps[1, :, 9:].min() > 0.99


def test_the_adapter_is_co_loaded_once(tiny_model, consistentid, apply, crowd):
    patched, _ = apply(tiny_model(), crowd())
    for _ in range(5):
        patched = patched.clone()
    assert [patcher.model for patcher in patched.get_nested_additional_models()] == [consistentid().attention.model]


def with_owners(tokens=7, seed=1, people=(0, 1)):
    """A prompt whose last rows belong to two people, by their places in the chain."""
    text = torch.randn(1, tokens, 24, generator=torch.Generator().manual_seed(seed)) * 2
    owners = (-1,) * (tokens - 4) + (people[0],) * 2 + (people[1],) * 2
    return [[text, {"pooled_output": None, "likeness.owners": owners}]]


def unowned(prompt):
    return [[text, {"pooled_output": None}] for text, _ in prompt]


@pytest.fixture
def pair(tiny_model, apply, crowd):
    """Two people side by side whose ID tokens are silent, so that only the prompt's rows tell them apart."""
    return apply(tiny_model(), masked(crowd(2), halves()), strength=0.0, lora_strength=0.0)[0]


def test_each_half_reads_its_own_person_s_rows(pair, quick):
    """At the first layer, before the picture's parts see each other, the other person's words have no influence."""
    from likeness.host.unet.attention import inject

    prompt, seen = with_owners(), []
    text = prompt[0][0].clone()
    text[:, -2:] += 3.0

    class Witness:
        """Notes what the attention gave with everything that was added before it."""

        def wants(self, site):
            return site.index == 1

        def __call__(self, site, call):
            if call.polarity.name == "POSITIVE":
                seen.append(call.base.unflatten(1, call.grid))

    watched = inject(pair, [Witness()], name="test")
    quick(watched, positive=prompt, steps=1)
    quick(watched, positive=[[text, prompt[0][1]]], steps=1)
    before, after = seen
    torch.testing.assert_close(after[:, :, :4], before[:, :, :4], atol=1e-5, rtol=1e-5)
    assert ((after - before)[:, :, 4:].abs().amax(dim=-1) > 1e-3).all()


def test_regional_text_where_another_pack_holds_the_layers(pair, quick):
    """The output form, with a replace patch that changes nothing, gives what the override gives."""
    from comfy.ldm.modules.attention import optimized_attention
    from likeness.host.unet.sites import find_sites, unet_of

    held = pair.clone()
    for site in find_sites(unet_of(pair)):
        if site.kind == "cross":
            held.set_model_attn2_replace(
                lambda q, k, v, extra: optimized_attention(q, k, v, extra["n_heads"]), *site.block
            )
    expected = quick(pair, positive=with_owners(), steps=1)
    torch.testing.assert_close(quick(held, positive=with_owners(), steps=1), expected, atol=1e-4, rtol=0)
    assert not torch.allclose(quick(pair, positive=unowned(with_owners()), steps=1), expected, atol=1e-3)


def test_regional_text_beside_a_longer_negative(pair, quick, conditioning, monkeypatch):
    """ComfyUI repeats the shorter prompt of a batch, owners and all; run alone it stays as it is."""
    together = quick(pair, positive=with_owners(), negative=conditioning(11, tokens=21), steps=1)
    monkeypatch.setattr(pair.model, "memory_required", lambda *args, **kwargs: 1e30)
    alone = quick(pair, positive=with_owners(), negative=conditioning(11, tokens=21), steps=1)
    torch.testing.assert_close(together, alone, **CLOSE)


def test_regional_text_of_an_unknown_prompt_are_seen_by_all(pair, quick, caplog):
    """A pack that changes the number of rows: one warning, and the prompt as it is."""
    longer = pair.clone()
    longer.set_model_attn2_patch(
        lambda n, context, value, extra: (n, *(torch.cat([x, x[:, :1]], dim=1) for x in (context, value)))
    )
    latent = quick(longer, positive=with_owners())
    assert latent.isfinite().all()
    assert caplog.text.count("every person sees the whole prompt") == 1
    torch.testing.assert_close(latent, quick(longer, positive=unowned(with_owners())), atol=1e-5, rtol=1e-5)
