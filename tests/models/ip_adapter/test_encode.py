"""People and pictures become tokens: what each kind of adapter is shown, and what nobody is."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.clip import clip_pixels
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import (
    Looking,
    embedding_tokens,
    encode_people,
    equally_long,
    null_tokens,
    person_tokens,
    picture_tokens,
)
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.people.photo import Photo
from likeness.tests.models.ip_adapter.small_files import CLIP, FACE, HEAD, NETWORKS, adapter_file
from likeness.tests.people import PixelEmbeddings, PixelTokens, someone
from torch.nn.functional import normalize, scaled_dot_product_attention

LOOKING = Looking()
OF_FACES = ("faceid", "faceid plus", "portrait", "portrait unnorm")
OF_PICTURES = ("plain", "plus", "full face")


class Vectors:
    """A recogniser whose vector follows from the picture's mean; `seen` counts."""

    key, width = "vectors", FACE

    def __init__(self):
        self.seen = 0

    def vectors(self, faces, pictures):
        self.seen += len(faces)
        generator = [torch.Generator().manual_seed(int(picture.astype(np.int64).sum())) for picture in pictures]
        return torch.cat([7 * torch.randn(1, FACE, generator=each) for each in generator])


@pytest.fixture
def encoders():
    return IPAdapterEncoders(clip=PixelTokens(CLIP), embedder=PixelEmbeddings(CLIP), recogniser=Vectors())


def adapter_of(network, **given):
    return load(adapter_file(network), dim_head=HEAD, **given)


def person_of(*shades, name="a", weights=None):
    """Somebody with a photo of each shade, all with the same face in them."""
    [(photo, face)] = someone().shown
    photos = []
    for place, shade in enumerate(shades):
        picture = np.clip(photo.picture.astype(int) + shade, 0, 255).astype(np.uint8)
        crop = np.clip(face.crop.astype(int) + shade, 0, 255).astype(np.uint8)
        weight = 1.0 if weights is None else weights[place]
        photos.append(Photo(picture=picture, taken=replace(face, crop=crop), weight=weight))
    return replace(someone(), name=name, photos=tuple(photos))


def encode(person, encoders, adapter, looking=LOOKING):
    return person_tokens(person, encoders, adapter, looking)


@pytest.mark.parametrize("network", NETWORKS)
@torch.no_grad()
def test_people_get_tokens_and_nobody_has_his_own(network, encoders):
    adapter = adapter_of(network)
    encoded = encode_people([person_of(0), person_of(40)], encoders, adapter, LOOKING)
    assert encoded.tokens.shape == (2, adapter.tokens, adapter.context_dim)
    assert encoded.null_tokens.shape == (1, adapter.tokens, adapter.context_dim)
    assert not torch.allclose(encoded.tokens[0], encoded.tokens[1])
    assert encoded.null_tokens.abs().min() > 0  # a projection, no zeros


@torch.no_grad()
def test_a_face_vector_has_length_1_unless_the_file_wants_it_as_it_is(encoders):
    [(photo, face)] = person_of(0).shown
    vector = encoders.vector(face, photo.picture)
    assert float(vector.norm()) > 10
    for network, given in (
        ("faceid", normalize(vector)),
        ("portrait", normalize(vector)),
        ("portrait unnorm", vector[:, None]),
    ):
        adapter = adapter_of(network)
        torch.testing.assert_close(encode(person_of(0), encoders, adapter), adapter.projection(given))


@pytest.mark.parametrize(("version", "shortcut"), [("FaceID Plus", False), ("FaceID PlusV2", True)])
@torch.no_grad()
def test_faceid_plus_reads_the_aligned_crop_beside_the_vector(version, shortcut, encoders):
    adapter = adapter_of("faceid plus", version=version)
    [(photo, face)] = person_of(0).shown
    vector = normalize(encoders.vector(face, photo.picture))
    seen = encoders.tokens(clip_pixels(face.crop)[None])
    for s_scale in (1.0, 0.5):
        found = encode(person_of(0), encoders, adapter, Looking(s_scale=s_scale))
        torch.testing.assert_close(found, adapter.projection(vector, seen, shortcut=shortcut, s_scale=s_scale))


