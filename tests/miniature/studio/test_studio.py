"""The studio on files of a few channels: whom it draws, whom it refuses, and what it says of their places."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.image_encoder import image_tokens
from likeness.diffusers_host.noise_levels import cpu_noise
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.studio import studio as module
from likeness.miniature.studio.drawing import Settings, draw_latents
from likeness.miniature.studio.studio import Shot, Studio
from likeness.models.errors import NoFaceFoundError, UnknownCheckpointError
from likeness.models.uniportrait.encode import CROP_SIZE, face_vectors, preprocess
from likeness.tests.miniature.small_files import IMAGE_TOKENS, IMAGE_WIDTH, finder_that_sees, write_files
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

HALVES = tuple(
    torch.eye(2)[:, None, None].repeat_interleave(32, -1)
)  # the left half of the picture is the first person's
FEW = Settings(steps=2)
PICTURES = 2
ADA, BEN = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return write_files(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def studio(paths):
    with pytest.MonkeyPatch.context() as patched:
        for name in ("base", "faces", "uniportrait", "ip_adapter"):
            patched.setattr(module, name.upper(), paths[name])
        return Studio.load()


def shot(*references, **settings):
    return Shot(prompt="a man", noise=cpu_noise(0, (PICTURES, 4, 8, 8)), references=references, **settings)


def differ(first, second):
    return not torch.allclose(first, second, atol=1e-3)


def test_people_stand_in_the_order_of_their_references(studio):
    both, turned = (studio.people(shot(*people)) for people in ((ADA, BEN), (BEN, ADA)))
    assert [person.name for person in both] == ["person 1", "person 2"]
    first, second = (person.shown[0][1].crop for person in both)
    assert not np.array_equal(first, second)
    assert np.array_equal(first, turned[1].shown[0][1].crop)
    tokens, other = (studio.encode(people, 0.3).tokens for people in (both, turned))
    torch.testing.assert_close(tokens, other.flip(0))
    assert differ(*tokens)


def test_a_reference_without_a_face_is_refused(studio):
    blind = replace(studio, finder=finder_that_sees(-9.0))
    with pytest.raises(NoFaceFoundError, match="No face"):
        blind.draw(shot(ADA), FEW)


def test_nobody_is_drawn_by_the_base_alone(studio):
    asked = shot()
    latents, maps = studio.draw(asked, FEW)
    assert maps is None
    assert torch.equal(latents, draw_latents(studio.base, ["a man"] * PICTURES, asked.noise, FEW))


def test_references_and_their_strength_and_structure_decide_the_picture(studio):
    drawn = [
        studio.draw(asked, FEW)[0]
        for asked in (
            shot(),
            shot(ADA),
            shot(BEN),
            shot(ADA, strength=0.5),
            shot(ADA, structure_scale=0.9),
            shot(ADA, BEN),
            shot(ADA, BEN, is_routed=False),
            shot(ADA, BEN, masks=HALVES),
            *(shot(*people, method="IP-Adapter") for people in ((ADA,), (BEN,), (ADA, BEN))),
            shot(ADA, BEN, method="IP-Adapter", is_routed=False),
            shot(ADA, BEN, method="IP-Adapter", masks=HALVES),
        )
    ]
    assert all(differ(one, other) for place, one in enumerate(drawn) for other in drawn[:place])
    assert torch.equal(drawn[1], studio.draw(shot(ADA), FEW)[0])


def test_the_router_gives_every_place_to_one_person(studio):
    _, maps = studio.draw(shot(ADA, BEN), FEW)
    assert maps.names == ("person 1", "person 2")
    assert maps.maps.shape == (PICTURES, 2, 8, 8)
    torch.testing.assert_close(maps.maps.sum(1), torch.ones(PICTURES, 8, 8))
    assert sum(maps.shares[0].values()) == pytest.approx(1)
    assert maps.maps.std() > 0.01


@pytest.mark.parametrize("method", ["UniPortrait", "IP-Adapter"])
def test_the_same_router_tells_where_people_are_and_masks_overrule_it(studio, method):
    _, maps = studio.draw(shot(ADA, BEN, method=method), Settings(steps=1))
    _, expected = studio.draw(shot(ADA, BEN), Settings(steps=1))
    if method == "UniPortrait":
        assert torch.equal(maps.maps, expected.maps)
    torch.testing.assert_close(maps.maps.sum(1), torch.ones(PICTURES, 8, 8))
    _, masked = studio.draw(shot(ADA, BEN, method=method, masks=HALVES), FEW)
    assert min(masked.maps[:, 0, :, :2].min(), masked.maps[:, 1, :, 6:].min()) > 0.99
    assert max(masked.maps[:, 1, :, :2].max(), masked.maps[:, 0, :, 6:].max()) < 0.01


def test_faceid_reads_the_vector_of_each_face_and_zeros_of_nobody(studio):
    people = studio.people(shot(ADA, BEN))
    crops = np.stack([person.shown[0][1].crop for person in people])
    encoded = studio.encode_faces(people)
    vectors = face_vectors(studio.faces.backbone, crops)
    torch.testing.assert_close(vectors.norm(dim=-1), torch.ones(2))
    torch.testing.assert_close(encoded.tokens, studio.ip_adapter.projection(vectors))
    torch.testing.assert_close(encoded.null_tokens, studio.ip_adapter.projection.null())


def test_masks_are_for_everybody_or_nobody(studio):
    with pytest.raises(ValueError, match="zip"):
        studio.people(shot(ADA, BEN, masks=HALVES[:1]))


def test_another_order_of_the_same_people_is_the_same_picture(studio):
    (latents, maps), (turned, turned_maps) = (studio.draw(shot(*people), FEW) for people in ((ADA, BEN), (BEN, ADA)))
    torch.testing.assert_close(latents, turned, atol=1e-4, rtol=0)
    assert torch.equal(maps.maps, turned_maps.maps.flip(1))


def test_without_the_router_everybody_has_an_equal_part_of_every_place(studio):
    _, maps = studio.draw(shot(ADA, BEN, is_routed=False), FEW)
    torch.testing.assert_close(maps.maps, torch.full((PICTURES, 2, 8, 8), 0.5))


def test_image_tokens_are_those_of_the_encoder_that_was_written(paths):
    networks, faces = read_faces(paths["faces"])
    written = CLIPVisionModelWithProjection(CLIPVisionConfig(**networks.image_config)).eval()
    weights = {key: tensor.float() for key, tensor in load_file(paths["faces"]).items()}
    prefix = "image_encoder."
    written.load_state_dict({key[len(prefix) :]: each for key, each in weights.items() if key.startswith(prefix)})
    pixels = preprocess(np.random.default_rng(1).integers(0, 256, (2, CROP_SIZE, CROP_SIZE, 3), np.uint8))
    found = image_tokens(faces.image_encoder, pixels)
    assert found.shape == (2, IMAGE_TOKENS, IMAGE_WIDTH)
    assert found.std() > 0.1
    torch.testing.assert_close(found, image_tokens(written, pixels))
    assert faces.backbone is networks.backbone


def test_an_encoder_that_lacks_a_weight_is_refused_by_name(paths, tmp_path):
    with safe_open(paths["faces"], "pt") as stream:
        metadata = stream.metadata()
    weights = load_file(paths["faces"])
    lost = next(key for key in weights if key.endswith("layers.0.mlp.fc1.weight"))
    del weights[lost]
    save_file(weights, tmp_path / "faces.safetensors", metadata)
    with pytest.raises(UnknownCheckpointError, match=r"image encoder.*mlp\.fc1\.weight"):
        read_faces(tmp_path / "faces.safetensors")
