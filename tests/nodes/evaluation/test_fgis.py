import json

import numpy as np
import pytest
import torch
from likeness.models.errors import NoFaceFoundError
from likeness.models.images.layout import images_from_arrays
from likeness.models.similarity.dino import DINO
from likeness.tests.host.painted_parser import parser as parser
from likeness.tests.models.face.painted_faces import SIZE, face_labels, painted
from likeness.tests.models.small_dino import HEAD, weights

pytestmark = pytest.mark.comfy


@pytest.fixture(scope="module")
def dino():
    from likeness.host.memory import manage
    from likeness.host.similarity import LoadedDINO

    encoder = DINO.from_state_dict(weights(), dim_head=HEAD)
    return LoadedDINO(encoder, manage(encoder))


def images(*faces):
    return images_from_arrays([painted(face_labels(**face)) for face in faces])


def run(node, **inputs):
    with torch.inference_mode():
        return node.execute(**inputs).result


def compare(parser, dino, reference, image):
    from likeness.nodes.evaluation.fgis import ScoreFacialSimilarity

    score, report, crops = run(
        ScoreFacialSimilarity, face_parser=parser, dino=dino, reference=reference, image=image, size=SIZE
    )
    return score, json.loads(report), crops


def test_the_same_face_scores_one(parser, dino):
    score, report, crops = compare(parser, dino, images({}), images({}))
    assert score == pytest.approx(1)
    assert crops.shape == (5, 32, 64, 3)
    assert list(report["images"][0]["regions"]) == ["Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip"]
    assert report["images"][0]["missing"] == []


def test_one_reference_serves_all_images(parser, dino):
    batch = images({}, {"without": ("nose",)}, {"sunglasses": True})
    score, report, crops = compare(parser, dino, images({}), batch)
    assert [(entry["reference"], entry["image"]) for entry in report["images"]] == [(1, 1), (1, 2), (1, 3)]
    assert [entry["missing"] for entry in report["images"]] == [[], ["Nose"], ["Eye"]]
    assert score == report["score"] == pytest.approx(np.mean([entry["score"] for entry in report["images"]]))
    assert len(crops) == sum(len(entry["regions"]) for entry in report["images"]) == 13


def test_batches_are_paired_in_order(parser, dino):
    _, report, _ = compare(parser, dino, images({}, {"sunglasses": True}, {}), images({}, {}))
    assert [(entry["reference"], entry["image"]) for entry in report["images"]] == [(1, 1), (2, 2), (3, 2)]


def test_pictures_may_have_other_sizes(parser, dino):
    score, _, _ = compare(parser, dino, images({}), images({}).repeat_interleave(2, 1))
    assert 0 < score <= 1


def test_nobody_is_named(parser, dino):
    nobody = torch.zeros(1, SIZE, SIZE, 3)
    with pytest.raises(NoFaceFoundError, match=r"^Reference 1 and image 2: There is no facial region.*image: none"):
        compare(parser, dino, images({}), torch.cat([images({}), nobody]))


def test_the_loader_reads_the_published_layout(monkeypatch, tmp_path):
    import folder_paths
    from likeness.nodes.evaluation.fgis import LoadDINO

    torch.save(weights(dim=64, size=32), tmp_path / "dino.pth")
    monkeypatch.setitem(folder_paths.folder_names_and_paths, "dino", ([str(tmp_path)], {".pth"}))
    (loaded,) = run(LoadDINO, dino="dino.pth")
    assert loaded.encoder.image_size == 32
    assert loaded.encoder.network.blocks[0].attn.num_heads == 1
