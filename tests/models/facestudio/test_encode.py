"""People to vectors, vectors and a style to contexts."""

import pytest
import torch
from likeness.models.errors import InvalidSettingError
from likeness.models.facestudio.checkpoint import load
from likeness.models.facestudio.encode import contexts, face_vectors
from likeness.models.people.person import People, Person
from likeness.tests.models.facestudio.small_adapter import DESCRIPTION, FACE, STYLE, TOKENS, WIDTH, small_weights
from likeness.tests.people import PixelVectors, someone
from torch.nn.functional import normalize

RECOGNISER = PixelVectors(FACE)


@pytest.fixture(scope="module")
def adapter():
    return load(small_weights(), description=DESCRIPTION)


def own(person):
    return normalize(
        RECOGNISER.vectors([face for _, face in person.shown], [photo.picture for photo, _ in person.shown]), dim=-1
    )


def test_several_photos_are_their_mean_of_length_one():
    alone, three = someone(seed=1), someone(seed=2, photos=3)
    got = face_vectors([alone, three], RECOGNISER)
    torch.testing.assert_close(got[0], own(alone)[0])
    torch.testing.assert_close(got[1], normalize(own(three).mean(0), dim=-1))


def test_photos_count_by_their_weight():
    from dataclasses import replace

    two = someone(seed=3, photos=2)
    first, second = two.photos
    weighed = replace(two, photos=(replace(first, weight=3.0), second))
    a, b = own(two)
    torch.testing.assert_close(face_vectors([weighed], RECOGNISER)[0], normalize(3 * a + b, dim=-1))


def test_mixed_people_are_one_face():
    mixed = People().add(someone("a", 1)).mix_into_last(someone("b", 2), 0.25)[0]
    a, b = (own(part)[0] for part, _ in mixed.parts)
    torch.testing.assert_close(face_vectors([mixed], RECOGNISER, "literal")[0], 0.75 * a + 0.25 * b)
    torch.testing.assert_close(face_vectors([mixed], RECOGNISER)[0], normalize(0.75 * a + 0.25 * b, dim=-1))


def test_a_mixture_that_leaves_less_than_nothing_is_refused():
    chain = People().add(someone("Ada", 1)).mix_into_last(someone("b", 2), 0.8)
    mixed = chain.mix_into_last(someone("c", 3), 0.8)[0]
    with pytest.raises(InvalidSettingError, match=r'factors of "Ada".*leave less than nothing'):
        face_vectors([mixed], RECOGNISER)


def test_somebody_without_a_face_is_named():
    with pytest.raises(InvalidSettingError, match='No face is known of "Eve"'):
        face_vectors([Person(name="Eve")], RECOGNISER)


def test_literal_mixing_is_mixing_the_guidance(adapter):
    """Σβ = 1 and the layer is affine."""
    faces, style = normalize(torch.randn(3, FACE), dim=-1), torch.randn(1, STYLE)
    beta = torch.tensor([0.5, 0.3, 0.2])
    each = contexts(adapter, style, faces, strengths=(1, 1, 1)).people
    mixed = contexts(adapter, style, (beta @ faces)[None], strengths=(1,)).people[0]
    torch.testing.assert_close(mixed, torch.einsum("k,knd->nd", beta, each), rtol=1e-5, atol=1e-5)


def test_contexts_are_the_layers_own(adapter):
    faces, style, negative = normalize(torch.randn(2, FACE), dim=-1), torch.randn(1, STYLE), torch.randn(1, STYLE)
    found = contexts(adapter, style, faces, strengths=(1, 0.5), negative=negative)
    layer, nobody = adapter.layer, torch.zeros(1, FACE)
    torch.testing.assert_close(found.people[1:], layer(style, 0.5 * faces[1:]))
    torch.testing.assert_close(found.background, layer(style, nobody))
    torch.testing.assert_close(found.null, layer(negative, nobody))
    assert torch.equal(contexts(adapter, style, faces, strengths=(1, 1)).null, layer.bias[None])
    assert found.joined().shape == (1, 3 * TOKENS, WIDTH)
    assert torch.equal(found.joined()[0, TOKENS : 2 * TOKENS], found.people[0])
    assert found.owners() == (-1,) * TOKENS + (0,) * TOKENS + (1,) * TOKENS


def test_the_mean_background_is_the_mean_of_the_contexts(adapter):
    faces, style = normalize(torch.randn(3, FACE), dim=-1), torch.randn(1, STYLE)
    found = contexts(adapter, style, faces, strengths=(1, 1, 1), background="mean")
    torch.testing.assert_close(found.background, found.people.mean(0, keepdim=True))


def test_a_strength_out_of_its_range_is_refused(adapter):
    with pytest.raises(InvalidSettingError, match=r"strength is 2\.5"):
        contexts(adapter, torch.zeros(1, STYLE), torch.zeros(1, FACE), strengths=(2.5,))
