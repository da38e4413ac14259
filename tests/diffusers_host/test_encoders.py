"""The encoders of the port on plain modules: values, and what tells them apart."""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("transformers")

from likeness.diffusers_host.encoders import ClipEmbedder, ClipEncoder, PlainBackbone, PlainParser
from likeness.diffusers_host.image_embedder import image_embeddings, load_image_embedder
from likeness.diffusers_host.image_encoder import hidden_tokens, load_image_encoder
from likeness.models.people.encodings import Encodings
from likeness.models.people.remembered import RememberedBackbone, RememberedImageEncoder
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.tests.models.face.painted_faces import SIZE, colour_parser, face_labels, painted
from likeness.tests.training.small_files import small_backbone, small_clip_vision


def clip(factor=1.0):
    weights = small_clip_vision()
    return load_image_encoder({key: weight * factor for key, weight in weights.items()})


@pytest.fixture
def pixels():
    return torch.randn(2, 3, 224, 224, generator=torch.Generator().manual_seed(0))


def test_tokens_are_the_network_s_penultimate_ones_on_the_cpu(pixels):
    encoder = ClipEncoder(clip())
    found = encoder.tokens(pixels)
    assert found.shape == (2, 257, encoder.width) == (2, 257, 32)
    assert (found.dtype, found.device.type, found.requires_grad) == (torch.float32, "cpu", False)
    assert torch.equal(found, hidden_tokens(clip(), pixels))


def test_a_network_in_half_precision_gives_float32_too(pixels):
    half = ClipEncoder(clip().bfloat16()).tokens(pixels.bfloat16())
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, ClipEncoder(clip()).tokens(pixels), atol=0.3, rtol=0.1)


def test_maps_are_those_of_the_stages():
    backbone = PlainBackbone(load_backbone(small_backbone()))
    faces = torch.randn(2, 3, 112, 112, generator=torch.Generator().manual_seed(1))
    found = backbone.maps(faces)
    assert tuple(each.shape[1] for each in found) == backbone.channels
    assert [each.shape[-1] for each in found] == [56 >> level for level in range(len(found))]
    assert not any(each.requires_grad for each in found)
    with torch.no_grad():
        for each, expected in zip(found, backbone.network(faces), strict=True):
            assert torch.equal(each, expected)


def test_keys_name_the_weights_whatever_their_type():
    keys = [ClipEncoder(network).key for network in (clip(), clip(), clip(2.0))]
    assert keys[0] == keys[1] != keys[2]
    backbones = [PlainBackbone(load_backbone(small_backbone())) for _ in range(2)]
    assert backbones[0].key == backbones[1].key
    halved = load_backbone({key: weight.half() for key, weight in small_backbone().items()})
    assert PlainBackbone(halved.half()).key == backbones[0].key
    doubled = load_backbone({key: weight * 2 for key, weight in small_backbone().items()})
    assert PlainBackbone(doubled).key != backbones[0].key


def test_they_can_be_remembered_and_share_what_the_same_weights_said(pixels):
    store, runs = Encodings(), []
    first, again = clip(), clip()
    for network in (first, again):
        network.register_forward_hook(lambda *_: runs.append(1))
    expected = RememberedImageEncoder(ClipEncoder(first), store).tokens(pixels)
    assert torch.equal(RememberedImageEncoder(ClipEncoder(again), store).tokens(pixels.flip(0)), expected.flip(0))
    assert len(runs) == 2
    backbone = RememberedBackbone(PlainBackbone(load_backbone(small_backbone())), store)
    assert backbone.channels == PlainBackbone(load_backbone(small_backbone())).channels


def test_embeddings_are_projected_on_the_cpu_and_named_by_their_weights(pixels):
    weights = {**small_clip_vision(), "visual_projection.weight": torch.randn(6, 32)}
    network = load_image_embedder(weights, activation="gelu")
    encoder = ClipEmbedder(network)
    found = encoder.embeddings(pixels)
    assert found.shape == (2, encoder.width) == (2, 6)
    assert torch.equal(found, image_embeddings(network, pixels))
    assert encoder.key != ClipEncoder(clip()).key


def test_a_parser_gives_the_labels_of_its_network():
    face, parser = painted(face_labels()), colour_parser()
    assert (PlainParser(parser).labels(face, SIZE) == parser.parse(face, SIZE)).all()
    assert PlainParser(parser).key == PlainParser(colour_parser()).key
