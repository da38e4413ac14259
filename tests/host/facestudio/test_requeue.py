"""Both forms queued again: every node runs anew on the same pixels, as after ComfyUI has forgotten its results."""

# pyright: reportUnusedImport=false

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from likeness.models.images.layout import images_from_arrays
from likeness.models.people.remembered import RememberedImageEncoder, RememberedRecogniser
from likeness.tests.host.conftest import vision_model  # noqa: F401
from likeness.tests.host.facestudio.conftest import DESCRIPTION, FACE, STYLE
from likeness.tests.host.ip_adapter.conftest import SEEN, ip_adapter, ip_adapter_weights  # noqa: F401
from likeness.tests.models.face.painted_faces import face_labels, painted
from likeness.tests.people import PixelTokens, PixelVectors, crowd

pytestmark = pytest.mark.comfy

SIZES = {"hidden_size": 8, "intermediate_size": 16, "num_attention_heads": 1, "num_hidden_layers": 2, "patch_size": 56}
ID_WIDTH = 512  # of the vector that FaceID reads


@dataclass(eq=False)
class Watched:
    """A method, what it needs beside style and people, and how often its networks were asked so far."""

    method: Any
    prompts: dict[str, Any]
    recogniser: PixelVectors
    clip: PixelTokens | None = None
    looks: list[int] = field(default_factory=list)

    @property
    def asked(self) -> tuple[int, int, int]:
        return len(self.looks), len(self.recogniser.seen), 0 if self.clip is None else len(self.clip.seen)


def watched_vision(build, width):
    """A CLIP_VISION of ComfyUI's own, and a list that grows with every look."""
    vision, looks = build(**SIZES, projection_dim=width), []
    vision.model.register_forward_hook(lambda *_: looks.append(1))
    return vision, looks


@pytest.fixture
def trained(facestudio, vision_model):  # noqa: F811
    from likeness.host.encoders.style import style_embedder
    from likeness.host.facestudio.trained import new_trained

    vision, looks = watched_vision(vision_model, STYLE)
    embedder = style_embedder(replace(DESCRIPTION, activation="gelu"), width=STYLE, clip_vision=vision)
    recogniser = PixelVectors(FACE, "re-queued, trained")
    method = new_trained(facestudio().adapter, embedder=embedder, recogniser=recogniser)
    return Watched(method, {}, recogniser, looks=looks)


@pytest.fixture
def zero_shot(ip_adapter, vision_model, conditioning):  # noqa: F811
    from likeness.host.encoders.style import style_embedder
    from likeness.host.facestudio.zero_shot import ZeroShotFaceStudio

    vision, looks = watched_vision(vision_model, SEEN)
    recogniser, clip = PixelVectors(ID_WIDTH, "re-queued"), PixelTokens(SEEN, "re-queued")
    style, face = ip_adapter("plain"), ip_adapter("faceid plus")
    reading = replace(style.encoders, embedder=style_embedder(None, width=SEEN, clip_vision=vision))
    knowing = replace(face.encoders, clip=RememberedImageEncoder(clip), recogniser=RememberedRecogniser(recogniser))
    method = ZeroShotFaceStudio(style=replace(style, encoders=reading), face=replace(face, encoders=knowing))
    prompts = {"positive": conditioning(1), "negative": conditioning(2)}
    return Watched(method, prompts, recogniser, clip, looks)


@pytest.fixture(params=["trained", "zero_shot"])
def watched(request):
    return request.getfixturevalue(request.param)


@pytest.fixture
def queue(watched, tiny_model, sample):
    """Encode the style, put two people in, and sample; gives the latent."""
    from likeness.host.encoders.style_pictures import Masking, encode_style_pictures
    from likeness.host.facestudio.method import Asked

    model = tiny_model()
    picture = images_from_arrays([painted(face_labels())])
    picture[:, 0, 0] = 0.321  # pixels that no other test has
    masking = Masking(faces=True, detector="given region", region="70 60 186 200", given=None, parser=None, mask=None)

    def run(*, seed=77, strength=1.0, **asked):
        masks = torch.zeros(2, 1, 8, 8)
        masks[0, ..., :4] = masks[1, ..., 4:] = 1
        people = crowd(2, seed=seed, strength=strength)
        people = type(people)(tuple(replace(one, mask=mask) for one, mask in zip(people, masks, strict=True)))
        style = encode_style_pictures(watched.method, picture.clone(), masking)
        applied = watched.method.apply(model, Asked(people=people, style=style, alpha=1.0, **watched.prompts, **asked))
        return sample(applied.model, positive=applied.positive, negative=applied.negative)

    return run


def test_three_times_it_is_the_same_latent_and_nothing_is_encoded_again(queue, watched):
    first = queue()
    before = watched.asked
    assert before[:2] == (1, 2)
    assert all(torch.equal(queue(), first) for _ in range(3))
    assert watched.asked == before


def test_settings_encode_nothing_again_and_leave_no_trace(queue, watched):
    first, before = queue(), watched.asked
    changes = [{"strength": 0.5}, {"background": "mean"}, {"regions": "soft"}, {"mixing": "literal"}]
    for change in changes:
        queue(**change)
        assert torch.equal(queue(), first), change
    assert not torch.equal(queue(strength=0.5), first)
    assert watched.asked == before


def test_other_people_are_looked_at_and_the_style_is_not(queue, watched):
    first, before = queue(), watched.asked
    assert not torch.equal(queue(seed=78), first)
    looks, vectors, _ = watched.asked
    assert (looks, vectors) == (before[0], before[1] + 2)
