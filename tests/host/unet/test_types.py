"""People on base models of every type and packing, against the same rounded weights in float32."""

from __future__ import annotations

import uuid

import pytest
import torch
from likeness.models.adapters.regional_text import EVERYBODY
from likeness.models.consistentid.application import ConsistentIDResidual
from likeness.models.facestudio.application import RegionalContexts
from likeness.models.facestudio.places import MaskedRegions
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.placement.placements import Masks
from likeness.models.port.attention import Polarity, Run
from likeness.tests.host.bases import BASES, PackedTensor, is_known, rounded
from likeness.tests.host.conftest import CONTEXT
from likeness.tests.host.unet.test_lora import pair
from likeness.tests.host.unet.test_replaced import projections
from torch.nn.functional import cosine_similarity

pytestmark = pytest.mark.comfy

SIZE, ROWS, SIGMA = (16, 16), 3, 3.0
MOST = 2.0  # times eps of the type, of the largest value
# Cosine of what routed people change to float32's: the base's own rounding turns choices between people who fit about alike.
ALIKE = {torch.float32: 0.9999, torch.float16: 0.98, torch.bfloat16: 0.93}
STORED = 0.03  # of the largest value: what fp8 and int8 lose of a changed weight as ComfyUI stores it
PACKED = ["e4m3 as fp16", "scaled fp8 as fp16", "scaled fp8 as bf16", "int8 as bf16", "gguf as fp16"]


@pytest.fixture(scope="module")
def twins(tiny_model):
    """A builder: the base of a name and its float32 twin, and whether this ComfyUI has it."""
    made = {}

    def build(name):
        if not is_known(BASES[name]):
            pytest.skip("this ComfyUI has no int8")
        if name not in made:
            with torch.inference_mode():  # as ComfyUI's loaders run
                made[name] = rounded(tiny_model(), BASES[name])
        return made[name]

    return build


def call(model, owners=()):
    """What a MODEL says of a guidance pair, (2, 4, H, W)."""
    from likeness.host.sampling.conds import CondInfo
    from likeness.host.unet import keys

    generator = torch.Generator().manual_seed(0)
    x = torch.randn(1, 4, *SIZE, generator=generator).repeat(2, 1, 1, 1)
    text = torch.randn(2, 3 * ROWS, CONTEXT, generator=generator)
    conds = {
        uuid.uuid4(): CondInfo(Polarity.POSITIVE, owners=owners),
        uuid.uuid4(): CondInfo(Polarity.NEGATIVE),
    }
    options = {
        **model.model_options["transformer_options"],
        "wrappers": model.wrappers,
        "cond_or_uncond": [0, 1],
        "uuids": list(conds),
        "sigmas": torch.tensor([SIGMA]),
        keys.CONDS: conds,
        keys.RUN: Run(),
    }
    with torch.inference_mode():
        return model.model.apply_model(x, torch.full((2,), SIGMA), c_crossattn=text, transformer_options=options)


def halves(edge=0.3):
    left = torch.zeros(1, *SIZE)
    left[..., :8], left[..., 8] = 1, edge
    return left, 1 - left


OWNED = tuple(owner for owner in (EVERYBODY, 0, 1) for _ in range(ROWS))


def picture(model, people):
    one = people(model, 1)
    return PictureResidual(one.attention, one.tokens, one.null_tokens, strength=0.6, mask=halves()[0])


KINDS = {
    "UniPortrait, one person": (lambda model, people: people(model, 1), ()),
    "UniPortrait, two in soft masks": (lambda model, people: people(model, 2, placement=Masks(halves())), ()),
    "IP-Adapter in a mask": (picture, ()),
    "ConsistentID, two in masks": (
        lambda model, people: ConsistentIDResidual(people(model, 2, placement=Masks(halves(edge=0)))),
        OWNED,
    ),
    "FaceStudio, two in masks": (
        lambda model, people: RegionalContexts(people(model, 2).people, MaskedRegions(halves())),
        OWNED,
    ),
}


def applied(model, residual):
    from likeness.host.unet.attention import inject

    return inject(model, [residual], name="people")


def gap(found, wanted):
    """The largest difference, as a share of the largest value."""
    assert found.dtype == wanted.dtype == torch.float32  # ComfyUI hands latents on in float32
    return float((found - wanted).abs().max() / wanted.abs().max())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", BASES)
def test_a_call_is_within_the_types_error_of_float32(twins, people, name, kind):
    make, owners = KINDS[kind]
    base, full = twins(name)
    residual = make(full, people)
    wanted = call(applied(full, residual), owners)
    assert gap(call(applied(base, residual), owners), wanted) <= MOST * torch.finfo(BASES[name].type).eps


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_compared_is_more_than_an_error(twins, people, kind):
    make, owners = KINDS[kind]
    _, full = twins("fp16")
    assert gap(call(full, owners), call(applied(full, make(full, people)), owners)) > 0.02


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("name", ["fp16", "bf16", "e4m3 as fp32", "e5m2 as bf16", "int8 as bf16", "gguf as fp16"])
def test_routed_people_are_alike(twins, people, name, count):
    base, full = twins(name)
    residual = people(full, count)
    plain, wanted = call(full), call(applied(full, residual))
    found = call(applied(base, residual))
    alike = cosine_similarity((found - plain).flatten(), (wanted - plain).flatten(), dim=0)
    assert alike > ALIKE[BASES[name].type]


