"""Faces in photographs: detect, pick, combine."""

from __future__ import annotations

from typing import get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.encoders.detector import LoadedFaceAnalysis
from ...host.encoders.faces import detect_faces
from ...models.face.analysis import repick
from ...models.face.detection import DetectorName
from ...models.face.preview import crops_tensor, preview_tensor
from ...models.face.selection import Order, Selection, Take
from ...models.face.types import FaceSet, OnNoFace, combine
from ..inputs import face_outputs, on_no_face_input, selection_inputs
from ..sockets import CATEGORY, FaceAnalysis, Faces


def _face_results(faces: FaceSet, cls: type[io.ComfyNode]) -> io.NodeOutput:
    preview = preview_tensor(faces)
    results = (faces, preview, crops_tensor(faces), faces.found, len(faces.faces))
    return io.NodeOutput(*results, ui=ui.PreviewImage(preview, cls=cls))


class DetectFaces(io.ComfyNode):
    """Finds faces and takes some of them."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessDetectFaces",
            display_name="Detect Faces",
            category=CATEGORY,
            description="Finds the faces in pictures and shows which one is taken.",
            is_output_node=True,  # so that the preview can be looked at before anything is generated
            inputs=[
                io.Image.Input("image", tooltip="One or more pictures. Alpha is ignored."),
                io.Combo.Input(
                    "detector",
                    options=list(get_args(DetectorName)),
                    default="auto",
                    tooltip="auto: insightface if its files are there (buffalo_l in models/insightface; non-commercial "
                    "research only), else YuNet (in models/face_detection; MIT). given region: you write where the faces "
                    "are. face crop: the picture already is an aligned face. The last two need no model file.",
                ),
                io.String.Input(
                    "region",
                    default="",
                    multiline=True,
                    tooltip="For 'given region', in pixels, one face per line: 10 numbers (x y of left eye, right eye, "
                    "nose, left and right corner of the mouth, as seen in the picture) or 4 numbers (box x0 y0 x1 y1). A "
                    "line 'image 2' starts the faces of the second picture.",
                ),
                *selection_inputs(),
                io.Float.Input(
                    "min_score",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Faces that the detector is less sure of are not counted. Lower it if a face is missed.",
                ),
                on_no_face_input(),
                FaceAnalysis.Input(
                    "face_analysis",
                    optional=True,
                    tooltip="A detector that is already loaded, such as that of Load Miniature, which finds drawn faces. It "
                    "is used instead of 'detector'.",
                ),
            ],
            outputs=face_outputs(),
        )

    @classmethod
    def execute(
        cls,
        image: Tensor,
        detector: DetectorName,
        region: str,
        order: Order,
        take: Take,
        index: int,
        point_x: float,
        point_y: float,
        min_score: float,
        on_no_face: OnNoFace,
        face_analysis: LoadedFaceAnalysis | None = None,
    ) -> io.NodeOutput:
        selection = Selection(order=order, take=take, index=index, point=(point_x, point_y))
        faces = detect_faces(
            image,
            detector=detector,
            region=region,
            min_score=min_score,
            selection=selection,
            on_no_face=on_no_face,
            analysis=face_analysis,
        )
        return _face_results(faces, cls)


class PickFaces(io.ComfyNode):
    """Takes other faces of a set."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessPickFaces",
            display_name="Pick Faces",
            category=CATEGORY,
            description="Picks again among all faces that Detect Faces found, also those that it did not take.",
            is_output_node=True,  # so that the preview can be looked at before anything is generated
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
        index: int,
        point_x: float,
        point_y: float,
        on_no_face: OnNoFace,
    ) -> io.NodeOutput:
        selection = Selection(order=order, take=take, index=index, point=(point_x, point_y))
        return _face_results(repick(faces, selection, on_no_face), cls)


class CombineFaces(io.ComfyNode):
    """Joins two sets of faces."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessCombineFaces",
            display_name="Combine Faces",
            category=CATEGORY,
            description="Joins faces from several pictures, for example more references of one person.",
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
