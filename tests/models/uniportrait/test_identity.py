import math
from typing import Any

import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.uniportrait.features import ReferenceFeatures
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.models.uniportrait.identity import Identities, Identity, embed, embed_null


def features(seed: int = 0, references: int = 1) -> ReferenceFeatures:
    generator = torch.Generator().manual_seed(seed)
    return ReferenceFeatures(
        intrinsic=torch.randn(1, 3 * references, 6, generator=generator),
        structure=torch.randn(1, 4 * references, 10, generator=generator),
    )


def person(**settings: Any) -> Identity:
    return Identity(**({"name": "Ada", "features": features()} | settings))


def people(*identities: Identity) -> Identities:
    return Identities(people=identities, null_clip_tokens=torch.ones(1, 4, 3))


@pytest.fixture
def module(faceid_file) -> IDEmbedding:
    return IDEmbedding.from_state_dict(faceid_file["faceid_proj"], dim_head=8)


@pytest.mark.parametrize(
    "settings",
    [
        {"strength": -0.1},
        {"strength": 2.1},
        {"strength": math.nan},
        {"start_percent": 1.5},
        {"end_percent": -1},
        {"mixes": ((features(1), 1.5),)},
        {"mask": torch.full((4, 4), math.nan)},
        {"mask": torch.zeros(0, 4)},
    ],
)
def test_settings_out_of_range_are_refused(settings):
    with pytest.raises(InvalidSettingError):
        person(**settings)


def test_masks_get_a_picture_axis():
    for given, stored in (((4, 6), (1, 4, 6)), ((3, 4, 6), (3, 4, 6))):
        mask = person(mask=torch.ones(given)).mask
        assert mask is not None
        assert mask.shape == stored
    with pytest.raises(ShapeError, match=r"\(H, W\)"):
        person(mask=torch.ones(4))


@pytest.mark.parametrize(
    ("settings", "active"),
    [
        ({}, True),
        ({"strength": 0}, False),
        ({"start_percent": 0.5, "end_percent": 0.5}, False),
        ({"start_percent": 0.8, "end_percent": 0.2}, False),
        ({"start_percent": 0.999, "end_percent": 1.0}, True),
    ],
)
def test_who_counts(settings, active):
    assert person(**settings).is_active is active
    assert len(people(person(**settings), person()).active) == 1 + active


@torch.no_grad()
def test_mixing_is_linear_in_the_final_tokens(module):
    mixes = ((features(1), 0.3), (features(2), 0.9))  # the sum may exceed 1

    mixed = embed(module, person(mixes=mixes), 0.1)

    alone = [embed(module, person(features=features(seed)), 0.1) for seed in range(3)]
    torch.testing.assert_close(mixed, (1 - 1.2) * alone[0] + 0.3 * alone[1] + 0.9 * alone[2])
    assert mixed.shape == (1, 4, 12)


@torch.no_grad()
def test_weight_zero_mixes_nothing(module):
    assert torch.equal(embed(module, person(mixes=((features(1), 0.0),)), 0.1), embed(module, person(), 0.1))


@torch.no_grad()
def test_nobody_does_not_depend_on_the_person(module):
    first = embed_null(module, people(person(features=features(1))), 0.3)
    second = embed_null(module, people(person(features=features(2, references=3)), person()), 0.3)

    assert torch.equal(first, second)
    assert not torch.equal(first, embed_null(module, people(person()), 0.1))


def test_chains_never_change():
    empty = people()
    one = empty.add(person())
    two = one.add(person(name="Grace")).mix_into_last(features(1), 0.3)

    assert [len(chain.people) for chain in (empty, one, two)] == [0, 1, 2]
    assert [len(someone.mixes) for someone in two.people] == [0, 1]
    assert two.pick(1).people[0].name == "Grace"


def test_missing_people_are_told(module):
    with pytest.raises(InvalidSettingError, match="nobody"):
        people().mix_into_last(features(), 0.3)
    with pytest.raises(InvalidSettingError, match="holds 1"):
        people(person()).pick(1)
    with pytest.raises(InvalidSettingError, match="nobody"):
        embed_null(module, people(), 0.1)
