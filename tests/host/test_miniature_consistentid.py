"""Load Miniature's ConsistentID on files of a few channels: ComfyUI makes of a photo what the training makes of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.diffusers_host.image_encoder import hidden_tokens
from likeness.miniature.networks.checkpoint import read_base
from likeness.miniature.networks.faces import read_faces
from likeness.miniature.recipe.facial_people import _describe
from likeness.miniature.recipe.latents import encode_tokens
from likeness.models.consistentid.checkpoint import load
from likeness.models.consistentid.features import NO_WISHES
from likeness.models.face.analysis import analyze
from likeness.models.face.given import GivenRegions
from likeness.models.face.parsing import LABELS
from likeness.models.miniature.parser import FOLD
from likeness.models.people.person import People, Person
from likeness.models.people.photo import photos_of
from likeness.models.uniportrait.encode import face_vectors
from likeness.tests.host import small_miniature
from likeness.tests.miniature.small_files import FACE_WIDTH, IMAGE_WIDTH

pytestmark = pytest.mark.comfy

PROMPT = "a man in a red shirt in front of dots"
SEEN = ("Face", "Left_Eye", "Nose", "Upper_Lip")  # of every photo; the words come as face, nose, eyes, mouth
SIDE = 96  # of the photo, pixels
ALIKE = {"atol": 1e-4, "rtol": 1e-3}


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    return small_miniature.write(tmp_path_factory.mktemp("small"))


@pytest.fixture(scope="module")
def miniature(paths):
    loaded = small_miniature.load(paths)
    see_nothing_else(loaded.face_parser.parser.network)
    return loaded


@pytest.fixture(scope="module")
def trained(paths, miniature):
    """What the training has of the same files: base, face encoders, adapter, parser."""
    return (
        read_base(paths["base"]),
        read_faces(paths["faces"])[1],
        load(paths["consistentid"]),
        miniature.face_parser.parser,
    )


@pytest.fixture(scope="module")
def faces():
    """The one face of a picture, as Detect Faces gives it."""
    noise = torch.rand(1, 3, 12, 12, generator=torch.Generator().manual_seed(0))
    picture = torch.nn.functional.interpolate(noise, (SIDE, SIDE), mode="bilinear")[0].permute(1, 2, 0)
    return analyze([(picture * 255).round().byte().numpy()], GivenRegions("30 34 60 64"))


@pytest.fixture(scope="module")
def people(faces):
    """The chain with this person."""
    return People((Person(name="person", photos=photos_of(faces, None, is_chosen=True)),))


@pytest.fixture(scope="module")
def regions(miniature, people):
    return miniature.consistentid.regions(1, people, NO_WISHES)


def see_nothing_else(network):
    """A parser's network that finds parts of `SEEN` in patches, wherever its random weights say."""
    convolution = network.head[1]
    biases = torch.full((len(LABELS), FOLD**2), -100.0)
    biases[[LABELS.index(label) for label in SEEN]] = 0
    with torch.no_grad():
        convolution.bias.copy_(biases.flatten())


def training_sees(trained, faces):
    """What `_describe` says of the same face, and the photo around it."""
    _, encoders, _, parser = trained
    [face], [picture] = faces.faces, faces.images
    return _describe(PROMPT, picture, face.box.tolist(), parser, encoders.image_encoder)


def test_the_file_is_one_of_the_corrected_behaviour_for_this_base(miniature):
    consistentid = miniature.consistentid
    assert consistentid.flavour.mode == "corrected"
    assert consistentid.adapter.id_projection.image_width == IMAGE_WIDTH
    assert consistentid.adapter.id_projection.vector_width == FACE_WIDTH
    assert consistentid.adapter.context_dim == 64


def test_the_face_parser_tells_parts_of_a_picture_apart(miniature, faces):
    from likeness.host.encoders.parser import parse_pictures

    [picture] = faces.images
    labels = miniature.face_parser.labels(picture, 512)
    assert labels.shape == (512, 512)
    assert {LABELS[label] for label in np.unique(labels)} == set(SEEN)
    image = torch.from_numpy(picture[None, :80]).float() / 255
    _, [whole] = parse_pictures(miniature.face_parser, image, None, size=512, margin=1.0)
    assert whole.shape == (80, 96)


def test_id_tokens_are_those_that_the_training_reads(trained, miniature, faces, people):
    _, encoders, adapter, _ = trained
    photo = training_sees(trained, faces)["photo"].float()[None]
    vectors = face_vectors(encoders.backbone, np.stack([face.crop for face in faces.faces]))
    nothing = hidden_tokens(encoders.image_encoder, torch.zeros(1, 3, 224, 224))
    with torch.no_grad():
        expected = adapter.id_projection(vectors, photo, shortcut=False, s_scale=1.0)
        null = adapter.id_projection(torch.zeros_like(vectors), nothing, shortcut=False, s_scale=1.0)
    encoded = miniature.consistentid.encode(people)
    torch.testing.assert_close(encoded.tokens, expected, atol=5e-3, rtol=0)  # the training keeps halves
    torch.testing.assert_close(encoded.null_tokens, null, **ALIKE)
    assert (encoded.tokens - encoded.null_tokens).abs().max() > 0.1


def test_regions_are_those_that_the_training_reads(trained, faces, regions):
    assert regions.names == SEEN
    found = regions.by_feature()
    with torch.no_grad():
        expected = trained[2].facial_encoder.regions(training_sees(trained, faces)["regions"].float()[None])[0]
    for feature, vector in zip(("face", "nose", "eyes", "mouth"), expected[:4], strict=True):
        torch.testing.assert_close(found[feature].vector[0], vector, atol=5e-3, rtol=0)
    assert torch.pdist(expected[:4]).min() > 0.1


def test_the_prompt_is_fused_as_the_training_fuses_it(trained, miniature, faces, people):
    from likeness.host.consistentid.prompt import encode_prompt
    from likeness.host.sampling.delayed_conditioning import MergePoint

    base, _, adapter, _ = trained
    encoded = encode_prompt(
        miniature.consistentid,
        miniature.clip,
        people,
        positive=PROMPT,
        negative="",
        merge=MergePoint(),
        size=(128, 128),
    )
    seen = training_sees(trained, faces)
    with torch.no_grad():
        text = encode_tokens(base, seen["tokens"][None])
        marked = torch.zeros(1, 77, dtype=torch.bool)
        marked[0, seen["words"][seen["has_word"]]] = True
        expected = adapter.facial_encoder(text, seen["regions"].float()[None], marked, seen["has_word"][None])
    [[positive, _]] = encoded.positive
    torch.testing.assert_close(positive[~marked], expected[~marked], **ALIKE)
    torch.testing.assert_close(positive[marked], expected[marked], atol=0.02, rtol=0)
    assert int(marked.sum()) == 4
    assert (positive - text)[marked].abs().amax(-1).min() > 0.1


def test_a_person_is_drawn(miniature, people):
    from likeness.host.consistentid.application import apply

    import nodes

    applied = apply(miniature.model, miniature.consistentid, people)
    assert applied.is_applied
    conds = [miniature.clip.encode_from_tokens_scheduled(miniature.clip.tokenize(text)) for text in (PROMPT, "")]
    latents = [
        nodes.KSampler().sample(one, 1, 2, 3.0, "euler", "simple", *conds, {"samples": torch.zeros(1, 4, 8, 8)})[0][
            "samples"
        ]
        for one in (applied.model, miniature.model)
    ]
    assert all(torch.isfinite(latent).all() for latent in latents)
    assert (latents[0] - latents[1]).abs().max() > 0.01
