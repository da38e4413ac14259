"""What OmniPortrait makes of people's photos."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.face.region_masks import TRUE_NAMES
from likeness.models.omniportrait.encode import ReferenceEncoders, encode, reference_pictures
from likeness.models.people.encodings import Encodings
from likeness.models.people.person import Person
from likeness.models.people.remembered import RememberedImageEncoder, RememberedLatents
from likeness.tests.models.omniportrait.small_adapter import CONFIG
from likeness.tests.models.omniportrait.small_people import (
    Labels,
    MeanLatents,
    PixelTokens,
    bright_face,
    chain,
    noise,
    person,
    photo,
)


def mean_of(one):
    return encode(one, PixelTokens(), CONFIG)


def test_the_pivot_sees_a_square_a_little_wider_than_the_face():
    tokens = PixelTokens()
    encode(person("Ann", photo(bright_face())), tokens, CONFIG)
    [pixels] = tokens.seen
    assert pixels.shape == (3, 16, 16)
    shares = (pixels[0] * CONFIG.std[0] + CONFIG.mean[0]).mean() / (230 / 255)
    assert shares == pytest.approx(40 * 50 / (1.3 * 50) ** 2, abs=0.03)


def test_an_embedding_is_the_mean_over_photos_by_their_weights():
    first, second = (mean_of(person("Ann", photo(noise(seed)))) for seed in (1, 2))
    assert first.shape == (1, 3)
    both = mean_of(person("Ann", photo(noise(1)), photo(noise(2))))
    torch.testing.assert_close(both, (first + second) / 2)
    weighted = mean_of(person("Ann", photo(noise(1)), photo(noise(2), weight=3.0)))
    torch.testing.assert_close(weighted, (first + 3 * second) / 4)


def test_photos_without_a_face_do_not_count():
    whole = person("Ann", photo(noise(1)), photo(noise(2), None))
    torch.testing.assert_close(mean_of(whole), mean_of(person("Ann", photo(noise(1)))))


def test_people_who_are_mixed_are_added_up_by_their_factors():
    ann, ben, cat = (person(name, photo(noise(seed))) for seed, name in enumerate(("Ann", "Ben", "Cat")))
    mixed = chain(ann).mix_into_last(ben, 0.3).mix_into_last(cat, 0.25)[0]
    wanted = 0.45 * mean_of(ann) + 0.3 * mean_of(ben) + 0.25 * mean_of(cat)
    torch.testing.assert_close(mean_of(mixed), wanted)


def test_a_reference_is_twice_as_wide_as_the_face_and_its_mask_the_ellipse():
    vae = MeanLatents()
    ann = person("Ann", photo(bright_face()))
    [picture] = reference_pictures(ann, ReferenceEncoders(latents=vae), 128)
    [crop] = vae.seen
    assert crop.shape == (1, 128, 128, 3)
    assert crop[0, ..., 0].mean() / (230 / 255) == pytest.approx(40 * 50 / 100**2, abs=0.02)
    assert picture.latent.shape == (1, 4, 16, 16)
    inside = picture.mask.bool()
    assert crop[0, ..., 0][inside].min() > 0.4  # half at the edge
    assert inside.sum() / (crop[0, ..., 0] > 0.45).sum() == pytest.approx(math.pi / 4, abs=0.03)


def test_a_parser_gives_the_outline_of_the_face():
    labels = np.zeros((512, 512), np.uint8)
    labels[200:300, 220:280] = TRUE_NAMES.index("skin")
    parser = Labels(labels)
    [picture] = reference_pictures(person(), ReferenceEncoders(latents=MeanLatents(), parser=parser), 128)
    assert parser.seen == [((128, 128, 3), 512)]
    assert picture.mask.shape == (512, 512)
    assert picture.mask.unique().tolist() == [0, 1]
    assert picture.mask.sum() == 100 * 60


def test_where_the_parser_sees_no_face_the_ellipse_is_taken():
    blind = Labels(np.zeros((512, 512), np.uint8))
    [picture] = reference_pictures(person(), ReferenceEncoders(latents=MeanLatents(), parser=blind), 128)
    [without] = reference_pictures(person(), ReferenceEncoders(latents=MeanLatents()), 128)
    assert torch.equal(picture.mask, without.mask)


def test_references_of_mixed_people_are_all_of_theirs_by_factor_and_weight():
    ann, ben = person("Ann", photo(noise(1)), photo(noise(2), weight=2.0)), person("Ben", photo(noise(3)))
    mixed = chain(ann).mix_into_last(ben, 0.25)[0]
    found = reference_pictures(mixed, ReferenceEncoders(latents=MeanLatents()), 64)
    assert [picture.weight for picture in found] == [0.75, 1.5, 0.25]
    only = chain(ann).mix_into_last(ben, 1.0)[0]
    [theirs] = reference_pictures(only, ReferenceEncoders(latents=MeanLatents()), 64)
    assert torch.equal(theirs.latent, found[2].latent)


@pytest.mark.parametrize("size", [0, 32, 100, 4096])
def test_sizes_that_no_model_takes_are_refused(size):
    with pytest.raises(InvalidSettingError, match=f"reference_size is {size}; choose a multiple of 64 from 64 to 2048"):
        reference_pictures(person(), ReferenceEncoders(latents=MeanLatents()), size)


def test_somebody_without_a_face_is_named():
    nobody = person("Ann", photo(noise(), None))
    with pytest.raises(InvalidSettingError, match='No face is known of "Ann"'):
        mean_of(nobody)
    with pytest.raises(InvalidSettingError, match='No face is known of "Ann"'):
        reference_pictures(nobody, ReferenceEncoders(latents=MeanLatents()), 64)


def test_nothing_is_encoded_again_for_another_name_strength_mask_order_or_mix():
    tokens, vae, store = PixelTokens(), MeanLatents(), Encodings()
    encoder = RememberedImageEncoder(tokens, store)
    encoders = ReferenceEncoders(latents=RememberedLatents(vae, store))

    def everything(one: Person):
        encode(one, encoder, CONFIG)
        reference_pictures(one, encoders, 64)

    ann, ben = person("Ann", photo(noise(1)), photo(noise(2))), person("Ben", photo(noise(3)))
    for one in (ann, ben):
        everything(one)
    assert len(tokens.seen) == len(vae.seen) == 3
    everything(person("Ben", photo(noise(2), weight=2.0), photo(noise(1)), strength=2.0, mask=torch.ones(4, 4)))
    everything(chain(ann).mix_into_last(ben, 0.5)[0])
    assert len(tokens.seen) == len(vae.seen) == 3
    reference_pictures(ann, encoders, 128)
    assert len(vae.seen) == 5
