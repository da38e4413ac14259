from __future__ import annotations

import pytest
from torch import nn

pytestmark = pytest.mark.comfy


@pytest.mark.parametrize(("width", "size"), [(768, 512), (1024, 768), (2048, 1024), (64, 128), (24, 128), (4096, 1024)])
def test_a_unet_is_known_by_the_width_of_its_text(tiny_model, width, size):
    from likeness.host.unet.picture_size import picture_size
    from likeness.host.unet.sites import find_sites, unet_of

    unet = unet_of(tiny_model())
    for site in find_sites(unet):
        if site.kind == "cross":
            unet.get_submodule(site.path).to_k = nn.Linear(width, 4)
    assert picture_size(unet) == size
