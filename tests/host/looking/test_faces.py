"""Faces in previews: boxes, whom they are like, and looks while a MODEL samples."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from likeness.models.placement.faces import FaceLook, SeenFaces
from likeness.models.placement.found import Found
from likeness.tests.host.omniportrait.small_guidance import Detector, Vae, people

pytestmark = pytest.mark.comfy


class Recogniser:
    """Gives vectors that tell photos and faces apart by their brightness, and counts."""

    key = "brightness"
    width = 2

    def __init__(self):
        self.asked = 0

    def vectors(self, faces, pictures):
        self.asked += len(faces)
        return torch.tensor([[float(face.crop.mean()) + 1, 100.0] for face in faces])


def test_boxes_are_shares_of_each_picture():
    from likeness.host.looking.faces import PreviewFaces

    vae = Vae()
    latents = torch.zeros(2, 4, 16, 8)  # pictures of 128 by 64
    first, second = PreviewFaces(vae, Detector())(latents)
    assert torch.equal(first.boxes, second.boxes)
    assert first.likeness is None
    torch.testing.assert_close(first.boxes[1], torch.tensor([4 / 64, 24 / 128, 44 / 64, 88 / 128]))
    assert torch.equal(vae.decoded[0], latents)


def test_no_more_is_decoded_than_a_detector_needs():
    from likeness.host.looking.faces import PreviewFaces

    vae = Vae()
    [faces] = PreviewFaces(vae, Detector())(torch.randn(1, 4, 64, 128))
    assert vae.decoded[0].shape == (1, 4, 40, 80)
    torch.testing.assert_close(faces.boxes[1], torch.tensor([4 / 640, 24 / 320, 44 / 640, 88 / 320]))


def test_a_picture_without_a_face_has_no_box():
    from likeness.host.looking.faces import PreviewFaces, know

    class Blind(Detector):
        def find(self, pictures):
            return ([] for _ in pictures)

    recogniser = Recogniser()
    [faces] = PreviewFaces(Vae(), Blind(), know(people(None, None).people, recogniser, recogniser))(
        torch.zeros(1, 4, 16, 16)
    )
    assert faces.boxes.shape == (0, 4)
    assert faces.likeness is not None
    assert faces.likeness.shape == (2, 0)


def test_faces_are_compared_with_everybody():
    from likeness.host.looking.faces import PreviewFaces, know

    everybody, recogniser = people(None, None).people, Recogniser()
    known = know(everybody, recogniser, recogniser)
    torch.testing.assert_close(known.vectors.norm(dim=1), torch.ones(2))
    faceless = know([*everybody, replace(everybody[0], photos=())], recogniser, recogniser)
    assert not faceless.vectors[2].any()
    [faces] = PreviewFaces(Vae(), Detector(), known)(torch.zeros(1, 4, 16, 16))
    assert faces.likeness is not None
    assert faces.likeness.shape == (2, 2)
    assert (faces.likeness <= 1 + 1e-6).all()


@pytest.fixture
def watched(tiny_model):
    """A builder: a MODEL with a look at faces, and what it looked at."""
    from likeness.host.looking.faces import FaceWatch
    from likeness.host.looking.watch import watch

    def build(every=2):
        seen = []

        def find(latents):
            seen.append(latents.clone())
            return [SeenFaces(torch.tensor([[0.0, 0.2, 0.3, 0.6], [0.6, 0.2, 0.9, 0.6]]))] * len(latents)

        look = FaceLook(find=find, places=(0, 1), every=every)
        model = tiny_model()
        model.model.current_patcher = model
        clone = model.clone()
        watch(clone, [FaceWatch(look, {0: "Ann", 1: "Ben"})] * 2)
        return clone, look, seen

    return build


def test_every_kth_step_is_looked_at_once(watched, sample):
    model, _, seen = watched(every=2)
    sample(model, steps=5)
    assert len(seen) == 3
    assert not torch.equal(seen[0], seen[1])


def test_a_look_is_carried_once_and_changes_no_bit(watched, sample, tiny_model):
    model, look, _ = watched()
    assert [each.look for each in model.get_attachment("likeness.looks")] == [look]
    assert torch.equal(sample(model, steps=3), sample(tiny_model(), steps=3))


def test_people_stand_where_their_faces_were_at_the_step_before(watched, sample, people):
    from likeness.host.looking.faces import FaceWatch
    from likeness.host.looking.watch import watch
    from likeness.host.sampling.runs import find_placement_maps
    from likeness.host.unet.attention import inject

    model, look, _ = watched(every=1)
    model = inject(model, [people(model, 2, placement=Found(look, (0, 1)))], name="test")
    watch(model, [FaceWatch(look, {0: "Ann", 1: "Ben"})])
    with torch.inference_mode():
        latent = sample(model, steps=3)
    maps = find_placement_maps(model, latent)
    assert not maps.missing
    first, *others = maps.steps
    assert torch.equal(first.maps, torch.full_like(first.maps, 0.5))  # everybody shares the first step
    for step in others:
        ann, ben = step.maps[0]
        half = ann.shape[-1] // 2
        assert ann[:, :half].sum() > 0.9 * ann.sum() > 0
        assert ben[:, half:].sum() > 0.9 * ben.sum() > 0
