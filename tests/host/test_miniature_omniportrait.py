"""Load Miniature's OmniPortrait on files of a few channels: ComfyUI makes of a photo what the training makes of it."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.recipe.latents import caption_tokens, encode_tokens
from likeness.miniature.recipe.pivot_people import _small
from likeness.miniature.recipe.steps.omniportrait import CONFIG
from likeness.miniature.studio.pivots import Pivots
from likeness.models.omniportrait.checkpoint import load
from likeness.models.people.person import People, Person
from likeness.models.people.photo import photos_of
from likeness.tests.host import small_miniature
from likeness.tests.host.omniportrait.small_guidance import by_face
from likeness.training.omniportrait.crops import cut_wide, middle

pytestmark = pytest.mark.comfy

MARKED, PROMPT, NOUN = "a man @id1 in a red shirt", "a man in a red shirt", 2


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def miniature(paths):
    return small_miniature.load(paths)


@pytest.fixture(scope="module")
def faces(paths):
    return small_miniature.one_face(paths)


@pytest.fixture(scope="module")
def people(faces):
    found, detector = faces
    return People((Person(name="Ann", photos=photos_of(found, detector, is_chosen=False)),))


def test_the_file_is_one_for_this_base(miniature):
    assert miniature.omniportrait.adapter.config == CONFIG
    assert miniature.omniportrait.adapter.context_dim == small_miniature.WIDE.text


def test_the_noun_becomes_what_the_training_makes_of_it(paths, miniature, faces, people):
    from likeness.host.omniportrait.prompt import encode_prompt

    [[text, noted]], _ = encode_prompt(miniature.clip, people, MARKED, omniportrait=miniature.omniportrait)
    base, adapter = read_base(paths["base"]), load(paths["omniportrait"])
    [face], [picture] = faces[0].faces, faces[0].images
    crops = middle(_small([cut_wide(picture, tuple(face.box.tolist()))]).float() / 255)
    with torch.no_grad():
        plain = encode_tokens(base, caption_tokens([PROMPT]))
        fused = Pivots.of(adapter, crops[None], torch.tensor([[NOUN]])).fuse(plain)
    rest = torch.arange(text.shape[1]) != NOUN
    torch.testing.assert_close(text[:, rest], plain[:, rest], atol=1e-4, rtol=1e-3)
    moved, expected = (each[0, NOUN] - plain[0, NOUN] for each in (text, fused))
    assert expected.norm() > 1
    assert (moved - expected).norm() < 0.05 * expected.norm()  # the training keeps smaller crops
    assert any(rows == ((0, NOUN),) for rows in noted.values())


def test_a_picture_is_drawn_of_the_person(miniature, people):
    from likeness.host.omniportrait.prompt import encode_prompt

    import nodes

    fused, _ = encode_prompt(miniature.clip, people, MARKED, omniportrait=miniature.omniportrait)
    plain, nothing = (
        miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(each)) for each in (PROMPT, "")
    )
    latents = [
        nodes.KSampler().sample(
            miniature.model, 1, 2, 3.0, "euler", "simple", positive, nothing, {"samples": torch.zeros(1, 4, 8, 8)}
        )[0]["samples"]
        for positive in (fused, plain)
    ]
    assert all(torch.isfinite(latent).all() for latent in latents)
    assert (latents[0] - latents[1]).abs().max() > 0.01


def test_a_picture_is_pulled_towards_the_photo_where_the_preview_shows_a_face(miniature, faces, people):
    from likeness.host.omniportrait.guidance import ReferenceLook, apply_guidance
    from likeness.host.sampling.runs import find_guidance_history, sigma_window
    from likeness.models.omniportrait.guidance_settings import GuidanceSettings

    import nodes

    _, detector = faces
    settings = GuidanceSettings(strength=0.5, window=sigma_window(miniature.model, 0.0, 1.0), seeds=1)
    look = ReferenceLook(vae=miniature.vae, parser=miniature.face_parser)
    where = by_face(lambda: detector, vae=miniature.vae)
    applied = apply_guidance(miniature.model, people, settings, look=look, where=where)
    assert [line.state for line in applied.lines] == ["at their face"]
    positive, negative = (
        miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(each)) for each in (PROMPT, "")
    )
    plain, pulled = (
        nodes.KSampler().sample(
            model, 1, 3, 3.0, "euler", "simple", positive, negative, {"samples": torch.zeros(1, 4, 16, 16)}
        )[0]["samples"]
        for model in (miniature.model, applied.model)
    )
    assert torch.isfinite(pulled).all()
    assert (pulled - plain).abs().max() > 0.01
    history = find_guidance_history(applied.model, pulled)
    assert history.names == ("Ann",)
    assert len(history.curve("Ann")) == 3
