"""Examples to batches: what is in a batch, and that a cache changes nothing but the work."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("diffusers")

from likeness.diffusers_host.base import load_base
from likeness.diffusers_host.face_encoder import FaceEncoder
from likeness.diffusers_host.image_encoder import load_image_encoder
from likeness.models.uniportrait.checkpoint import load_backbone
from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
from likeness.tests.training.small_files import small_backbone, small_clip_vision
from likeness.training.batches.examples import Crop, Example, ShownPerson
from likeness.training.uniportrait.encode import PictureEncoder, open_caches


@pytest.fixture(scope="module")
def base():
    return load_base(small_checkpoint("sd15"))


@pytest.fixture(scope="module")
def faces():
    return FaceEncoder(backbone=load_backbone(small_backbone()), image_encoder=load_image_encoder(small_clip_vision()))


def pixels(seed: int, size: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (size, size, 3), np.uint8)


def crop(seed: int, *, key: str | None = None) -> Crop:
    return Crop(key, pixels(seed, 224))


def example(position: int, *people: tuple[Crop, Crop]) -> Example:
    """People as (structure, intrinsic)."""
    shown = tuple(
        ShownPerson(
            box=(0.1 * place, 0.25, 0.1 * place + 0.5, 0.75),
            points=np.zeros((5, 2), np.float32),
            structure=structure,
            intrinsic=intrinsic,
            parse=None,
        )
        for place, (structure, intrinsic) in enumerate(people)
    )
    return Example(
        position=position, row_id=str(position), key=f"picture {position}", pixels=pixels(position, 64),
        caption="a woman", facial_caption=None, sizes=(64, 80, 0, 8, 64, 64), people=shown, passed_over=(),
    )  # fmt: skip


def encoder(base, faces, folder=None) -> PictureEncoder:
    return PictureEncoder(base=base, faces=faces, caches=folder and open_caches(folder, base, faces), seed=7)


def same(one, other) -> bool:
    names = ("latents", "text", "sizes", "intrinsic", "structure", "boxes", "present")
    return all(torch.equal(getattr(one, name), getattr(other, name)) for name in names)


def test_a_batch_holds_pictures_and_people(base, faces):
    alone, swapped = crop(100), crop(101)
    batch = encoder(base, faces)([example(4, (alone, alone)), example(5, (alone, swapped), (swapped, swapped))])
    assert batch.positions == (4, 5)
    assert batch.latents.shape == (2, 4, 8, 8)
    assert batch.text.shape == (2, 77, 64)
    assert batch.sizes.tolist() == [[64, 80, 0, 8, 64, 64]] * 2
    assert batch.present.tolist() == [[True, False], [True, True]]
    assert batch.boxes[1].tolist() == [pytest.approx([0, 0.25, 0.5, 0.75]), pytest.approx([0.1, 0.25, 0.6, 0.75])]
    assert not batch.intrinsic[0, 1].any()
    assert torch.equal(batch.structure[0, 0], batch.structure[1, 0])  # the same crop
    assert torch.equal(batch.intrinsic[1, 0], batch.intrinsic[1, 1])  # swapped
    assert not torch.equal(batch.intrinsic[0, 0], batch.intrinsic[1, 0])


def test_features_are_those_of_inference_rounded_to_half(base, faces):
    one, other = crop(100), crop(101)
    batch = encoder(base, faces)([example(0, (one, one), (other, other))])
    assert one.pixels is not None
    expected = faces.features(one.pixels[None])
    torch.testing.assert_close(batch.intrinsic[0, :1], expected.intrinsic, atol=1e-3, rtol=1e-3)
    torch.testing.assert_close(batch.structure[0, :1], expected.structure, atol=1e-3, rtol=1e-3)
    assert torch.equal(batch.structure, batch.structure.half().float())


def test_a_cache_changes_nothing_and_nothing_is_encoded_twice(base, faces, tmp_path, monkeypatch):
    first, second = crop(1, key="one"), crop(2, key="two")
    examples = [example(0, (first, first)), example(1, (first, second))]
    plain = encoder(base, faces)(examples)
    keeping = encoder(base, faces, tmp_path)
    assert keeping.caches is not None
    assert not keeping.caches.hold("one")
    whole = keeping(examples)
    torch.testing.assert_close(whole.latents, plain.latents, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(whole.structure, plain.structure, atol=2e-3, rtol=2e-3)
    assert all(keeping.caches.hold(key) for key in ("one", "two", "picture 0", "picture 1"))
    monkeypatch.setattr(base.vae, "encode", lambda *_: pytest.fail("encoded twice"))
    monkeypatch.setattr(faces.backbone, "forward", lambda *_: pytest.fail("encoded twice"))
    assert same(encoder(base, faces, tmp_path)(examples), whole)


def test_what_already_lies_in_the_cache_changes_no_bit(base, faces, tmp_path):
    first, second = crop(1, key="one"), crop(2, key="two")
    examples = [example(0, (first, first)), example(1, (second, second))]
    whole = encoder(base, faces, tmp_path / "at once")(examples)
    broken_off = encoder(base, faces, tmp_path / "broken off")
    broken_off(examples[:1])
    assert same(broken_off(examples), whole)


def test_a_crop_without_a_key_is_not_kept(base, faces, tmp_path):
    changed = crop(1)
    keeping = encoder(base, faces, tmp_path)
    keeping([example(0, (changed, changed))])
    assert keeping.caches is not None
    assert not keeping.caches.features.folder.exists()


def test_other_networks_have_another_cache(base, faces, tmp_path):
    before = open_caches(tmp_path, base, faces)
    other = load_image_encoder({key: value * 2 for key, value in small_clip_vision().items()})
    after = open_caches(tmp_path, base, FaceEncoder(backbone=faces.backbone, image_encoder=other))
    assert before.latents == after.latents
    assert before.features != after.features
