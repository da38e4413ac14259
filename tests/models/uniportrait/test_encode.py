"""People to identity tokens: mixing, nobody, and that every face is looked at once."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError, ShapeError
from likeness.models.face.iresnet import IResNet
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import People, PersonSettings
from likeness.models.people.remembered import RememberedBackbone, RememberedImageEncoder
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.models.uniportrait.encode import (
    ReferenceFeatures,
    UniPortraitEncoders,
    backbone_input,
    embed_features,
    encode,
    encode_people,
    face_vectors,
    join_features,
    nobody_features,
    null_features,
    person_features,
    preprocess,
)
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.people import PixelMaps, PixelTokens, crowd, someone

CLIP_WIDTH = 3
MAPS, CLIP = (2, 2, 1, 6), 5  # together 10 channels of structure and 6 of identity, as the small adapter has


@pytest.fixture
def backbone(backbone_file):
    return load_backbone(backbone_file)


def crops(count: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 224, 224, 3), dtype=np.uint8)


def describe(backbone, pixels, tokens):
    return join_features(backbone(backbone_input(pixels)), tokens)


def clip_tokens(count: int = 2) -> torch.Tensor:
    return torch.randn(count, 256, CLIP_WIDTH, generator=torch.Generator().manual_seed(0))


def test_preprocess_is_clips():
    pixels = preprocess(np.full((1, 224, 224, 3), 255, np.uint8))

    expected = torch.tensor(
        [(1 - 0.48145466) / 0.26862954, (1 - 0.4578275) / 0.26130258, (1 - 0.40821073) / 0.27577711]
    )
    torch.testing.assert_close(pixels[0, :, 0, 0], expected)
    assert pixels.shape == (1, 3, 224, 224)


def test_the_backbone_sees_means_of_four_pixels_in_rgb():
    faces = backbone_input(preprocess(crops()))

    plain = torch.from_numpy(crops()).permute(0, 3, 1, 2).float() / 127.5 - 1
    torch.testing.assert_close(faces, torch.nn.functional.avg_pool2d(plain, 2), atol=1e-5, rtol=0)


def test_preprocess_refuses_other_pictures():
    with pytest.raises(ShapeError, match="224"):
        preprocess(np.zeros((1, 112, 112, 3), np.uint8))
    with pytest.raises(ShapeError, match="uint8"):
        preprocess(torch.zeros(1, 224, 224, 3))


@torch.no_grad()
def test_structure_is_backbone_first_then_clip(backbone):
    features = describe(backbone, preprocess(crops(1)), clip_tokens(1))

    assert features.intrinsic.shape == (1, 49, 10)
    assert features.structure.shape == (1, 256, 4 + 6 + 8 + CLIP_WIDTH)
    assert torch.equal(features.structure[..., -CLIP_WIDTH:], clip_tokens(1))
    deepest = backbone(backbone_input(preprocess(crops(1))))[-1]
    assert torch.equal(features.intrinsic[0, 8], deepest[0, :, 1, 1])  # row-major


@torch.no_grad()
def test_references_follow_each_other(backbone):
    both = describe(backbone, preprocess(crops()), clip_tokens())
    each = [describe(backbone, preprocess(crops()[i : i + 1]), clip_tokens()[i : i + 1]) for i in range(2)]

    torch.testing.assert_close(both.intrinsic, torch.cat([one.intrinsic for one in each], dim=1))
    torch.testing.assert_close(both.structure, torch.cat([one.structure for one in each], dim=1))


@torch.no_grad()
def test_nobody_is_one_picture_of_zeros_and_null_tokens(backbone):
    both = describe(backbone, preprocess(crops()), clip_tokens())
    null = null_features(clip_tokens(1), like=both)

    assert null.intrinsic.shape == (1, 49, 10)
    assert null.structure.shape == (1, 256, both.structure.shape[-1])
    assert not null.intrinsic.any()
    assert not null.structure[..., :-CLIP_WIDTH].any()
    assert torch.equal(null.structure[..., -CLIP_WIDTH:], clip_tokens(1))


def test_a_class_token_or_another_count_is_refused(backbone):
    with pytest.raises(ShapeError, match="257"):
        describe(backbone, preprocess(crops(1)), torch.zeros(1, 257, CLIP_WIDTH))
    with pytest.raises(ShapeError, match="clip_tokens"):
        describe(backbone, preprocess(crops(2)), clip_tokens(1))
    with pytest.raises(ShapeError, match="intrinsic"):
        ReferenceFeatures(intrinsic=torch.zeros(2, 49, 10), structure=torch.zeros(1, 256, 21))


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


@torch.no_grad()
def test_a_photo_that_stands_there_twice_with_half_the_weight_is_read_as_once(module, encoders):
    person = someone(seed=1, photos=2)
    first, second = person.photos
    half = replace(second, weight=0.5)
    once = encode(person, encoders, module, 0.3)
    twice = encode(replace(person, photos=(first, half, half)), encoders, module, 0.3)
    torch.testing.assert_close(twice, once, atol=1e-5, rtol=1e-5)
    assert not torch.allclose(once, encode(replace(person, photos=(first, half)), encoders, module, 0.3), atol=1e-4)


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


@torch.no_grad()
def test_other_weights_of_photos_look_at_no_face_again_and_are_followed(module):
    clip, backbone, store = PixelTokens(CLIP), PixelMaps(MAPS), Encodings()
    encoders = UniPortraitEncoders(
        clip=RememberedImageEncoder(clip, store), backbone=RememberedBackbone(backbone, store)
    )
    person = someone(photos=2)
    first, second = person.photos
    plain = encode(person, encoders, module, 0.3)
    asked = len(clip.seen), len(backbone.seen)
    weighed = replace(person, photos=(first, replace(second, weight=0.2)))
    without = replace(person, photos=(first, replace(second, weight=0.0)))
    found = [encode(each, encoders, module, 0.3) for each in (weighed, without, person)]
    assert (len(clip.seen), len(backbone.seen)) == asked
    assert torch.equal(found[2], plain)
    assert not torch.equal(found[0], plain)
    assert not torch.equal(found[1], found[0])


FACES = np.random.default_rng(0).integers(0, 256, (3, 224, 224, 3), np.uint8)


@pytest.fixture(scope="module", params=[7, 12])
def reader(request):
    torch.manual_seed(0)
    return IResNet(4, [(4, 1), (5, 1), (6, 1), (request.param, 1)]).eval()


def test_vectors_are_as_wide_as_the_deepest_map_and_of_length_one(reader):
    vectors = face_vectors(reader, FACES)
    assert vectors.shape == (3, reader.tap_channels[-1])
    assert vectors.dtype == torch.float32
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(3))


def test_a_vector_points_where_the_mean_of_the_intrinsic_features_does(reader):
    vectors = face_vectors(reader, FACES)
    for crop, vector in zip(FACES, vectors, strict=True):
        with torch.no_grad():
            maps = reader(backbone_input(preprocess(crop[None])))
        intrinsic = join_features(maps, torch.zeros(1, 16, 2)).intrinsic  # (1, 49, W)
        mean = intrinsic.mean((0, 1))
        torch.testing.assert_close(vector, mean / mean.norm(), atol=1e-5, rtol=1e-4)


def test_a_vector_depends_on_its_own_crop_and_on_no_other(reader):
    vectors = face_vectors(reader, FACES)
    torch.testing.assert_close(face_vectors(reader, FACES[[2, 0]]), vectors[[2, 0]])
    changed = FACES.copy()
    changed[1] = 255 - changed[1]
    others = face_vectors(reader, changed)
    torch.testing.assert_close(others[[0, 2]], vectors[[0, 2]])
    assert (others[1] - vectors[1]).norm() > 1e-3


def test_colours_are_told_apart(reader):
    turned = face_vectors(reader, np.ascontiguousarray(FACES[..., ::-1]))
    assert (turned - face_vectors(reader, FACES)).norm(dim=-1).min() > 1e-3


def test_vectors_carry_no_gradients(reader):
    assert next(reader.parameters()).requires_grad
    assert not face_vectors(reader, FACES[:1]).requires_grad