@torch.no_grad()
def test_an_adapter_of_faces_is_shown_the_face_and_others_the_whole_photo(encoders):
    person = person_of(0)
    [(photo, _)] = person.shown
    plus, of_faces = adapter_of("plus"), adapter_of("plus", version="Plus Face")
    whole = encoders.tokens(clip_pixels(photo.picture)[None])
    torch.testing.assert_close(encode(person, encoders, plus), plus.projection(whole))
    assert not torch.allclose(encode(person, encoders, of_faces), plus.projection(whole))
    far = photo.picture.copy()
    far[222:] = 0  # outside the square around the face
    other = replace(person, photos=(replace(photo, picture=far),))
    assert torch.equal(encode(other, encoders, of_faces), encode(person, encoders, of_faces))
    assert not torch.equal(encode(other, encoders, plus), encode(person, encoders, plus))


@pytest.mark.parametrize("network", ["faceid", "faceid plus", "plus", "plain"])
@torch.no_grad()
def test_of_several_photos_the_weighted_mean_is_taken(network, encoders):
    adapter = adapter_of(network)
    one, two = (encode(person_of(shade), encoders, adapter) for shade in (0, 40))
    found = encode(person_of(0, 40, weights=(3.0, 1.0)), encoders, adapter)
    torch.testing.assert_close(found, 0.75 * one + 0.25 * two)


@pytest.mark.parametrize("network", ["portrait", "portrait unnorm"])
@torch.no_grad()
def test_portrait_reads_all_faces_behind_one_another(network, encoders):
    adapter = adapter_of(network)
    one, two = (encode(person_of(shade), encoders, adapter) for shade in (0, 40))
    torch.testing.assert_close(encode(person_of(0, 40), encoders, adapter), torch.cat([one, two], dim=1))


@torch.no_grad()
def test_in_portrait_a_photo_of_double_weight_is_as_if_it_stood_there_twice(encoders):
    adapter = adapter_of("portrait")
    people = [person_of(0, 40, weights=(1.0, 0.5)), person_of(20)]
    encoded = encode_people(people, encoders, adapter, LOOKING)
    twice = encode_people([person_of(0, 0, 40), person_of(20)], encoders, adapter, LOOKING)
    assert twice.scores is None
    assert encoded.scores.shape == encoded.tokens.shape[:2]
    assert not encoded.scores[1].any()
    query = torch.randn(1, 7, adapter.context_dim, generator=torch.Generator().manual_seed(0))
    for tokens, scores, wanted in zip(encoded.tokens, encoded.scores, twice.tokens, strict=True):
        got = scaled_dot_product_attention(query, tokens[None], tokens[None], attn_mask=scores[None, None])
        torch.testing.assert_close(got, scaled_dot_product_attention(query, wanted[None], wanted[None]))


@torch.no_grad()
def test_people_with_other_numbers_of_photos_go_together(encoders):
    adapter = adapter_of("portrait")
    encoded = encode_people([person_of(0, 40), person_of(0, 20, 40)], encoders, adapter, LOOKING)
    assert encoded.tokens.shape == (2, 96, adapter.context_dim)
    assert encoded.null_tokens.shape[1] == 16


def test_tokens_that_are_repeated_give_the_same_attention():
    query, short, long = torch.randn(1, 5, 8), torch.randn(1, 2, 8), torch.randn(1, 3, 8)
    repeated, other = equally_long([short, long])
    assert repeated.shape[1] == other.shape[1] == 6
    for before, after in ((short, repeated), (long, other)):
        torch.testing.assert_close(
            scaled_dot_product_attention(query, after, after), scaled_dot_product_attention(query, before, before)
        )


@torch.no_grad()
def test_people_who_are_mixed_are_added_up(encoders):
    adapter = adapter_of("faceid")
    first, second = person_of(0), person_of(40, name="b")
    mixed = replace(first, mixed=((first, 0.7), (second, 0.3)))
    one, two = (encode(person, encoders, adapter) for person in (first, second))
    torch.testing.assert_close(encode(mixed, encoders, adapter), 0.7 * one + 0.3 * two)


@torch.no_grad()
def test_pictures_are_joined_or_combined_before_the_projection(encoders):
    adapter = adapter_of("plus")
    pictures = [photo.picture for person in (person_of(0), person_of(40)) for photo, _ in person.shown]
    one, two = (picture_tokens([picture], encoders, adapter, LOOKING) for picture in pictures)
    torch.testing.assert_close(picture_tokens(pictures, encoders, adapter, LOOKING), torch.cat([one, two], dim=1))
    seen = encoders.tokens(torch.stack([clip_pixels(picture) for picture in pictures])).mean(0, keepdim=True)
    found = picture_tokens(pictures, encoders, adapter, LOOKING, how="average")
    torch.testing.assert_close(found, adapter.projection(seen))


