"""The count that the benchmark prints, on a network without values."""

from __future__ import annotations

import pytest
import torch

SIDE = 64


@pytest.fixture(scope="module")
def model():
    from likeness.benchmarks.comfy_process import meta_model
    from likeness.tools.weights.layouts import NARROW_SDXL

    return meta_model(NARROW_SDXL)


@pytest.mark.comfy
@pytest.mark.long
def test_every_layer_takes_part_and_the_extra_work_is_the_attention_to_the_tokens(model):
    from likeness.benchmarks.comfy_process import TEXT_TOKENS, flops, unet_call
    from likeness.benchmarks.consistentid_overhead import ARMS, ID_TOKENS, Witness, residual
    from likeness.host.unet.attention import inject
    from likeness.host.unet.sites import find_sites, unet_of

    plain = flops(unet_call(model, SIDE))
    cross = [site for site in find_sites(unet_of(model)) if site.kind == "cross"]
    assert len(cross) == 70
    layers = {"input": {4: 16, 5: 16, 7: 4, 8: 4}, "output": {0: 4, 1: 4, 2: 4, 3: 16, 4: 16, 5: 16}, "middle": {0: 4}}
    positions = sum(layers[site.block[0]][site.block[1]] for site in cross)
    for arm in ARMS:
        witness = Witness(residual(model, arm.people, SIDE))
        extra = flops(unet_call(inject(model, [witness], name="test"), SIDE, arm.owners)) - plain
        assert witness.fired == {site.index for site in cross}
        # The positive row sees everyone, the negative one the null identity; own words are one more look at the text.
        tokens = ID_TOKENS * (arm.people + 1) + (TEXT_TOKENS if arm.owners else 0)
        # Scores and sums of values: two products per position, channel and token, each an addition and a factor.
        assert extra == 2 * 2 * positions * 320 * tokens


@pytest.mark.comfy
def test_two_people_with_masks_part_the_picture(model):
    from likeness.benchmarks.consistentid_overhead import residual

    masks = [mask.shape for mask in residual(model, 2, SIDE).identity.placement.masks]
    assert masks == [torch.Size([1, SIDE, SIDE])] * 2
