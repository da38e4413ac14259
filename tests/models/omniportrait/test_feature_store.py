"""What was read of references is kept while it can be used, and no longer."""

from __future__ import annotations

import gc
import weakref

import torch
from likeness.models.omniportrait.feature_store import FeatureStore
from likeness.models.omniportrait.guided_person import ReferencePicture
from torch import nn


class Counted:
    """Reads that are counted."""

    def __init__(self):
        self.count = 0

    def __call__(self):
        self.count += 1
        return torch.full((2, 3), float(self.count))


class Patch:
    """Something that changes a network."""


def picture(seed=0, weight=1.0):
    generator = torch.Generator().manual_seed(seed)
    return ReferencePicture(torch.randn(1, 4, 4, 4, generator=generator), torch.ones(4, 4), weight)


def test_the_same_picture_is_read_once_in_each_way_and_of_each_network():
    store, read, first, second = FeatureStore(), Counted(), nn.Identity(), nn.Identity()
    found = store.remember(first, "way", picture(), read)
    assert torch.equal(store.remember(first, "way", picture(weight=0.3), read), found)
    assert read.count == 1
    for network, way, given in ((first, "other", picture()), (second, "way", picture()), (first, "way", picture(1))):
        assert not torch.equal(store.remember(network, way, given, read), found)
    assert read.count == 4
    assert torch.equal(store.remember(first, "way", picture(), read), found)


def test_only_the_last_ways_of_a_network_are_kept():
    store, read, network = FeatureStore(ways=2), Counted(), nn.Identity()
    patches = [Patch() for _ in range(4)]
    alive = [weakref.ref(patch) for patch in patches]
    while patches:
        store.remember(network, patches.pop(0), picture(), read)
    gc.collect()
    assert [each() is not None for each in alive] == [False, False, True, True]
    store.remember(network, alive[2](), picture(), read)
    assert read.count == 4
    store.remember(network, "new", picture(), read)
    gc.collect()
    assert [each() is not None for each in alive] == [False, False, True, False]  # the least recently used went


def test_only_the_last_networks_are_kept():
    store, read = FeatureStore(networks=2), Counted()
    networks = [nn.Identity() for _ in range(3)]
    for network in networks:
        store.remember(network, "way", picture(), read)
    for network in networks[1:]:
        store.remember(network, "way", picture(), read)
    assert read.count == 3
    store.remember(networks[0], "way", picture(), read)
    assert read.count == 4


def test_what_a_network_was_changed_by_goes_with_it():
    store, network, patch = FeatureStore(), nn.Identity(), Patch()
    store.remember(network, patch, picture(), Counted())
    alive = weakref.ref(patch)
    del patch
    gc.collect()
    assert alive() is not None
    del network
    gc.collect()
    assert alive() is None


def test_features_are_bounded_in_bytes():
    store, read, network = FeatureStore(most_bytes=50), Counted(), nn.Identity()
    for seed in range(3):  # of 24 bytes each
        store.remember(network, "way", picture(seed), read)
    store.remember(network, "way", picture(2), read)
    assert read.count == 3
    store.remember(network, "way", picture(0), read)
    assert read.count == 4


def test_they_are_read_as_the_caller_runs_and_kept_as_ordinary_tensors():
    seen = []

    def read():
        seen.append((torch.is_inference_mode_enabled(), torch.is_grad_enabled()))
        return torch.ones(2, 3)

    store, network = FeatureStore(), nn.Identity()
    with torch.inference_mode():
        found = store.remember(network, "way", picture(), read)
    store.remember(network, "other", picture(), read)
    assert seen == [(True, False), (False, False)]
    assert not found.is_inference()
