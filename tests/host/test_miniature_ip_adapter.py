"""Load Miniature's FaceID on files of a few channels: ComfyUI makes of a photo what the training makes, and draws as diffusers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio.drawing import Settings
from likeness.miniature.studio.studio import Shot, Studio
from likeness.models.images.layout import images_from_arrays
from likeness.models.ip_adapter.checkpoint import load
from likeness.models.ip_adapter.encode import Looking
from likeness.models.miniature.files import read_uniportrait
from likeness.models.people.person import People
from likeness.models.uniportrait.encode import face_vectors
from likeness.tests.host import small_miniature
from likeness.tests.miniature.small_files import FACE_WIDTH

pytestmark = pytest.mark.comfy

PROMPT, SEED, SCALE = "a man in a red shirt", 5, 0.3
SETTINGS = Settings(steps=4, guidance=3.0)
SHAPE = (1, 4, 8, 8)
ALIKE = 1e-3  # of latents of spread 1
HALVES = tuple(torch.eye(2)[:, None, None].repeat_interleave(32, -1))
PHOTOS = tuple(
    np.random.default_rng(seed).integers(0, 256, (12, 12, 3), np.uint8).repeat(8, 0).repeat(8, 1) for seed in (0, 1)
)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def miniature(paths):
    return small_miniature.load(paths)


@pytest.fixture(scope="module")
def studio(paths):
    networks, faces = read_faces(paths["faces"])
    return Studio(
        base=read_base(paths["base"]),
        finder=networks.finder,
        faces=faces,
        adapter=read_uniportrait(paths["uniportrait"], dtype=torch.float32),
        ip_adapter=load(paths["ip_adapter"], dtype=torch.float32),
    )


def chain(paths, *photos, masks=()):
    """People as Add Person makes them."""
    from likeness.host.people import FaceChoice, make_person

    _, detector = small_miniature.one_face(paths)
    people = People()
    for number, photo in enumerate(photos):
        choice = FaceChoice(given=detector)
        mask = masks[number] if masks else None
        person, _ = make_person(images_from_arrays([photo]), choice, mask=mask)
        people = people.add(person)
    return people


def test_tokens_are_those_of_the_vectors_that_the_training_reads(paths, miniature, studio):
    people = chain(paths, *PHOTOS)
    encoded = miniature.ip_adapter.encode_people(people.people, Looking())
    crops = np.stack([person.shown[0][1].crop for person in people])
    vectors = face_vectors(studio.faces.backbone, crops)
    assert miniature.ip_adapter.adapter.face_width == vectors.shape[1] == FACE_WIDTH
    with torch.no_grad():
        expected, null = studio.ip_adapter.projection(vectors), studio.ip_adapter.projection.null()
    torch.testing.assert_close(encoded.tokens.cpu(), expected, atol=1e-4, rtol=1e-3)
    torch.testing.assert_close(encoded.null_tokens.cpu(), null, atol=1e-4, rtol=1e-3)
    assert (encoded.tokens[0] - encoded.tokens[1]).abs().max() > 1e-3


def test_the_recogniser_is_loaded_and_offloaded_by_comfyui(miniature):
    from comfy.model_patcher import ModelPatcher

    recogniser = miniature.ip_adapter.encoders.recogniser.recogniser
    assert isinstance(recogniser.patcher, ModelPatcher)
    assert recogniser.key == miniature.uniportrait.backbone.key  # one network for both adapters


def in_comfyui(miniature, people, where):
    """Latents as the UNet takes them."""
    from likeness.host.ip_adapter.application import apply

    import nodes

    model = apply(miniature.model, miniature.ip_adapter, people, where=where).model
    texts = [miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(text)) for text in (PROMPT, "")]
    [latent] = nodes.KSampler().sample(
        model, SEED, SETTINGS.steps, SETTINGS.guidance, "euler", "simple", *texts, {"samples": torch.zeros(SHAPE)}
    )
    return latent["samples"] * model.model.latent_format.scale_factor


@pytest.mark.parametrize("where", ["one person", "router", "masks"])
def test_both_hosts_draw_the_same(paths, miniature, studio, where):
    from likeness.host.placement import LoadedPlacement
    from likeness.host.uniportrait.adapter import UniPortraitRouter

    photos, masks = PHOTOS[: 1 if where == "one person" else 2], HALVES if where == "masks" else ()
    by = LoadedPlacement("router", UniPortraitRouter(miniature.uniportrait, SCALE)) if where == "router" else None
    theirs = in_comfyui(miniature, chain(paths, *photos, masks=masks), by)
    shot = Shot(
        prompt=PROMPT,
        noise=cpu_noise(SEED, SHAPE),
        references=photos,
        masks=masks,
        structure_scale=SCALE,
        method="IP-Adapter",
    )
    ours, _ = studio.draw(shot, SETTINGS)
    torch.testing.assert_close(ours, theirs, atol=ALIKE, rtol=0)
    plain, _ = studio.draw(Shot(prompt=PROMPT, noise=shot.noise), SETTINGS)
    assert (ours - plain).abs().max() > 30 * ALIKE
