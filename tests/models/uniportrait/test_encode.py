"""People to identity tokens: mixing, nobody, and that every face is looked at once."""

from dataclasses import replace

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import People, PersonSettings
from likeness.models.people.remembered import RememberedBackbone, RememberedImageEncoder
from likeness.models.uniportrait.encode import (
    UniPortraitEncoders,
    embed_features,
    encode,
    encode_people,
    nobody_features,
    person_features,
)
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.people import PixelMaps, PixelTokens, crowd, someone

MAPS, CLIP = (2, 2, 1, 6), 5  # together 10 channels of structure and 6 of identity, as the small adapter has


@pytest.fixture
def module(faceid_file) -> IDEmbedding:
    return IDEmbedding.from_state_dict(faceid_file["faceid_proj"], dim_head=8)


@pytest.fixture
def encoders():
    return UniPortraitEncoders(clip=PixelTokens(CLIP), backbone=PixelMaps(MAPS))


def test_several_photos_follow_each_other_on_the_token_axis(encoders):
    both = person_features(someone(seed=1, photos=2), encoders)
    assert both.intrinsic.shape == (1, 2 * 49, 6)
    assert both.structure.shape == (1, 2 * 256, 10)
    first = someone(seed=1, photos=2)
    alone = person_features(replace(first, photos=first.photos[:1]), encoders)
    assert torch.equal(both.intrinsic[:, :49], alone.intrinsic)
    assert torch.equal(both.structure[:, :256], alone.structure)


def test_somebody_without_a_face_is_named(encoders):
    with pytest.raises(InvalidSettingError, match='No face is known of "Ada"'):
        person_features(replace(someone("Ada"), photos=()), encoders)


@torch.no_grad()
def test_mixing_is_linear_in_the_final_tokens(module, encoders):
    people = [someone(f"person {seed}", seed) for seed in range(3)]
    [mixed] = People().add(people[0]).mix_into_last(people[1], 0.3).mix_into_last(people[2], 0.9)
    found = encode(mixed, encoders, module, 0.1)
    alone = [encode(person, encoders, module, 0.1) for person in people]
    torch.testing.assert_close(found, (1 - 1.2) * alone[0] + 0.3 * alone[1] + 0.9 * alone[2])
    assert found.shape == (1, 4, 12)
    [same] = People().add(people[0]).mix_into_last(people[1], 0.0)
    torch.testing.assert_close(encode(same, encoders, module, 0.1), alone[0])


@torch.no_grad()
def test_nobody_does_not_depend_on_the_people(module, encoders):
    first = encode_people(crowd(2, seed=1).people, encoders, module, 0.3)
    second = encode_people(crowd(3, seed=2, photos=2).people, encoders, module, 0.3)
    other = encode_people(crowd(1, seed=1).people, encoders, module, 0.1)
    assert torch.equal(first.null_tokens, second.null_tokens)
    assert not torch.equal(first.null_tokens, other.null_tokens)
    nobody = nobody_features(encoders, person_features(someone(), encoders))
    assert torch.equal(first.null_tokens, embed_features(module, nobody, 0.3))


def test_nobody_to_encode_is_told(module, encoders):
    with pytest.raises(InvalidSettingError, match="nobody to encode"):
        encode_people([], encoders, module, 0.1)


@torch.no_grad()
def test_other_names_strengths_masks_and_orders_look_at_no_face_again(module):
    clip, backbone, store = PixelTokens(CLIP), PixelMaps(MAPS), Encodings()
    encoders = UniPortraitEncoders(
        clip=RememberedImageEncoder(clip, store), backbone=RememberedBackbone(backbone, store)
    )
    first, second = crowd(2, photos=2)
    tokens = encode_people([first, second], encoders, module, 0.3).tokens
    asked = len(clip.seen), len(backbone.seen)
    assert asked == (4 + 1, 4)  # all photos, and nobody
    changed = replace(first, name="Ada", mask=torch.ones(4, 4), settings=PersonSettings(strength=2, start_percent=0.5))
    again = encode_people([second, changed], encoders, module, 0.3).tokens
    assert (len(clip.seen), len(backbone.seen)) == asked
    assert torch.equal(again, tokens.flip(0))
