import inspect

import numpy as np
import pytest
import torch
from likeness.models.errors import BadImageError, NoFaceFoundError
from likeness.models.face.types import Detection
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.models.face.photographs import ASTRONAUT_POINTS, astronaut

pytestmark = pytest.mark.comfy

REGION = "20 20 60 60\n120 20 180 80"
SELECTION = {"order": "left to right", "take": "one per image", "number": 1, "point_x": 0.5, "point_y": 0.5}
GIVEN = {"detector": "given region", "region": REGION, "min_score": 0.5, "on_no_face": "error"}


@pytest.fixture
def image():
    return torch.rand(1, 100, 200, 3, generator=torch.Generator().manual_seed(0))


def run(node, **inputs):
    with torch.inference_mode():
        return node.execute(**inputs)


def detect(image, **changes):
    from likeness.nodes.faces.detect import DetectFaces

    return run(DetectFaces, image=image, **(GIVEN | SELECTION | changes))


def test_detect_gives_faces_preview_crops_and_count(image):
    output = detect(image)
    faces, preview, crops, found, count = output.result
    assert [face.index for face in faces.faces] == [0]
    assert preview.shape == (1, 256, 512, 3)
    assert crops.shape == (1, 224, 224, 3)
    assert (found, count) == (True, 1)
    shown = output.ui if isinstance(output.ui, dict) else output.ui.as_dict()
    assert len(shown["images"]) == 1
    assert len(shown["likeness_photos"]) == 1
    [photo] = shown["likeness_faces"]
    assert [(face["box"], face["taken"]) for face in photo["faces"]] == [
        ([0.1, 0.2, 0.3, 0.6], True),
        ([0.6, 0.2, 0.9, 0.8], False),
    ]
    assert "colour" not in photo
    assert detect(image, take="all").result[4] == 2


def test_detect_finds_faces_with_files_of_the_model_folders(monkeypatch, tmp_path):
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    synthetic_detectors.scrfd(tmp_path / "insightface" / "models" / "buffalo_l" / "det_10g.onnx")
    picture = torch.full((1, 640, 640, 3), 0.35)
    picture[:, 96:160, 400:464] = torch.tensor([1.0, 0.0, 0.0])
    (face,) = detect(picture, detector="auto", min_score=0.8).result[0].faces
    assert abs(face.box - [400, 96, 464, 160]).max() <= 8


@pytest.fixture
def no_files(monkeypatch, tmp_path):
    """A models folder as it is after install."""
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_a_face_in_a_real_photo_is_found_without_any_file(no_files, channels):
    picture = torch.from_numpy(astronaut())[None].float() / 255
    opaque = torch.ones_like(picture[..., :1])
    given = {1: picture.mean(-1, keepdim=True), 3: picture, 4: torch.cat((picture, opaque), -1)}[channels]
    (face,) = detect(given, detector="auto", take="all").result[0].faces
    assert np.linalg.norm(face.points - ASTRONAUT_POINTS, axis=1).max() < 4


def test_nobody_in_a_picture_is_said_and_nan_is_no_picture(no_files):
    with pytest.raises(NoFaceFoundError, match="image 1 of 1"):
        detect(torch.zeros(1, 64, 64, 3), detector="mtcnn")
    with pytest.raises(BadImageError, match="image 1 of 1 contains NaN"):
        detect(torch.full((1, 64, 64, 3), float("nan")), detector="mtcnn")


def test_points_are_refined_unless_that_is_switched_off(monkeypatch, tmp_path):
    from likeness.nodes.faces import detect as module

    chosen = []
    choose = module.choose_detector
    monkeypatch.setattr(
        module, "choose_detector", lambda *args, **said: chosen.append(choose(*args, **said)) or chosen[-1]
    )
    import folder_paths

    monkeypatch.setattr(folder_paths, "models_dir", str(tmp_path))
    synthetic_detectors.yunet(tmp_path / "face_detection" / "y.onnx")
    for said in ({}, {"refine_points": True}, {"refine_points": False}):
        detect(torch.zeros(1, 64, 64, 3), detector="yunet", on_no_face="go on", **said)
    assert ["refined" in each.key for each in chosen] == [True, True, False]


def test_the_switch_is_the_last_widget_and_may_be_left_out():
    from comfy_api.latest import io
    from likeness.nodes.faces.detect import DetectFaces

    last = DetectFaces.define_schema().inputs[-1]
    assert (last.id, last.default, last.optional) == ("refine_points", True, True)
    if "advanced" in inspect.signature(io.Float.Input).parameters:
        assert last.advanced


def test_a_detector_from_a_socket_is_asked_instead_with_its_own_settings(image, monkeypatch):
    from likeness.host.encoders import detector as module

    class Asked:
        """Finds the same face in every picture."""

        key = "the same face in every picture"

        def find(self, pictures):
            points = np.float32([[30, 35], [50, 35], [40, 45], [33, 52], [47, 52]])
            return ([Detection(np.float32([20, 20, 60, 60]), points, 1)] for _ in pictures)

    monkeypatch.setattr(module, "detector_files", lambda: pytest.fail("it looked for files"))
    found = detect(image, detector="auto", min_score=0.4, face_detector=Asked()).result[0]
    assert [face.box.tolist() for face in found.faces] == [[20, 20, 60, 60]]


def test_no_face_node_keeps_a_broken_graph_running():
    """An output node would run, and ComfyUI report success, where a link to the picture is missing."""
    from likeness.nodes.faces import detect as faces

    assert not any(node.define_schema().is_output_node for node in faces.NODES)


def test_pick_takes_what_detect_left(image):
    from likeness.nodes.faces.detect import PickFaces

    faces = detect(image).result[0]
    output = run(PickFaces, faces=faces, on_no_face="error", **(SELECTION | {"number": 2}))
    assert [face.index for face in output.result[0].faces] == [1]
    with pytest.raises(NoFaceFoundError, match=r"3.*2 faces"):
        run(PickFaces, faces=faces, on_no_face="error", **(SELECTION | {"number": 3}))


def test_passing_through_without_a_face(image):
    faces, preview, crops, found, count = detect(image, number=9, on_no_face="go on").result
    assert not faces.found
    assert preview.shape[0] == crops.shape[0] == 1
    assert (found, count) == (False, 0)


def test_combine_counts_both(image):
    from likeness.nodes.faces.detect import CombineFaces, PickFaces

    first, second = detect(image, take="all").result[0], detect(image[:, :90, :190]).result[0]
    faces, count = run(CombineFaces, faces_a=first, faces_b=second).result
    assert count == len(faces.faces) == 3
    sheet = run(PickFaces, faces=faces, on_no_face="error", **SELECTION).result[1]
    assert sheet.shape[0] == 1, "pictures of two sizes"


def test_cancelling_stops_between_pictures(image):
    from comfy import model_management

    model_management.interrupt_current_processing(True)
    try:
        with pytest.raises(model_management.InterruptProcessingException):
            detect(image)
    finally:
        model_management.interrupt_current_processing(False)
