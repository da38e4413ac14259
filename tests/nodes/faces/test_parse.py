from pathlib import Path

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, MissingModelFileError, UnknownCheckpointError
from likeness.models.face.region_masks import REGIONS
from likeness.models.face.types import Face, FaceSet
from likeness.models.images.layout import arrays_from_images, images_from_arrays
from likeness.tests.host.painted_parser import parser as parser
from likeness.tests.models.face.painted_faces import SIZE, face_labels, label, painted

pytestmark = pytest.mark.comfy

NAMES = list(REGIONS)


def run(node, **inputs):
    with torch.inference_mode():
        return node.execute(**inputs)


def parse(parser, image, **changes):
    from likeness.nodes.faces.parse import ParseFace

    output = run(
        ParseFace,
        face_parser=parser,
        image=image,
        **({"size": SIZE, "margin": 0.5, "expand": 0, "feather": 0} | changes),
    )
    *masks, preview = output.result
    return dict(zip(NAMES, masks, strict=True)), preview, output


def faces_in(image, *boxes):
    """Faces at given boxes (image_index, x0, y0, x1, y1)."""
    pictures = tuple(arrays_from_images(image))
    found = tuple(
        Face(
            box=np.array(box, np.float32),
            points=np.zeros((5, 2), np.float32),
            score=1.0,
            crop=np.zeros((224, 224, 3), np.uint8),
            index=place,
            image_index=number,
            image_size=pictures[number].shape[:2],
        )
        for place, (number, *box) in enumerate(boxes)
    )
    return FaceSet(found, pictures, "go on")


def test_the_outputs_are_the_documented_ones():
    import likeness
    from likeness.nodes.faces.parse import ParseFace

    schema = ParseFace.define_schema()
    assert [output.display_name for output in schema.outputs] == [*NAMES, "preview"]
    assert not schema.is_output_node
    text = (Path(likeness.__file__).parent / "docs" / "nodes.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| `LikenessParseFace`")]
    assert ", ".join(f"`{name}`" for name in NAMES) in row


def test_one_mask_per_region_at_the_pictures_size(parser):
    labels = face_labels()
    masks, preview, output = parse(parser, images_from_arrays([painted(labels)]))
    for name in NAMES[1:]:
        assert torch.equal(masks[name][0], torch.from_numpy(labels == label(name)).float()), name
    assert masks["face"][0, 110, 100] == 1, "an eye"
    assert preview.shape == (1, SIZE, SIZE, 3)
    shown = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
    assert len(shown["images"]) == 1


def test_a_batch_gives_a_batch_and_nobody_gives_empty_masks(parser):
    pictures = [painted(face_labels()), painted(face_labels(sunglasses=True)), np.zeros((SIZE, SIZE, 3), np.uint8)]
    masks, preview, _ = parse(parser, images_from_arrays(pictures))
    assert {tuple(mask.shape) for mask in masks.values()} == {(3, SIZE, SIZE)}
    assert preview.shape[0] == 3
    assert [bool(mask.any()) for mask in masks["left_eye"]] == [True, False, False]
    assert [bool(mask.any()) for mask in masks["eyeglasses"]] == [False, True, False]
    assert [bool(mask.any()) for mask in masks["face"]] == [True, True, False]
    assert masks["background"][2].min() == 1


@pytest.mark.parametrize("shape", [(1, 1, 1, 3), (1, 1, 700, 3), (1, 90, 333, 1), (1, 333, 90, 4), (2, 64, 64, 3)])
def test_pictures_of_any_size_and_kind(parser, shape):
    image = torch.rand(shape, generator=torch.Generator().manual_seed(0))
    masks, preview, _ = parse(parser, image)
    assert {tuple(mask.shape) for mask in masks.values()} == {shape[:3]}
    assert preview.shape == (*shape[:3], 3)
    singles = torch.stack([mask for name, mask in masks.items() if name != "face"])
    assert torch.equal(singles.sum(0), torch.ones(shape[:3])), "every pixel belongs to one region"


