"""Weights of photos in every method: 0 leaves a photo out to the bit, weights that are alike are as none, others count."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from likeness.models.consistentid.corrected import Corrected
from likeness.models.consistentid.encode import id_tokens, regions
from likeness.models.consistentid.facial_encoder import FacialEncoder
from likeness.models.consistentid.features import FacialFeatures
from likeness.models.consistentid.id_projection import IDProjection
from likeness.models.consistentid.pipelines import SD15
from likeness.models.consistentid.published import Published
from likeness.models.facestudio.encode import face_vectors
from likeness.models.facestudio.zero_shot import encode_mixed
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import Looking, encode_people
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.omniportrait.encode import ReferenceEncoders, encode, reference_pictures
from likeness.models.people.person import People, Person
from likeness.models.uniportrait import encode as uniportrait
from likeness.models.uniportrait.id_embedding import IDEmbedding
from likeness.tests.models.consistentid import conftest as consistentid_files
from likeness.tests.models.consistentid import small_encoders
from likeness.tests.models.ip_adapter import small_files
from likeness.tests.models.omniportrait import small_people
from likeness.tests.models.omniportrait.small_adapter import CONFIG
from likeness.tests.models.uniportrait import conftest as uniportrait_files
from likeness.tests.people import PixelEmbeddings, PixelMaps, PixelTokens, PixelVectors, photo

faceid_file = uniportrait_files.faceid_file
projection_weights, encoder_weights = consistentid_files.projection_weights, consistentid_files.encoder_weights

IP_ADAPTERS = ("plus", "faceid", "faceid plus", "portrait", "portrait unnorm")
METHODS = (
    "uniportrait",
    "published consistentid",
    "corrected consistentid",
    "facial regions",
    *IP_ADAPTERS,
    "facestudio",
    "facestudio of faceid plus",
    "omniportrait",
    "references of omniportrait",
)


def crops(seed):
    return photo(np.random.default_rng(seed))


def of_regions(seed):
    return small_encoders.photo(seed, ("Face", "Nose"))


def in_the_wild(seed):
    return small_people.photo(small_people.noise(seed))


@pytest.fixture
def method(request):
    """How a photo of a number looks, and what a method makes of a person: tensors."""
    name = request.param
    if name == "uniportrait":
        file = request.getfixturevalue("faceid_file")
        module = IDEmbedding.from_state_dict(file["faceid_proj"], dim_head=8)
        encoders = uniportrait.UniPortraitEncoders(clip=PixelTokens(4), backbone=PixelMaps((2, 2, 2, 6)))
        return crops, lambda person: [uniportrait.encode(person, encoders, module, 0.3)]
    if "consistentid" in name or name == "facial regions":
        looks = small_encoders.looking(consistentid_files.CLIP, consistentid_files.FACE)
        flavour = (Published if name.startswith("published") else Corrected)(SD15)
        if name == "facial regions":
            reader = FacialEncoder.from_state_dict(
                request.getfixturevalue("encoder_weights"), dim_head=consistentid_files.HEAD
            )

            def seen(person):
                found = regions(1, People((person,)), FacialFeatures(), looks.encoders, reader, flavour)
                return [region.vector for region in found.regions]

            return of_regions, seen
        projection = IDProjection.from_state_dict(
            request.getfixturevalue("projection_weights"), dim_head=consistentid_files.HEAD
        )
        return of_regions, lambda person: [id_tokens(person, looks.encoders, projection, flavour)]
    if name in IP_ADAPTERS or name.startswith("facestudio"):
        encoders = IPAdapterEncoders(
            clip=PixelTokens(small_files.CLIP),
            embedder=PixelEmbeddings(small_files.CLIP),
            recogniser=PixelVectors(small_files.FACE),
        )
        if name == "facestudio":
            return crops, lambda person: [face_vectors([person], encoders.recogniser)]
        network = name if name in IP_ADAPTERS else "faceid plus"
        adapter = load(small_files.adapter_file(network), dim_head=small_files.HEAD)

        def tokens(person):
            if name in IP_ADAPTERS:
                found = encode_people([person], encoders, adapter, Looking())
            else:
                found = encode_mixed([person], encoders, adapter, Looking(), "unit length")
            return [found.tokens] if found.scores is None else [found.tokens, found.scores]

        return crops, tokens
    if name == "omniportrait":
        return in_the_wild, lambda person: [encode(person, small_people.PixelTokens(), CONFIG)]
    latents = ReferenceEncoders(latents=small_people.MeanLatents())

    def pictures(person):
        found = reference_pictures(person, latents, 64)
        shares = torch.tensor([picture.weight for picture in found])
        return [*(picture.latent for picture in found), shares / shares.max()]

    return in_the_wild, pictures


def person_of(look, *weights, seeds=(1, 2, 3)):
    return Person(
        name="Ada",
        photos=tuple(replace(look(seed), weight=weight) for seed, weight in zip(seeds, weights, strict=False)),
    )


def are_equal(some, others):
    return len(some) == len(others) and all(map(torch.equal, some, others))


@pytest.mark.parametrize("method", METHODS, indirect=True)
@torch.no_grad()
def test_a_weight_of_0_leaves_a_photo_out_to_the_bit(method):
    look, encode = method
    for weights, seeds in (((0.0, 1.0, 1.0), (2, 3)), ((1.0, 0.0, 1.0), (1, 3)), ((0.2, 0.0, 0.0), (1,))):
        kept = person_of(look, *(weight for weight in weights if weight), seeds=seeds)
        assert are_equal(encode(person_of(look, *weights)), encode(kept))
    assert not are_equal(encode(person_of(look, 0.0, 1.0, 1.0)), encode(person_of(look, 1.0, 1.0, 1.0)))


@pytest.mark.parametrize("method", METHODS, indirect=True)
@torch.no_grad()
def test_weights_that_are_alike_are_as_none_to_the_bit(method):
    look, encode = method
    plain = Person(name="Ada", photos=tuple(look(seed) for seed in (1, 2, 3)))
    assert are_equal(encode(person_of(look, 1.0, 1.0, 1.0)), encode(plain))
    assert are_equal(encode(person_of(look, 0.3, 0.3, 0.3)), encode(plain)), "only proportions count"
    assert are_equal(encode(person_of(look, 0.2)), encode(person_of(look, 1.0)))


@pytest.mark.parametrize("method", [name for name in METHODS if not name.startswith("published")], indirect=True)
@torch.no_grad()
def test_a_photo_that_weighs_next_to_nothing_is_next_to_left_out(method):
    """But for what joins photos or keeps them apart, where that photo's own part stays as long as it weighs anything."""
    look, encode = method
    without, plain = encode(person_of(look, 1.0, 1.0)), encode(person_of(look, 1.0, 1.0, 1.0))
    barely = encode(person_of(look, 1.0, 1.0, 1e-9))
    assert not are_equal(barely, plain)
    for some, wanted in zip(barely, without, strict=False):
        if some.shape == wanted.shape:
            torch.testing.assert_close(some, wanted, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("method", ["published consistentid"], indirect=True)
@torch.no_grad()
def test_the_published_consistentid_takes_the_first_photo_that_counts(method):
    look, encode = method
    assert are_equal(encode(person_of(look, 0.0, 0.2, 1.0)), encode(person_of(look, 1.0, seeds=(2,))))
    assert not are_equal(encode(person_of(look, 0.0, 0.2, 1.0)), encode(person_of(look, 1.0, seeds=(1,))))
