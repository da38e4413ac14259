import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from likeness.models.errors import BadImageError, InvalidSettingError, MissingPackageError, UnknownCheckpointError
from likeness.models.face import parsing
from likeness.models.face.parsing import COLOURS, labels_tensor
from likeness.tests.models.face.painted_faces import SIZE, colour_parser, face_labels, label, painted


@pytest.fixture(scope="module")
def weights():
    from facexlib.parsing.bisenet import BiSeNet

    torch.manual_seed(0)
    return dict(BiSeNet(num_class=19).state_dict())


@pytest.fixture(scope="module")
def parser():
    return colour_parser()


def test_published_keys_load_and_give_three_heads_of_the_input_size(weights):
    parser = parsing.load(weights)
    assert not parser.training
    assert not any(parameter.requires_grad for parameter in parser.parameters())
    heads = parser.logits(torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(1)))
    assert [head.shape for head in heads] == [(2, 19, 64, 96)] * 3
    labels = parser.parse(np.zeros((50, 40, 3), np.uint8), 64)
    assert labels.shape == (64, 64)
    assert labels.dtype == np.uint8


def test_half_precision_and_nested_files_become_float32(weights, tmp_path):
    torch.save(
        {"state_dict": {key: t.half() if t.is_floating_point() else t for key, t in weights.items()}},
        tmp_path / "f.pth",
    )
    parser = parsing.load(tmp_path / "f.pth")
    assert {parameter.dtype for parameter in parser.parameters()} == {torch.float32}


def test_counters_may_lack_but_nothing_else(weights):
    without = {key: tensor for key, tensor in weights.items() if not key.endswith("num_batches_tracked")}
    assert len(without) < len(weights)
    parsing.load(without)
    with pytest.raises(UnknownCheckpointError, match=r"1 missing \(ffm\.conv1\.weight\)"):
        parsing.load({key: tensor for key, tensor in weights.items() if key != "ffm.conv1.weight"})
    with pytest.raises(UnknownCheckpointError, match=r"1 unexpected \(sp\.conv1\)"):
        parsing.load({**weights, "sp.conv1": torch.zeros(1)})
    with pytest.raises(UnknownCheckpointError, match=r"conv_out\.conv_out\.weight is \(16, 256, 1, 1\)"):
        parsing.load({**weights, "conv_out.conv_out.weight": torch.zeros(16, 256, 1, 1)})


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        (("encoder.0.conv2d.weight", "out_mask_conv.conv2d.weight"), "ParseNet, another kind of face parser"),
        (("cls_token", "pos_embed", "blocks.0.attn.qkv.weight"), "a DINO image encoder"),
        (("model.diffusion_model.out.0.weight",), "a Stable Diffusion checkpoint"),
        (("something.weight",), "no adapter known here"),
    ],
)
def test_another_file_is_named(keys, what):
    with pytest.raises(UnknownCheckpointError, match=f'{what}.*"face_parser" of Load Face Parser'):
        parsing.load({key: torch.zeros(1) for key in keys})


def test_a_missing_package_is_named(monkeypatch, weights):
    monkeypatch.setitem(__import__("sys").modules, "facexlib.parsing.bisenet", None)
    with pytest.raises(MissingPackageError, match="pip install facexlib"):
        parsing.load(weights)


def test_the_picture_is_squeezed_to_a_square_and_normalised():
    image = np.zeros((30, 90, 3), np.uint8)
    image[:, 45:] = (255, 0, 255)
    pixels = parsing.preprocess(image, 128)
    assert pixels.shape == (1, 3, 128, 128)
    left, right = pixels[0, :, 64, 10], pixels[0, :, 64, 118]
    mean, std = torch.tensor(parsing.PARSING_MEAN), torch.tensor(parsing.PARSING_STD)
    torch.testing.assert_close(left, -mean / std)
    torch.testing.assert_close(right, (torch.tensor([1.0, 0, 1]) - mean) / std)


@pytest.mark.parametrize(
    "image",
    [np.zeros((5, 5), np.uint8), np.zeros((5, 5, 4), np.uint8), np.zeros((5, 5, 3)), np.zeros((0, 5, 3), np.uint8)],
)
def test_pictures_of_another_kind_are_refused(parser, image):
    with pytest.raises(BadImageError, match="8-bit RGB"):
        parser.parse(image, 64)