@torch.no_grad()
def test_embeddings_give_the_tokens_of_the_pictures_that_they_are_of(encoders):
    adapter = adapter_of("plain")
    pictures = [photo.picture for person in (person_of(0), person_of(40)) for photo, _ in person.shown]
    seen = encoders.embeddings(torch.stack([clip_pixels(picture) for picture in pictures]))
    for how in ("concat", "average"):
        found = embedding_tokens(seen, adapter, LOOKING, how=how)
        torch.testing.assert_close(found, picture_tokens(pictures, encoders, adapter, LOOKING, how=how))


@pytest.mark.parametrize("network", [network for network in NETWORKS if network != "plain"])
def test_embeddings_are_for_the_plain_kind_alone(network):
    with pytest.raises(InvalidSettingError, match=r"reads no pooled embedding .*: choose a plain IP-Adapter file"):
        embedding_tokens(torch.zeros(1, CLIP), adapter_of(network), LOOKING)


@pytest.mark.parametrize("shape", [(1, CLIP + 1), (CLIP,), (0, CLIP), (1, 2, CLIP)])
def test_embeddings_of_another_shape_are_refused(shape):
    with pytest.raises(InvalidSettingError, match=rf"shape \({shape[0]}.*reads embeddings {CLIP} wide"):
        embedding_tokens(torch.zeros(shape), adapter_of("plain"), LOOKING)


def test_embeddings_that_hold_no_number_are_refused():
    with pytest.raises(InvalidSettingError, match="NaN or infinity"):
        embedding_tokens(torch.full((1, CLIP), torch.nan), adapter_of("plain"), LOOKING)


@torch.no_grad()
def test_the_negative_side_is_a_projection_of_zeros_or_of_the_picture_that_is_asked_for(encoders):
    plain, plus = adapter_of("plain"), adapter_of("plus")
    torch.testing.assert_close(null_tokens(encoders, plain, LOOKING), plain.projection(torch.zeros(1, CLIP)))
    zeros = encoders.tokens(torch.zeros(1, 3, 224, 224))
    torch.testing.assert_close(null_tokens(encoders, plus, LOOKING), plus.projection(zeros))
    black = encoders.tokens(clip_pixels(np.zeros((224, 224, 3), np.uint8))[None])
    torch.testing.assert_close(null_tokens(encoders, plus, Looking(negative="black")), plus.projection(black))
    [(photo, _)] = person_of(0).shown
    unwanted = Looking(negative="picture", unwanted=photo.picture)
    for adapter, look in ((plain, encoders.embeddings), (plus, encoders.tokens)):
        seen = look(clip_pixels(photo.picture)[None])
        torch.testing.assert_close(null_tokens(encoders, adapter, unwanted), adapter.projection(seen))


@pytest.mark.parametrize("network", OF_FACES)
def test_an_adapter_of_faces_takes_no_pictures(network, encoders):
    with pytest.raises(InvalidSettingError, match="reads faces and no pictures: connect people"):
        picture_tokens([np.zeros((8, 8, 3), np.uint8)], encoders, adapter_of(network), LOOKING)


def test_nobody_nothing_and_somebody_without_a_face_are_refused(encoders):
    adapter = adapter_of("plain")
    with pytest.raises(InvalidSettingError, match="nobody to encode"):
        encode_people([], encoders, adapter, LOOKING)
    with pytest.raises(InvalidSettingError, match="no picture to follow"):
        picture_tokens([], encoders, adapter, LOOKING)
    with pytest.raises(InvalidSettingError, match='No face is known of "a"'):
        encode(replace(person_of(0), photos=()), encoders, adapter)


@pytest.mark.parametrize(
    ("network", "missing", "said"),
    [
        ("plain", "embedder", "CLIP vision model .*ViT-H.*clip_vision"),
        ("plus", "clip", "CLIP vision model .*ViT-H.*clip_vision"),
        ("faceid", "recogniser", r"w600k_r50\.onnx.*non-commercial"),
    ],
)
def test_what_is_missing_is_said_when_it_is_needed(network, missing, said, encoders):
    with pytest.raises(MissingModelFileError, match=said):
        encode(person_of(0), replace(encoders, **{missing: None}), adapter_of(network))


def test_an_adapter_that_needs_no_encoder_does_not_miss_it(encoders):
    nothing = replace(encoders, clip=None, embedder=None)
    assert encode(person_of(0), nothing, adapter_of("faceid")).shape == (1, 4, 16)
    assert encode(person_of(0), replace(encoders, recogniser=None), adapter_of("plus")).shape == (1, 16, 16)
