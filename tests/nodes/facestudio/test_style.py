"""Encode Style: what reaches the encoder, and what is handed on and shown."""

from __future__ import annotations

import inspect
from types import SimpleNamespace

import pytest
import torch
from likeness.models.errors import MissingModelFileError
from likeness.models.facestudio.description import Description
from likeness.models.facestudio.style import Space
from likeness.models.images.layout import images_from_arrays
from likeness.tests.models.face.painted_faces import face_labels, painted

pytestmark = pytest.mark.comfy

SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}
REGION = {"detector": "given region", "region": "70 60 186 200"}


@pytest.fixture
def node(folders):
    from likeness.nodes.facestudio.style import EncodeStyle

    return EncodeStyle


@pytest.fixture
def method(folders, vision_model):
    """What Load FaceStudio hands on, as far as styles go, with a tiny CLIP_VISION."""
    from likeness.host.encoders.style import style_embedder

    description = Description(encoder="other", space="tiny", activation="gelu")
    embedder = style_embedder(description, width=6, clip_vision=vision_model(**SIZES, projection_dim=6))
    return SimpleNamespace(space=Space("tiny", 6), embedder=embedder, wanted="")


@pytest.fixture
def picture():
    return images_from_arrays([painted(face_labels())])


def test_it_is_the_style_of_the_methods_space_without_its_face(node, execute, method, picture, shown):
    output = execute(node, facestudio=method, picture=picture, **REGION)
    style, preview = output.result
    assert (style.space, style.source, style.note) == (Space("tiny", 6), "picture", "1 face hidden (1 by box).")
    assert preview.shape == (1, 224, 224, 3)
    whole = execute(node, facestudio=method, picture=picture, mask_face=False).result[0]
    assert (style.embedding - whole.embedding).abs().max() > 1e-4
    assert shown(output) == 1


def test_the_embedding_is_comfyuis_own_of_what_the_preview_shows(node, execute, method, picture):
    style, preview = execute(node, facestudio=method, picture=picture, **REGION).result
    vision = method.embedder.embedder.embedder.embedder.clip_vision
    with torch.no_grad():
        expected = vision.encode_image(preview)["image_embeds"]
    torch.testing.assert_close(style.embedding, expected.float(), atol=1e-4, rtol=1e-4)


def test_parser_mask_and_detector_reach_the_encoder(node, execute, method, picture, parser):
    parsed = execute(node, facestudio=method, picture=picture, face_parser=parser, **REGION).result[0]
    assert parsed.note == "1 face hidden (1 by parser)."
    mask = torch.ones(1, 8, 8)
    style, preview = execute(node, facestudio=method, picture=picture, mask_face=False, mask=mask).result
    assert style.note == "faces are shown (mask_face is off), what the mask covers is hidden."
    assert torch.allclose(preview, preview[:, :1, :1])

    class Nobody:
        key = "nobody"

        def at_size(self, size):
            return self

        def find(self, pictures):
            return iter([[] for _ in pictures])

    found = execute(node, facestudio=method, picture=picture, face_detector=Nobody()).result[0]
    assert found.note == "no face found, nothing is hidden."


def test_several_pictures_are_previewed_one_by_one(node, execute, method, picture):
    style, preview = execute(node, facestudio=method, picture=picture.repeat(3, 1, 1, 1), mask_face=False).result
    assert preview.shape == (3, 224, 224, 3)
    assert style.note.startswith("Mean of 3 pictures.")


def test_a_requeue_encodes_nothing_again(node, execute, method, picture):
    vision = method.embedder.embedder.embedder.embedder.clip_vision
    seen = []
    vision.model.register_forward_hook(lambda *_: seen.append(1))
    own = picture.clone()
    own[:, 0, 0] = 0.123  # pixels that no other test has
    first, *again = [execute(node, facestudio=method, picture=own, **REGION).result[0] for _ in range(3)]
    assert len(seen) == 1
    assert all(torch.equal(each.embedding, first.embedding) for each in again)


def test_a_detector_whose_file_is_not_there_can_be_done_without(node, execute, method, picture):
    with pytest.raises(MissingModelFileError, match="switch mask_face off"):
        execute(node, facestudio=method, picture=picture, detector="yunet")


def test_as_it_is_put_on_the_canvas_it_runs(node, execute, method, picture):
    assert execute(node, facestudio=method, picture=picture).result[0].space == method.space


def test_a_method_without_an_encoder_says_what_it_wants(node, execute, picture):
    method = SimpleNamespace(space=Space("tiny", 6), embedder=None, wanted="the tiny one")
    with pytest.raises(MissingModelFileError, match="the tiny one is needed"):
        execute(node, facestudio=method, picture=picture)


def test_the_detector_for_face_crops_is_not_offered(node):
    options = {each.id: list(each.options) for each in node.define_schema().inputs if hasattr(each, "options")}
    assert options == {"detector": ["auto", "insightface", "yunet", "mtcnn", "given region", "drawn faces (miniature)"]}


def test_what_is_rarely_touched_is_folded(node):
    from comfy_api.latest import io

    folded = [each.id for each in node.define_schema().inputs if getattr(each, "advanced", None)]
    rare = ["detector", "region"]
    assert folded == (rare if "advanced" in inspect.signature(io.Combo.Input).parameters else [])