@pytest.mark.parametrize("name", PACKED)
def test_what_is_added_behind_a_layer_that_others_hold_is_the_same(twins, people, name):
    """By the layer's own projections."""
    from comfy.ldm.modules.attention import optimized_attention

    def hold(q, k, v, extra):
        return optimized_attention(q, k, v, extra["n_heads"])

    base, full = twins(name)
    residual = people(full, 2, placement=Masks(halves()))
    held = applied(base, residual)
    for stage, number in (("input", 1), ("middle", 0), ("output", 5)):
        held.set_model_attn2_replace(hold, "attn2", stage, number)
    wanted = call(applied(full, residual))
    assert gap(call(held), wanted) <= MOST * torch.finfo(BASES[name].type).eps


@pytest.mark.parametrize("name", PACKED)
def test_words_are_read_as_in_float32(twins, name):
    from likeness.host.unet.read_layers import layers_to_read
    from likeness.host.unet.word_attention import AttentionReader
    from likeness.tests.host.unet.test_word_attention import cond

    seen = []
    for model in twins(name):
        unet = model.model.diffusion_model
        reader = AttentionReader(unet, layers_to_read(unet, SIZE))
        options = {
            "uuids": [0],
            "likeness.conds": {0: cond(named_rows=((0, 2), (1, 4)))},
            "patches": reader.with_patches({}),
        }
        generator = torch.Generator().manual_seed(0)
        x, text = torch.randn(1, 4, *SIZE, generator=generator), torch.randn(1, 7, CONTEXT, generator=generator)
        with torch.inference_mode():
            model.model.apply_model(x, torch.tensor([SIGMA]), c_crossattn=text, transformer_options=options)
        seen.append(torch.stack([reader.collect().columns[person].float() for person in (0, 1)]))
    assert gap(*seen) <= MOST * torch.finfo(BASES[name].type).eps


def lora(sites):
    def layer(site):
        small = {part: pair(site, part, seed=site.index) for part in ("q", "k", "v", "out")}
        return {part: (down * 0.3, up * 0.3) for part, (down, up) in small.items()}

    return {site.index: layer(site) for site in sites}


@pytest.mark.parametrize("change", ["LoRA", "keys and values", "UNet"])
@pytest.mark.parametrize("name", PACKED)
def test_changed_weights_act_and_come_off_again(twins, cross_sites, tiny_model, name, change):
    from likeness.host.unet.lora import add_lora
    from likeness.host.unet.replaced import replace_keys_and_values, replace_unet

    def changed(model):
        clone = model.clone()
        if change == "LoRA":
            add_lora(clone, lora(cross_sites(model)), 1.0)
        elif change == "keys and values":
            replace_keys_and_values(clone, projections(cross_sites(model)))
        else:
            replace_unet(clone, in_names_of_diffusers(tiny_model(seed=8)))
        clone.patch_model()
        said = call(clone)
        clone.unpatch_model()
        return said

    with torch.inference_mode():
        base, full = twins(name)
        before, plain = call(base), call(full)
        found, wanted = changed(base), changed(full)
        assert gap(plain, wanted) > 2 * STORED
        assert gap(found, wanted) <= (
            STORED if BASES[name].packing != "gguf" else MOST * torch.finfo(BASES[name].type).eps
        )
        assert torch.equal(call(base), before)


def in_names_of_diffusers(model):
    from comfy.utils import unet_to_diffusers

    own = model.model.diffusion_model.state_dict()
    names = unet_to_diffusers(model.model.model_config.unet_config)
    return {name: own[key] for name, key in names.items() if key in own}


def test_packed_matrices_of_another_width_are_refused_by_their_own_shape(twins, cross_sites):
    from likeness.host.unet.lora import add_lora
    from likeness.host.unet.replaced import replace_keys_and_values
    from likeness.models.errors import IncompatibleBaseModelError

    base, _ = twins("gguf as fp16")
    site = cross_sites(base)[0]
    with pytest.raises(IncompatibleBaseModelError, match=rf"this model has \({site.channels}, {CONTEXT}\)"):
        replace_keys_and_values(base.clone(), projections([site], CONTEXT + 1))
    wide = {site.index: {"q": (torch.zeros(2, site.channels + 1), torch.zeros(site.channels, 2))}}
    with pytest.raises(IncompatibleBaseModelError, match=f"this model has {site.channels}×{site.channels}"):
        add_lora(base.clone(), wide, 1.0)


def test_the_packed_stand_in_has_no_numbers_to_read(twins, cross_sites):
    base, _ = twins("gguf as fp16")
    weight = base.model.diffusion_model.get_submodule(cross_sites(base)[0].path).to_q.weight
    assert isinstance(weight, PackedTensor)
    assert weight.dtype == torch.uint8
    assert tuple(weight.shape) != tuple(weight.size())
