"""FaceStudio from two IP-Adapters: which of them go together, and people whose faces are mixed before the projection."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.clip import clip_pixels
from likeness.models.errors import InvalidSettingError, MissingModelFileError
from likeness.models.facestudio.encode import face_vectors
from likeness.models.facestudio.zero_shot import encode_mixed, require_adapters
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import Looking, encode_people
from likeness.models.ip_adapter.encoders import IPAdapterEncoders
from likeness.models.people.person import People
from likeness.tests.models.ip_adapter.small_files import CLIP, FACE, HEAD, adapter_file
from likeness.tests.people import PixelEmbeddings, PixelTokens, PixelVectors, someone

LOOKING = Looking()
PLUS_VERSIONS = [("FaceID Plus", False), ("FaceID PlusV2", True)]


@pytest.fixture
def encoders():
    return IPAdapterEncoders(clip=PixelTokens(CLIP), embedder=PixelEmbeddings(CLIP), recogniser=PixelVectors(FACE))


def adapter_of(network, base="sd15", **given):
    return load(adapter_file(network, base), dim_head=HEAD, **given)


def mixed(first, second, weight):
    return People((first,)).mix_into_last(second, weight)[0]


@pytest.mark.parametrize("network", ["plus", "full face", "faceid", "faceid plus", "portrait"])
def test_a_style_needs_an_adapter_that_reads_one_embedding(network):
    adapter = adapter_of(network)
    with pytest.raises(
        InvalidSettingError, match=f"style_adapter is {adapter.recognised.version}, and styles need a plain"
    ):
        require_adapters(adapter, None)


@pytest.mark.parametrize("network", ["plain", "plus", "full face", "portrait", "portrait unnorm"])
def test_faces_need_faceid(network):
    adapter = adapter_of(network)
    with pytest.raises(
        InvalidSettingError, match=f"face_adapter is {adapter.recognised.version}, and faces need FaceID"
    ):
        require_adapters(adapter_of("plain"), adapter)


@pytest.mark.parametrize("base", ["sd15", "sdxl"])
def test_both_must_be_of_one_base(base):
    for network in ("faceid", "faceid plus"):
        require_adapters(adapter_of("plain", base), adapter_of(network, base))
    require_adapters(adapter_of("plain", base), None)
    other = adapter_of("faceid", "sdxl" if base == "sd15" else "sd15")
    with pytest.raises(InvalidSettingError, match="made for different base models; choose both for SD"):
        require_adapters(adapter_of("plain", base), other)


@pytest.mark.parametrize("network", ["faceid", "faceid plus"])
@torch.no_grad()
def test_people_with_a_photo_each_are_those_of_ip_adapter(network, encoders):
    people, adapter = [someone(seed=1), someone(seed=2)], adapter_of(network)
    found = encode_mixed(people, encoders, adapter, LOOKING, "unit length")
    wanted = encode_people(people, encoders, adapter, LOOKING)
    torch.testing.assert_close(found.tokens, wanted.tokens)
    torch.testing.assert_close(found.null_tokens, wanted.null_tokens)


@torch.no_grad()
def test_photos_are_a_mean_of_vectors_and_not_of_tokens(encoders):
    three, adapter = someone(seed=3, photos=3), adapter_of("faceid")
    found = encode_mixed([three], encoders, adapter, LOOKING, "unit length").tokens
    torch.testing.assert_close(found, adapter.projection(face_vectors([three], encoders.recogniser)))
    assert not torch.allclose(found, encode_people([three], encoders, adapter, LOOKING).tokens, atol=1e-3)


@pytest.mark.parametrize("mixing", ["unit length", "literal"])
@torch.no_grad()
def test_mixed_people_are_mixed_before_the_projection(mixing, encoders):
    both, adapter = mixed(someone("a", 1), someone("b", 2), 0.3), adapter_of("faceid")
    [vector] = face_vectors([both], encoders.recogniser, mixing)
    found = encode_mixed([both], encoders, adapter, LOOKING, mixing).tokens
    torch.testing.assert_close(found, adapter.projection(vector[None]))


@pytest.mark.parametrize(("version", "shortcut"), PLUS_VERSIONS)
@torch.no_grad()
def test_what_clip_sees_of_the_faces_is_mixed_with_the_same_weights(version, shortcut, encoders):
    a, b = someone("a", 1), someone("b", 2)
    both, adapter = mixed(a, b, 0.3), adapter_of("faceid plus", version=version)
    looks = [encoders.tokens(clip_pixels(each.shown[0][1].crop)[None]) for each in (a, b)]
    vector = face_vectors([both], encoders.recogniser)
    for scale in (1.0, 0.5):
        found = encode_mixed([both], encoders, adapter, Looking(s_scale=scale), "unit length").tokens
        seen = 0.7 * looks[0] + 0.3 * looks[1]
        torch.testing.assert_close(found, adapter.projection(vector, seen, shortcut=shortcut, s_scale=scale))


@torch.no_grad()
def test_clip_s_look_at_several_photos_goes_by_their_weights(encoders):
    two, adapter = someone(seed=4, photos=2), adapter_of("faceid plus")
    first, second = two.photos
    weighed = replace(two, photos=(replace(first, weight=3.0), second))
    looks = [encoders.tokens(clip_pixels(face.crop)[None]) for _, face in weighed.shown]
    vector = face_vectors([weighed], encoders.recogniser)
    found = encode_mixed([weighed], encoders, adapter, LOOKING, "unit length").tokens
    wanted = adapter.projection(vector, 0.75 * looks[0] + 0.25 * looks[1], shortcut=False, s_scale=1.0)
    torch.testing.assert_close(found, wanted)


@torch.no_grad()
def test_nobody_is_one_whoever_is_there(encoders):
    adapter = adapter_of("faceid plus")
    one, other = (encode_mixed([someone(seed=seed)], encoders, adapter, LOOKING, "unit length") for seed in (1, 2))
    assert torch.equal(one.null_tokens, other.null_tokens)
    assert not torch.equal(one.tokens, other.tokens)


def test_encoders_are_missed_where_they_are_needed(encoders):
    people = [someone(seed=1)]
    with pytest.raises(MissingModelFileError):
        encode_mixed(people, replace(encoders, recogniser=None), adapter_of("faceid"), LOOKING, "unit length")
    blind = replace(encoders, clip=None)
    with pytest.raises(MissingModelFileError):
        encode_mixed(people, blind, adapter_of("faceid plus"), LOOKING, "unit length")
    assert encode_mixed(people, blind, adapter_of("faceid"), LOOKING, "unit length").tokens.isfinite().all()


def test_a_mixture_that_leaves_less_than_nothing_is_refused(encoders):
    chain = People((someone("Ada", 1),)).mix_into_last(someone("b", 2), 0.8).mix_into_last(someone("c", 3), 0.8)
    with pytest.raises(InvalidSettingError, match=r'factors of "Ada".*leave less than nothing'):
        encode_mixed([chain[0]], encoders, adapter_of("faceid"), LOOKING, "unit length")
