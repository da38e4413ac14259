"""A kit is extended by another; its own words stay."""

from __future__ import annotations

from likeness.evaluation.built_in import KIT
from likeness.evaluation.kit import Kit
from likeness.evaluation.metrics.networks import Loader, Networks
from likeness.tests.evaluation.small_kit import KIT as SMALL


def test_an_extended_kit_knows_both():
    both = KIT.extended(SMALL)
    assert {"comfyui", "painter"} <= both.hosts.keys()
    assert {"clip_t", "brightness"} <= both.metrics.keys()
    assert {"arcface", "colours"} <= both.networks.recognisers.keys()
    assert {"yunet", "squares"} <= both.networks.detectors.keys()


def test_a_word_of_both_means_the_other_s():
    own = Loader(lambda weights: None)
    both = KIT.extended(Kit(networks=Networks(recognisers={"arcface": own})))
    assert both.networks.recognisers["arcface"] is own
    assert both.networks.detectors["yunet"] is KIT.networks.detectors["yunet"]
