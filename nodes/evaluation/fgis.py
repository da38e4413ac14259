"""How alike people are in numbers: FGIS, region by region."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ...host.encoders.parser import LoadedFaceParser
from ...host.files import list_files, resolve
from ...host.similarity import LoadedDINO, compare, load_dino
from ...models.similarity.fgis import crops_tensor
from ..faces.parse import size_input
from ..schema import DINO, FaceParser, shelf


class LoadDINO(io.ComfyNode):
    """Reads the image encoder that compares regions."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessLoadDINO",
            display_name="Load DINO",
            category=shelf("Evaluation"),
            description="Loads the image encoder that Score Facial Similarity (FGIS) compares regions with.",
            inputs=[
                io.Combo.Input(
                    "dino",
                    options=list_files("dino"),
                    tooltip="The DINO ViT-S/16 file in models/dino (published as dino_deitsmall16_pretrain.pth, 87 MB, "
                    "Apache-2.0). Other sizes work too, but scores of different encoders cannot be compared.",
                ),
            ],
            outputs=[DINO.Output(display_name="dino", tooltip="The image encoder.")],
        )

    @classmethod
    def execute(cls, dino: str) -> io.NodeOutput:
        return io.NodeOutput(load_dino(resolve("dino", dino)))


class ScoreFacialSimilarity(io.ComfyNode):
    """Compares faces region by region."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessScoreFacialSimilarity",
            display_name="Score Facial Similarity (FGIS)",
            category=shelf("Evaluation"),
            description="Tells how alike two faces are: face, eye, ear, nose and lip are compared one by one. The paper "
            "leaves details open, so the score follows our own definition (see the help page).",
            inputs=[
                FaceParser.Input("face_parser", tooltip="The face parser, from Load Face Parser."),
                DINO.Input("dino", tooltip="The image encoder, from Load DINO."),
                io.Image.Input(
                    "reference",
                    tooltip="The person's photo, with the face large; cut it out with Crop Face if it is small. Several "
                    "photos are paired with the images in order.",
                ),
                io.Image.Input(
                    "image",
                    tooltip="The pictures to judge, with the face large. The last of the shorter batch is compared with "
                    "all that follow, so one reference serves any number of images.",
                ),
                size_input(
                    "Side in pixels of the square that the face parser sees. Keep it the same for scores that are to be "
                    "compared."
                ),
            ],
            outputs=[
                io.Float.Output(
                    display_name="score", tooltip="Mean cosine over regions, then over pictures: 1 is the same picture."
                ),
                io.String.Output(
                    display_name="report", tooltip="JSON: score per picture and region, and what could not be compared."
                ),
                io.Image.Output(
                    display_name="crops",
                    tooltip="What was compared, one picture per region: reference left, image right.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls, face_parser: LoadedFaceParser, dino: LoadedDINO, reference: Tensor, image: Tensor, size: int
    ) -> io.NodeOutput:
        comparisons = compare(face_parser, dino, reference, image, size=size)
        crops = crops_tensor(comparisons.results, dino.encoder.image_size)
        return io.NodeOutput(comparisons.score, comparisons.report, crops)


NODES: list[type[io.ComfyNode]] = [LoadDINO, ScoreFacialSimilarity]