def test_growing_and_feathering(parser):
    image = images_from_arrays([painted(face_labels())])
    plain, grown, soft = (parse(parser, image, **changes)[0]["nose"] for changes in ({}, {"expand": 5}, {"feather": 8}))
    assert (grown >= plain).all()
    assert grown[0, 110 - 5, 128] == 1
    assert grown[0, 110 - 6, 128] == 0
    assert 0 < soft[0, 110, 128] < 1
    assert parse(parser, image, expand=-30)[0]["nose"].max() == 0


def test_with_faces_their_surroundings_are_looked_at(parser):
    small = face_labels()[::2, ::2]
    labels = np.zeros((2, 600, 900), np.uint8)
    labels[0, 100:228, 50:178] = small
    labels[0, 300:428, 700:828] = small
    image = images_from_arrays([painted(one) for one in labels])
    both = faces_in(image, (0, 50, 100, 178, 228), (0, 700, 300, 828, 428))
    masks, _, _ = parse(parser, image, faces=both, margin=0.0)
    assert torch.equal(masks["left_eye"], torch.from_numpy(labels == label("left_eye")).float())
    only = faces_in(image, (0, 50, 100, 178, 228))
    masks, _, _ = parse(parser, image, faces=only, margin=0.1)
    assert masks["skin"][0, :, 600:].max() == 0
    assert masks["skin"][1].max() == 0
    assert masks["background"][1].min() == 1


def test_faces_of_a_smaller_copy_fit_the_enlargement(parser):
    labels = np.zeros((300, 400), np.uint8)
    labels[20:276, 40:296] = face_labels()
    large = images_from_arrays([painted(labels.repeat(2, 0).repeat(2, 1))])
    faces = faces_in(images_from_arrays([painted(labels)]), (0, 40, 20, 296, 276))
    masks, _, _ = parse(parser, large, faces=faces, margin=0.0, size=512)
    assert torch.equal(
        masks["nose"][0],
        torch.from_numpy(labels == label("nose")).repeat_interleave(2, 0).repeat_interleave(2, 1).float(),
    )


def test_an_empty_face_set_gives_empty_masks_and_a_foreign_one_is_refused(parser):
    image = images_from_arrays([painted(face_labels())])
    masks, _, _ = parse(parser, image, faces=faces_in(image))
    assert not any(mask.any() for name, mask in masks.items() if name != "background")
    with pytest.raises(BadImageError, match="faces were found in 2 pictures, but image has 1"):
        parse(parser, image, faces=faces_in(image.expand(2, -1, -1, -1)))
    with pytest.raises(BadImageError, match="NaN"):
        parse(parser, image * float("nan"))


def test_the_same_again_and_the_input_is_left_alone(parser):
    image = images_from_arrays([painted(face_labels())])
    before = image.clone()
    first = parse(parser, image, feather=4)[0]
    again = parse(parser, image, feather=4)[0]
    assert all(torch.equal(first[name], again[name]) for name in NAMES)
    assert torch.equal(image, before)


def test_cancelling_stops_before_the_next_picture(parser):
    from comfy import model_management

    model_management.interrupt_current_processing(True)
    try:
        with pytest.raises(model_management.InterruptProcessingException):
            parse(parser, images_from_arrays([painted(face_labels())]))
    finally:
        model_management.interrupt_current_processing(False)


def test_the_loader_reads_the_published_layout(monkeypatch, tmp_path):
    import folder_paths
    from facexlib.parsing.bisenet import BiSeNet
    from likeness.nodes.faces.parse import LoadFaceParser

    torch.manual_seed(0)
    torch.save(BiSeNet(num_class=19).state_dict(), tmp_path / "face_parsing.pth")
    torch.save({"image_proj": {"a": torch.zeros(1)}}, tmp_path / "other.pth")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "face_parsing", ([str(tmp_path)], {".pth"}))
    (loaded,) = run(LoadFaceParser, face_parser="face_parsing.pth").result
    image = np.random.default_rng(0).integers(0, 256, (90, 70, 3)).astype(np.uint8)
    labels = loaded.labels(image, 256)
    assert labels.shape == (256, 256)
    assert np.array_equal(labels, loaded.parser.parse(image, 256))
    with pytest.raises(UnknownCheckpointError, match="is not a BiSeNet face parser"):
        run(LoadFaceParser, face_parser="other.pth")
    with pytest.raises(MissingModelFileError, match="face_parsing"):
        run(LoadFaceParser, face_parser="gone.pth")
