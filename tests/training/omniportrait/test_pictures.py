"""OmniPortrait's data: the row of everybody's noun, squares around faces, where the picture shows them, and batches of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from likeness.dataset.pictures import decode_picture
from likeness.dataset.rows import ManifestRows
from likeness.tests.training.small_pictures import class_map, person, png, row, write_manifest, write_pictures
from likeness.training.batches.draws import Draws
from likeness.training.batches.index import Wanted
from likeness.training.omniportrait.crops import changed, cut_wide
from likeness.training.omniportrait.pictures import PortraitDataset

pytest.importorskip("open_clip")

ONE = Wanted(split="train", size=64, fewest=1, most=1, with_nouns=True)
BOX = (24.0, 16.0, 56.0, 48.0)


def dataset(folder, rows, wanted=ONE, **options):
    write_pictures(folder, rows)
    for name, content in options.pop("maps", {}).items():
        (folder / name).write_bytes(content)
    return PortraitDataset(ManifestRows(write_manifest(folder, rows)), wanted, seed=0, **options)


def test_an_example_holds_the_row_of_the_noun_and_the_square_around_the_face(tmp_path):
    example = dataset(tmp_path, [row(1)])[0]
    [someone] = example.people
    assert someone.row == 2  # "a woman, number 1" begins in row 1
    assert np.array_equal(someone.wide, cut_wide(np.asarray(decode_picture(png(1), "a")), BOX))
    assert (someone.wide.dtype, someone.head.dtype, someone.face.dtype) == (np.uint8,) * 3


def test_without_a_map_the_face_is_the_ellipse_in_its_box(tmp_path):
    [someone] = dataset(tmp_path, [row(1)])[0].people
    middles = np.arange(64) + 0.5 - 32  # the square begins 8 pixels from the left
    assert np.array_equal(someone.face == 255, middles[:, None] ** 2 + middles**2 <= 16**2)
    assert np.mean(someone.face == 255) == pytest.approx(np.pi * 16**2 / 64**2, rel=0.02)
    assert (someone.face[32, 32], someone.face[17, 17], someone.face[32, 17]) == (255, 0, 255)
    share = np.mean(someone.head / 255)  # an ellipse 1.3 times as large, in a square 1.3 * 288 / 224 times as large
    assert share == pytest.approx(np.pi / 4 * (224 / 288) ** 2, rel=0.02)


@pytest.mark.parametrize(
    ("part", "is_face"), [(1, True), (10, True), (14, False), (7, False), (13, False), (15, False)]
)
def test_with_a_map_the_face_is_what_it_says_without_hair_ears_and_neck(tmp_path, part, is_face):
    rows = [row(1, person(parse="p.png"))]
    [someone] = dataset(tmp_path, rows, maps={"p.png": class_map(part)})[0].people
    expected = np.zeros((64, 64), np.uint8)
    expected[16:48, 16:48] = 255 * is_face
    assert np.array_equal(someone.face, expected)
    assert np.array_equal(
        someone.head > 127, cut_wide(np.pad(np.full((32, 32), 255, np.uint8), ((16, 16), (24, 24))), BOX) > 127
    )
    assert someone.head.max() == 255


def test_rows_without_a_noun_are_counted(tmp_path, caplog):
    with caplog.at_level("INFO"):
        assert len(dataset(tmp_path, [row(1), row(2, caption="a cat"), row(3, caption="")])) == 1
    assert "1 rows to train on; passed over: 2 whose caption has no noun for everybody" in caplog.text


def test_the_square_is_cut_although_the_latents_are_kept(tmp_path):
    example = dataset(tmp_path, [row(1)], is_cached=lambda key: True)[0]
    assert example.pixels is None
    assert example.people[0].wide.any()


def test_a_batch_has_faces_as_if_from_other_photos(tmp_path):
    pytest.importorskip("diffusers")
    from likeness.diffusers_host.base import load_base
    from likeness.diffusers_host.text_encoders import encode_prompts
    from likeness.tests.diffusers_host.small_checkpoints import small_checkpoint
    from likeness.training.omniportrait.encode import PortraitEncoder

    base = load_base(small_checkpoint("sdxl"))
    caption = "a knight and a wizard"
    nouns = [{"word": "knight", "span": [2, 8], "person": 0}, {"word": "wizard", "span": [15, 21], "person": 1}]
    rows = [row(1), row(2, person(8, 20, 28), person(44, 20, 28), caption=caption, nouns=nouns)]
    wanted = Wanted(split="train", size=64, fewest=1, most=2, with_nouns=True)
    data = dataset(tmp_path, rows, wanted)
    examples = sorted((data[0], data[1]), key=lambda example: example.row_id)
    batch = PortraitEncoder(base=base, store=None, seed=5)(examples)
    assert batch.present.tolist() == [[True, False], [True, True]]
    assert batch.rows.tolist() == [[2, 0], [2, 5]]
    assert batch.crops.shape == (2, 2, 3, 224, 224)
    positions = tuple(example.position for example in examples)
    wide = torch.stack([torch.from_numpy(example.people[0].wide) for example in examples])[:, None].movedim(-1, 2) / 255
    heads = torch.stack([torch.from_numpy(example.people[0].head) for example in examples])[:, None] / 255
    torch.testing.assert_close(batch.crops[:, :1], changed(wide, heads, Draws(5, positions)))
    assert batch.faces.shape == (2, 2, 64, 64)
    assert torch.equal(batch.faces[1, 1], torch.from_numpy(examples[1].people[1].face) / 255)
    text = encode_prompts(base.text_encoders, ["", examples[0].caption, caption])
    torch.testing.assert_close(batch.empty, text.tokens[:1])
    torch.testing.assert_close(batch.text, text.tokens[1:])
    torch.testing.assert_close(batch.pooled, text.pooled[1:])
    torch.testing.assert_close(batch.empty_pooled, text.pooled[:1])
    alone = PortraitEncoder(base=base, store=None, seed=5)(examples[:1])
    torch.testing.assert_close(alone.crops, batch.crops[:1, :1])
    torch.testing.assert_close(alone.latents, batch.latents[:1])
