"""Faces in photographs: detect, pick, combine."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.detector import CHOICES, DetectorChoice, choose_detector, detect_faces
from ...models.face.analysis import Order, Selection, Take, repick
from ...models.face.preview import crops_tensor, preview_tensor
from ...models.face.types import FaceSet, OnNoFace, combine
from ...models.port.encoders import FaceDetector as Detector
from ..schema import ADVANCED, DETECTOR, REGION, SHOWS, FaceDetector, Faces, faces_shown, found_by, shelf
from .selection import face_outputs, on_no_face_input, selection_inputs


def _face_results(faces: FaceSet, cls: type[io.ComfyNode]) -> io.NodeOutput:
    preview = preview_tensor(faces)
    results = (faces, preview, crops_tensor(faces), faces.found, len(faces.faces))
    return io.NodeOutput(*results, ui=faces_shown(faces, preview, cls))


class DetectFaces(io.ComfyNode):
    """Finds faces and takes some of them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessDetectFaces",
            display_name="Detect Faces",
            category=shelf("Faces"),
            description="Finds the faces in pictures and shows which one is taken.",
            **SHOWS,
            **found_by("find faces", "face detection", "insightface", "yunet", "mtcnn", "face detector"),
            inputs=[
                io.Image.Input("image", tooltip="One or more pictures. Alpha is ignored."),
                io.Combo.Input("detector", options=list(CHOICES), default="auto", tooltip=DETECTOR),
                io.String.Input("region", default="", multiline=True, tooltip=REGION, **ADVANCED),
                *selection_inputs(),
                io.Float.Input(
                    "min_score",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Faces that the detector is less sure of are not counted. Lower it if a face is missed.",
                    **ADVANCED,
                ),
                on_no_face_input(),
                FaceDetector.Input(
                    "face_detector", optional=True, tooltip="A detector from another node, used instead of 'detector'."
                ),
                io.Boolean.Input(
                    "refine_points",
                    default=True,
                    optional=True,
                    tooltip="The five points of YuNet's faces are looked for again by MTCNN's last network, in a few milliseconds. "
                    "YuNet's own are noisy, and a crop that is turned costs likeness.",
                    **ADVANCED,
                ),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        detector: DetectorChoice,
        region: str,
        order: Order,
        take: Take,
        number: int,
        point_x: float,
        point_y: float,
        min_score: float,
        on_no_face: OnNoFace,
        face_detector: Detector | None = None,
        refine_points: bool = True,
    ) -> io.NodeOutput:
        selection = Selection(order=order, take=take, number=number, point=(point_x, point_y))
        found = choose_detector(
            detector, region=region, min_score=min_score, refine_points=refine_points, given=face_detector
        )
        faces = detect_faces(image, found, selection=selection, on_no_face=on_no_face)
        return _face_results(faces, cls)


class PickFaces(io.ComfyNode):
    """Takes other faces of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPickFaces",
            display_name="Pick Faces",
            category=shelf("Faces"),
            description="Picks again among all faces that Detect Faces found, also those that it did not take.",
            **SHOWS,
            **found_by("choose face", "select face"),
            inputs=[
                Faces.Input(
                    "faces", tooltip="Faces from Detect Faces or Combine Faces. All that were found can be picked."
                ),
                *selection_inputs(),
                on_no_face_input(),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(
        cls,
        faces: FaceSet,
        order: Order,
        take: Take,
        number: int,
        point_x: float,
        point_y: float,
        on_no_face: OnNoFace,
    ) -> io.NodeOutput:
        selection = Selection(order=order, take=take, number=number, point=(point_x, point_y))
        return _face_results(repick(faces, selection, on_no_face), cls)


class CombineFaces(io.ComfyNode):
    """Joins two sets of faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessCombineFaces",
            display_name="Combine Faces",
            category=shelf("Faces"),
            description="Joins faces from several pictures, for example more references of one person.",
            **found_by("join faces", "more references"),
            inputs=[
                Faces.Input("faces_a", tooltip="The first faces."),
                Faces.Input("faces_b", tooltip="The faces that follow them; their pictures may have another size."),
            ],
            outputs=[
                Faces.Output(display_name="faces", tooltip="All faces: those of faces_a, then those of faces_b."),
                io.Int.Output(display_name="count", tooltip="How many faces there are now."),
            ],
        )

    @classmethod
    def execute(cls, faces_a: FaceSet, faces_b: FaceSet) -> io.NodeOutput:
        faces = combine(faces_a, faces_b)
        return io.NodeOutput(faces, len(faces.faces))


NODES: list[type[io.ComfyNode]] = [DetectFaces, PickFaces, CombineFaces]
