"""What captions say of people can be seen in their pictures."""

from __future__ import annotations

import pytest
from likeness.miniature.world.facts import ACCESSORIES, GLASSES, HEADBAND
from likeness.miniature.world.regions import Region
from likeness.miniature.world.world import World


@pytest.mark.parametrize(
    ("accessory", "region"), [(GLASSES, Region.GLASSES), (HEADBAND, Region.HAT)], ids=["glasses", "headband"]
)
def test_an_accessory_is_seen_on_those_who_wear_it_and_on_nobody_else(accessory, region):
    scene = World(seed=2, with_regions=True).scenes(range(32), people=(1, 3))
    shown = scene.regions[:, :, region].flatten(2).sum(-1)
    wears = scene.facts.accessory == accessory
    assert 0 < wears.sum() < scene.present.sum()
    assert ((shown > 5) == wears).all()
    assert not shown[~wears].any()


def test_accessories_are_called_what_they_are():
    said = [
        (accessory, caption.text)
        for scene in [World(seed=2).scenes(range(64))]
        for [accessory], caption in zip(scene.facts.accessory.tolist(), scene.captions, strict=True)
    ]
    for code, name in enumerate(ACCESSORIES[1:], 1):
        assert [name in text for _, text in said] == [accessory == code for accessory, _ in said]
