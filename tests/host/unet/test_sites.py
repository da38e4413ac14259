"""Finding attention layers, and refusing models that an adapter does not fit."""

from __future__ import annotations

import pytest
from likeness.models.errors import IncompatibleBaseModelError
from torch import nn

pytestmark = pytest.mark.comfy
pytestmark = pytest.mark.comfy


@pytest.mark.parametrize(("kind", "count"), [("sd15", 16), ("sdxl", 70)])
def test_all_sites_are_found_in_the_adapters_order(tiny_model, kind, count):
    from likeness.host.unet.sites import find_sites, unet_of

    sites = find_sites(unet_of(tiny_model(kind)))
    assert [site.index for site in sites] == list(range(2 * count))
    assert [site.kind for site in sites] == ["self", "cross"] * count
    stages = [site.block[0] for site in sites]
    assert stages == sorted(stages, key=("input", "output", "middle").index)
    blocks = [site.block for site in sites if site.block[0] == "input"]
    assert blocks == sorted(blocks)


def test_a_site_knows_its_layer_and_width(tiny_model):
    from likeness.host.unet.sites import find_sites, unet_of

    unet = unet_of(tiny_model())
    for site in find_sites(unet):
        layer = unet.get_submodule(site.path)
        assert layer.to_q.in_features == site.channels
        assert layer.to_k.in_features == (24 if site.kind == "cross" else site.channels)


def test_a_model_without_a_unet_is_refused_by_its_name():
    from types import SimpleNamespace

    from likeness.host.unet.sites import unet_of

    class Flux:
        diffusion_model = object()

    with pytest.raises(
        IncompatibleBaseModelError, match="This model is a Flux, which has no UNet with cross-attention"
    ):
        unet_of(SimpleNamespace(model=Flux()))


def test_an_adapter_fits_the_model_it_was_made_for_alone(tiny_model, cross_sites):
    from likeness.host.unet.sites import require_fit

    model, other = tiny_model(), tiny_model("sdxl")
    widths = {site.index: site.channels for site in cross_sites(model)}
    require_fit(model, widths, 24, name="Test")
    with pytest.raises(
        IncompatibleBaseModelError, match=r"This Test adapter fits .* 16 .* wide, this model has 70 and 24"
    ):
        require_fit(other, widths, 24, name="Test")
    with pytest.raises(IncompatibleBaseModelError, match=r"a context 768 wide \(SD1\.5\), this model has 16 and 24:"):
        require_fit(model, widths, 768, name="Test")
    with pytest.raises(IncompatibleBaseModelError):
        require_fit(model, widths | {1: 33}, 24, name="Test")


@pytest.mark.parametrize(("width", "family"), [(768, " (SD1.5)"), (2048, " (SDXL)"), (1024, " (SD2)"), (24, "")])
def test_families_are_known_by_the_width_of_their_text(width, family):
    from likeness.host.unet.sites import family_of

    assert family_of(width) == family


@pytest.mark.parametrize(("width", "size"), [(768, 512), (1024, 768), (2048, 1024), (64, 128), (24, 128), (4096, 1024)])
def test_a_unet_is_known_by_the_width_of_its_text(tiny_model, width, size):
    from likeness.host.unet.sites import find_sites, picture_size, unet_of

    unet = unet_of(tiny_model())
    for site in find_sites(unet):
        if site.kind == "cross":
            unet.get_submodule(site.path).to_k = nn.Linear(width, 4)
    assert picture_size(unet) == size
