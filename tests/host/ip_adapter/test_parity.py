"""One call of ComfyUI's UNet with an adapter out of a published file, beside what the published code gave."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from likeness.models.adapters.identity_attention import EncodedPeople, IdentityResidual
from likeness.models.errors import IncompatibleBaseModelError
from likeness.models.ip_adapter.application import PictureResidual
from likeness.models.people.person import People
from likeness.tests.host.ip_adapter.published_cases import (
    adapter_file,
    call_unet,
    cross_layers,
    faults,
    stored,
    unet_model,
)
from likeness.tests.parity.recipe import Case
from likeness.tests.people import someone
from torch import Tensor

pytestmark = pytest.mark.comfy

PLAIN, FACEID, SDXL = "unet_sd15_tiny", "unet_sd15_tiny_faceid", "unet_sdxl_tiny"
KINDS = {PLAIN: "sd15", FACEID: "sd15", SDXL: "sdxl"}
VARIANTS = (
    *((PLAIN, variant) for variant in ("s1", "s0.5", "s0")),
    *((FACEID, variant) for variant in ("s1", "s0.7_l0.5", "s0_l1")),
    *((SDXL, variant) for variant in ("s1", "s0")),
)


@dataclass(frozen=True)
class Published:
    """A case, its UNet and its adapter as the loader node gives it."""

    case: Case
    model: Any
    loaded: Any

    @property
    def text(self) -> Tensor:
        return self.case.tensors["in.context"][:, : -self.loaded.adapter.tokens]

    @property
    def image(self) -> Tensor:
        """The image tokens, those of the negative row first."""
        return self.case.tensors["in.context"][:, -self.loaded.adapter.tokens :]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A builder: `published(name)`; every case is built once."""
    from likeness.host.ip_adapter.adapter import new_ip_adapter
    from likeness.models.ip_adapter.checkpoint import load

    made = {}

    def build(name):
        if name not in made:
            case = stored(name)
            file = adapter_file(case, tmp_path_factory.mktemp("published"))
            made[name] = Published(case, unet_model(case, KINDS[name]), new_ip_adapter(load(file)))
        return made[name]

    return build


def with_tokens(loaded, image):
    """The adapter with tokens that are known, those of the negative row first."""
    from likeness.host.ip_adapter.adapter import LoadedIPAdapter

    class Known(LoadedIPAdapter):
        def encode_people(self, people, looking):
            return EncodedPeople(tokens=image[1:], null_tokens=image[:1])

        def encode_pictures(self, pictures, looking, how):
            return image[1:], image[:1]

    return Known(loaded.adapter, loaded.encoder, loaded.attention, loaded.encoders)


def applied(published, scale, lora_scale=1.0, *, model=None, image=None):
    """The MODEL that the node gives: an adapter of faces for a person, another for a picture."""
    from likeness.host.ip_adapter.application import Pictures, apply

    known = with_tokens(published.loaded, published.image if image is None else image)
    model = published.model if model is None else model
    if known.adapter.needs_face:
        return apply(model, known, People((someone("person"),)), strength=scale, lora_strength=lora_scale).model
    return apply(model, known, People(), pictures=Pictures(pictures=torch.zeros(1, 8, 8, 3), strength=scale)).model


def wrong(published, variant="s1", *, patched=None, **given):
    """The line about a variant if it is outside its tolerance."""
    case = published.case
    about = case.about["variants"][variant]
    patched = patched or applied(published, about["scale"], about.get("lora_scale", 1.0), **given)
    got = call_unet(patched, case, published.text)
    return faults(f"{case.about['case']} {variant}", got, case.tensors[f"{variant}.out"], case.tolerance)


@pytest.mark.parametrize(("name", "variant"), VARIANTS)
@torch.no_grad()
def test_one_call_of_the_unet(published, name, variant):
    assert wrong(published(name), variant) == []


def test_no_variant_is_forgotten(published):
    assert set(VARIANTS) == {(name, variant) for name in KINDS for variant in published(name).case.about["variants"]}


@pytest.mark.parametrize(
    ("name", "residual"), [(PLAIN, PictureResidual), (FACEID, IdentityResidual), (SDXL, PictureResidual)]
)
@torch.no_grad()
def test_every_layer_acts_where_the_published_code_numbers_it(published, name, residual, monkeypatch):
    """Sites against the reference's table, and against the blocks that ComfyUI itself tells its patches of."""
    acted, told = [], []

    def acts(self, site, call, read=residual.read):
        reading, added = read(self, site, call)
        assert added is None
        assert reading.tokens.project()[1].abs().max() > 0
        if (site.index, call.polarity) not in acted:
            acted.append((site.index, call.polarity))
            sites[site.index] = (site.block, site.path)
        return reading, added

    def tell(n, context, value, extra):
        told.append((*extra["block"], extra["block_index"]))
        return n, context, value

    sites = {}
    monkeypatch.setattr(residual, "read", acts)
    watched = published(name).model.clone()
    watched.set_model_attn2_patch(tell)
    call_unet(applied(published(name), 1.0, model=watched), published(name).case, published(name).text)

    layers = cross_layers(KINDS[name])
    assert len(layers) == {"sd15": 16, "sdxl": 70}[KINDS[name]]
    assert sites == {layer.number: (layer.block, layer.path) for layer in layers}
    assert len(acted) == 2 * len(layers)  # for the negative row and the positive one
    in_order = sorted(layers, key=lambda layer: (layer.order, layer.block[2]))
    assert list(dict.fromkeys(index for index, _ in acted)) == [layer.number for layer in in_order]
    assert told == [layer.block for layer in in_order]


@torch.no_grad()
def test_the_middle_before_the_output_is_noticed(published, monkeypatch):
    """SDXL's widths fit that order too, those of SD1.5 do not."""
    monkeypatch.setattr("likeness.host.unet.sites.STAGES", ("input", "middle", "output"))
    [line] = wrong(published(SDXL))
    assert float(line.partition("worst difference ")[2].partition(",")[0]) > 0.1
    with pytest.raises(IncompatibleBaseModelError):
        wrong(published(PLAIN))


@pytest.mark.parametrize("name", KINDS)
@torch.no_grad()
def test_tokens_of_the_other_row_and_of_nothing_are_noticed(published, name):
    image = published(name).image
    assert wrong(published(name), image=image.flip(0)) != []
    assert wrong(published(name), image=torch.cat([torch.zeros_like(image[:1]), image[1:]])) != []


@torch.no_grad()
def test_a_part_of_the_lora_that_is_forgotten_is_noticed(published):
    from likeness.host.unet.lora import add_lora

    faceid = published(FACEID)
    whole = faceid.loaded.adapter.lora
    for lora in ({}, {index: layer for index, layer in whole.items() if index != 31}):
        patched = applied(faceid, 1.0, 0.0)
        add_lora(patched, lora, 1.0)
        assert wrong(faceid, patched=patched) != []
    patched = applied(faceid, 1.0, 0.0)
    add_lora(patched, whole, 1.0)
    assert wrong(faceid, patched=patched) == []