def test_a_size_that_is_too_small_is_refused(parser):
    with pytest.raises(InvalidSettingError, match="size is 32; choose at least 64"):
        parser.parse(np.zeros((5, 5, 3), np.uint8), 32)


@pytest.mark.parametrize(
    "labels", [face_labels(), face_labels(sunglasses=True), face_labels(without=("left_ear", "left_eye"))]
)
def test_painted_regions_come_back(parser, labels):
    assert np.array_equal(parser.parse(painted(labels), SIZE), labels)
    assert np.array_equal(parser.parse_picture(painted(labels), SIZE), labels)


@given(st.integers(1, 70), st.integers(1, 70))
@settings(max_examples=15, deadline=None)
def test_a_picture_of_any_size_gets_labels_of_its_size(height, width):
    image = painted(np.full((height, width), label("skin"), np.uint8))
    labels = colour_parser().parse_picture(image, 64)
    assert labels.shape == (height, width)
    assert (labels == label("skin")).all()


def test_labels_grow_with_the_picture(parser):
    labels = face_labels()
    large = painted(labels).repeat(3, 0).repeat(5, 1)
    found = parser.parse_picture(large, SIZE)
    assert found.shape == (3 * SIZE, 5 * SIZE)
    middle = found[1::3, 2::5]
    assert (middle == labels).mean() > 0.99


def test_a_small_face_is_looked_at_by_itself(parser):
    small = face_labels()[::4, ::4]  # 64 pixels high
    labels = np.zeros((900, 1400), np.uint8)
    labels[500:564, 1000:1064] = small
    image = painted(labels)
    found = parser.parse_around(image, [(1000, 500, 1064, 564)], 0.0, SIZE)
    assert np.array_equal(found, labels)
    assert not np.array_equal(parser.parse_picture(image, SIZE), labels), "the whole picture is too coarse"


def test_outside_of_the_squares_is_background(parser):
    labels = np.full((200, 300), label("clothes"), np.uint8)
    found = parser.parse_around(painted(labels), [(20, 20, 60, 60)], 0.5, 64)
    rows, columns = np.nonzero(found)
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (0, 79, 0, 79)
    assert not parser.parse_around(painted(labels), [], 0.5, 64).any()


def test_overlapping_squares_share_the_picture_in_the_middle(parser, monkeypatch):
    seen = iter([label("hair"), label("hat")])
    monkeypatch.setattr(parser, "parse_picture", lambda image, size: np.full(image.shape[:2], next(seen), np.uint8))
    found = parser.parse_around(np.zeros((100, 160, 3), np.uint8), [(10, 10, 90, 90), (70, 10, 150, 90)], 0.0, 64)
    assert (found[10:90, 10:80] == label("hair")).all()
    assert (found[10:90, 80:150] == label("hat")).all()


def test_a_face_longer_than_the_picture_is_filled_up(parser):
    labels = np.full((40, 200), label("skin"), np.uint8)
    found = parser.parse_around(painted(labels), [(0, 0, 200, 40)], 0.0, 64)
    assert (found == label("skin")).all()


def test_background_is_the_photo_and_labels_are_tinted():
    photo = np.full((4, 19, 3), 100, np.uint8)
    labels = np.tile(np.arange(19, dtype=np.uint8), (4, 1))
    (picture,) = labels_tensor([photo], [labels])
    assert torch.equal(picture[:, 0], torch.full((4, 3), 100 / 255))
    expected = np.rint(0.4 * 100 + 0.6 * np.array(COLOURS[1:])) / 255
    np.testing.assert_allclose(picture[0, 1:].numpy(), expected, atol=1e-6)


def test_every_label_has_a_colour_of_its_own():
    assert len(set(COLOURS)) == len(COLOURS) == 19


def test_one_picture_per_photo_all_of_one_size():
    photos = [np.zeros((6, 8, 3), np.uint8)] * 2
    assert labels_tensor(photos, [np.zeros((6, 8), np.uint8)] * 2).shape == (2, 6, 8, 3)
    with pytest.raises(BadImageError, match="one size"):
        labels_tensor(
            [photos[0], np.zeros((5, 8, 3), np.uint8)], [np.zeros((6, 8), np.uint8), np.zeros((5, 8), np.uint8)]
        )
