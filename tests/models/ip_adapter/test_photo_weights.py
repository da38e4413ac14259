"""How much each token counts where FaceID Portrait joins photos."""

from __future__ import annotations

from dataclasses import replace

import torch
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.photo_weights import token_scores, token_weights
from likeness.tests.models.ip_adapter.small_files import HEAD, adapter_file
from likeness.tests.people import someone


def adapter_of(network):
    return load(adapter_file(network), dim_head=HEAD)


def person_of(*weights):
    one = someone(photos=len(weights))
    photos = (replace(photo, weight=weight) for photo, weight in zip(one.photos, weights, strict=True))
    return replace(one, photos=tuple(photos))


def test_photos_that_weigh_alike_add_nothing():
    for weights in ((1.0,), (0.3,), (1.0, 1.0), (0.3, 0.3, 0.3)):
        assert token_scores([person_of(*weights), person_of(1.0)], adapter_of("portrait"), 96) is None
    assert token_scores([person_of(1.0, 0.5)], adapter_of("portrait unnorm"), 32) is not None


def test_in_portrait_people_of_other_numbers_of_photos_keep_their_weights():
    adapter = adapter_of("portrait")
    people = [person_of(1.0, 0.5), person_of(1.0, 0.25, 1.0)]
    scores = token_scores(people, adapter, 96).exp()
    torch.testing.assert_close(scores[0], torch.tensor([1.0, 0.5]).repeat_interleave(16).repeat(3))
    torch.testing.assert_close(scores[1], torch.tensor([1.0, 0.25, 1.0]).repeat_interleave(16).repeat(2))


def test_in_portrait_mixed_people_weigh_by_their_factors():
    adapter = adapter_of("portrait")
    first, second = person_of(1.0, 0.5), person_of(1.0)
    mixed = replace(first, mixed=((first, 0.7), (second, 0.3)))
    found = token_weights(mixed, adapter)
    torch.testing.assert_close(found, torch.tensor([1.0, 0.7 * 0.5 + 0.3]).repeat_interleave(16))
    assert token_weights(second, adapter) is None
    assert token_weights(first, adapter_of("faceid")) is None
