import pytest
from likeness.models.errors import InvalidSettingError
from likeness.models.ip_adapter.block_weights import PRESETS, block_factors
from likeness.models.port.attention import AttentionSite
from likeness.tests.models.ip_adapter.test_layers import PUBLISHED


def sites(family):
    """The attention layers of a published UNet, last first."""
    return [
        AttentionSite(kind=kind, block=tuple(row["block"]), index=2 * place + offset, channels=row["channels"], path="")
        for place, row in enumerate(PUBLISHED[family])
        for offset, kind in enumerate(("self", "cross"))
    ][::-1]


def by_order(family, factors):
    """The factor of each transformer in the order of execution, which must be one."""
    found = {}
    for place, row in enumerate(PUBLISHED[family]):
        found.setdefault(row["order"], set()).add(factors[2 * place + 1])
    assert all(len(values) == 1 for values in found.values())
    return [found[order].pop() for order in sorted(found)]


@pytest.mark.parametrize(("family", "layers"), [("SD1.5", 16), ("SDXL", 70)])
@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_gives_every_layer_a_factor(preset, family, layers):
    factors = block_factors(preset, sites(family))
    assert sorted(factors) == list(range(1, 2 * layers, 2))
    assert all(0 <= factor <= 1 for factor in factors.values())
    assert (len(set(factors.values())) == 1) == (preset == "linear")


def test_presets_of_sdxl():
    def found(preset):
        return by_order("SDXL", block_factors(preset, sites("SDXL")))

    assert found("ease in") == pytest.approx([0.05 + 0.95 * (1 - place / 11) for place in range(11)])
    assert found("ease in-out")[5:7] == pytest.approx([0.05 + 0.95 * (1 - 0.5 / 5.5)] * 2)
    assert found("weak input") == [0.2] * 4 + [1.0] * 7
    assert found("weak middle") == [1.0] * 4 + [0.2] + [1.0] * 6
    assert found("weak output") == [1.0] * 5 + [0.2] * 6
    assert found("strong middle") == [0.2] * 4 + [1.0] + [0.2] * 6
    assert found("style transfer") == [0.0] * 6 + [1.0] + [0.0] * 4
    assert found("composition") == [0.0] * 3 + [1.0] + [0.0] * 7


def test_presets_of_sd15_that_choose_blocks():
    def found(preset):
        return by_order("SD1.5", block_factors(preset, sites("SD1.5")))

    assert found("style transfer") == [1.0] * 4 + [0.0] * 5 + [1.0] * 7
    assert found("composition") == [0.0] * 4 + [0.25, 1.0] + [0.0] * 10


@pytest.mark.parametrize("family", ["SD1.5", "SDXL"])
def test_numbers_are_taken_in_the_order_of_execution(family):
    transformers, layers = {"SD1.5": (16, 16), "SDXL": (11, 70)}[family]
    assert by_order(family, block_factors(range(transformers), sites(family))) == list(range(transformers))

    order = sorted(range(layers), key=lambda place: (PUBLISHED[family][place]["order"], place))
    factors = block_factors([-number for number in range(layers)], sites(family))
    assert [factors[2 * place + 1] for place in order] == [-number for number in range(layers)]


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(InvalidSettingError, match=r"12 block weights are given; this UNet takes 11, .* or 70"):
        block_factors([1.0] * 12, sites("SDXL"))


def test_presets_of_published_unets_are_refused_on_others():
    other = [site for site in sites("SD1.5") if site.block[0] != "middle"]
    for preset in ("style transfer", "composition"):
        with pytest.raises(InvalidSettingError, match="this UNet has 15 transformers"):
            block_factors(preset, other)
    assert len(block_factors("ease in", other)) == 15
    with pytest.raises(InvalidSettingError, match="There are no block weights"):
        block_factors("stronger", other)
