"""Load Miniature's FaceStudio on files of a few channels: its space, its prior, and pictures by both of its forms."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.models.facestudio.style import Space, Style
from likeness.models.people.person import People
from likeness.tests.host import small_miniature
from likeness.tests.host.test_miniature_ip_adapter import HALVES, PHOTOS, chain
from likeness.tests.miniature.small_files import EMBEDDING, FACE_WIDTH, SPACE

pytestmark = pytest.mark.comfy

PICTURE = torch.rand(1, 64, 80, 3, generator=torch.Generator().manual_seed(2))
SHAPE = (1, 4, 8, 8)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def miniature(paths):
    return small_miniature.load(paths)


@pytest.fixture(scope="module")
def style(paths, miniature):
    from likeness.host.encoders.style_pictures import Masking, encode_style_pictures

    _, detector = small_miniature.one_face(paths)
    return encode_style_pictures(miniature.facestudio, PICTURE, Masking(given=detector))


def predicted(miniature, **settings):
    from likeness.host.prior import predict

    found = predict(miniature.clip, miniature.prior, "a man in a red shirt", steps=3, **settings)
    return Style(embedding=found.embedding, space=Space(found.space, EMBEDDING), source="text")


def drawn(miniature, loaded, people=None, **asked):
    from likeness.host.facestudio.method import Asked

    import nodes

    applied = loaded.apply(miniature.model, Asked(people=people or People(), **asked))
    prompts = applied.positive, applied.negative
    [latent] = nodes.KSampler().sample(
        applied.model, 5, 3, 3.0, "euler", "simple", *prompts, {"samples": torch.zeros(SHAPE)}
    )
    return latent["samples"]


def test_style_and_text_lie_in_one_space(miniature, style):
    text = predicted(miniature)
    assert style.space == text.space == miniature.facestudio.space == Space(SPACE, EMBEDDING)
    assert style.note == "1 face hidden (1 by box)."
    assert torch.equal(text.embedding, predicted(miniature).embedding)
    assert not torch.equal(text.embedding, predicted(miniature, seed=1).embedding)


def test_the_trained_form_draws_style_faces_and_text(paths, miniature, style):
    assert miniature.facestudio.adapter.layer.face_width == FACE_WIDTH
    people = chain(paths, *PHOTOS, masks=HALVES)
    pictures = [
        drawn(miniature, miniature.facestudio, style=style),
        drawn(miniature, miniature.facestudio, people, style=style),
        drawn(miniature, miniature.facestudio, people, style=style, text=predicted(miniature), alpha=0.5),
    ]
    assert all(picture.isfinite().all() for picture in pictures)
    assert not torch.equal(pictures[0], pictures[1])
    assert not torch.equal(pictures[1], pictures[2])
    again = drawn(miniature, miniature.facestudio, people, style=style)
    assert torch.equal(again, pictures[1])


def test_the_form_of_two_adapters_draws_them_beside_a_prompt(paths, miniature, style):
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    prompts = [miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(text)) for text in ("a man", "")]
    asked = {"positive": prompts[0], "negative": prompts[1], "style": style}
    loaded = ZeroShotFaceStudio(style=miniature.style_adapter, face=miniature.ip_adapter)
    people = chain(paths, PHOTOS[0])
    styled, both = drawn(miniature, loaded, **asked), drawn(miniature, loaded, people, **asked)
    blended = drawn(miniature, loaded, people, **asked, text=predicted(miniature), alpha=0.5)
    assert not torch.equal(styled, both)
    assert not torch.equal(both, blended)


def test_what_encodes_styles_is_the_miniatures_own(miniature):
    from likeness.models.facestudio.style_encoding import style_pixels, style_square

    pixels = style_pixels(style_square((255 * PICTURE[0].numpy()).astype(np.uint8)))[None]
    for embedder in (miniature.facestudio.embedder, miniature.style_adapter.encoders.embedder):
        assert embedder.embeddings(pixels).shape == (1, EMBEDDING)
