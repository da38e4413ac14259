"""Tokens of the people of pictures: each adapter's own, of the right person, and of nobody."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.studio.shown import tokens_of
from likeness.models.uniportrait.encode import ReferenceFeatures, embed_features
from likeness.tests.miniature.ablations.small_studio import questions as questions
from likeness.tests.miniature.ablations.small_studio import studio as studio
from torch.nn.functional import normalize

ROWS = slice(1, 3)


def shown(studio, adapter, questions, *, sees_means=False):
    nobody = studio.faces.nobody()
    with torch.no_grad():
        features = questions[2].intrinsic[ROWS], questions[2].structure[ROWS]
        return tokens_of(adapter, *features, nobody, structure_scale=0.4, sees_means=sees_means)


def test_uniportrait_shows_what_its_embedding_makes_of_each_person(studio, questions):
    asked, found = questions[2], shown(studio, studio.adapter, questions)
    assert found.attention is studio.adapter.face_attention
    features = ReferenceFeatures(intrinsic=asked.intrinsic[2, 1][None], structure=asked.structure[2, 1][None])
    with torch.no_grad():
        expected = embed_features(studio.adapter.id_embedding, features, 0.4)
        null = embed_features(studio.adapter.id_embedding, studio.faces.nobody(), 0.4)
    torch.testing.assert_close(found.tokens[1, 1:], expected)
    torch.testing.assert_close(found.null_tokens, null)
    assert not torch.allclose(found.tokens, shown(studio, studio.adapter, questions, sees_means=True).tokens)


def test_faceid_shows_what_its_projection_makes_of_each_vector(studio, questions):
    asked, found = questions[2], shown(studio, studio.ip_adapter, questions)
    assert found.attention is studio.ip_adapter.attention
    assert found.tokens.shape[:3] == (2, 2, 4)
    with torch.no_grad():
        expected = studio.ip_adapter.projection(normalize(asked.intrinsic[1:3, 0].mean(1), dim=-1))
        torch.testing.assert_close(found.null_tokens, studio.ip_adapter.projection.null())
    torch.testing.assert_close(found.tokens[:, 0], expected)
