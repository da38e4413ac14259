"""Is it them? Pictures scored by how alike their people are, and the best of a batch."""

from __future__ import annotations

from typing import Any, Literal, get_args

from comfy_api.latest import io, ui
from torch import Tensor

from ...host.encoders.detector import SEARCHING, DetectorChoice, choose_detector
from ...host.encoders.judges import choose_judge, list_judges
from ...host.encoders.parser import LoadedFaceParser
from ...host.files import AUTO, NONE
from ...host.likeness import ScoredBatch, score_likeness
from ...host.similarity import LoadedDINO
from ...models.errors import NoFaceFoundError
from ...models.people.person import People as Chain
from ...models.port.encoders import FaceDetector as Detector
from ...models.similarity.report import report
from ...models.similarity.sheet import likeness_sheet
from ..schema import (
    ADVANCED,
    DETECTOR,
    DINO,
    SHOWS,
    FaceParser,
    LikenessScores,
    People,
    found_by,
    given_detector,
    shelf,
)

Keep = Literal["best", "above score"]


class ScoreLikeness(io.ComfyNode):
    """Compares the faces of pictures with people."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessScoreLikeness",
            display_name="Score Likeness",
            category=shelf("Evaluation"),
            description="Says whether it is them: every face of every picture is matched to one of the people or to nobody, and the "
            "batch comes out with the best picture first.",
            **SHOWS,
            **found_by("similarity", "face similarity", "likeness", "identity score", "face distance", "best of batch"),
            inputs=[
                People.Input("people", tooltip="Who should be in the pictures, from Add Person."),
                io.Image.Input("image", tooltip="The pictures to judge."),
                io.Combo.Input(
                    "recogniser",
                    options=list_judges(),
                    default=AUTO,
                    tooltip="What tells people apart. auto: w600k_r50.onnx (insightface's buffalo_l, non-commercial research only), else "
                    "another ArcFace, SFace (Apache-2.0), dlib (CC0, a package); with drawn faces the miniature's own. A score of one "
                    "recogniser says nothing about another's.",
                ),
                io.Combo.Input("detector", options=list(SEARCHING), default="auto", tooltip=DETECTOR),
                io.Float.Input(
                    "threshold",
                    default=0.0,
                    min=0.0,
                    max=2.0,
                    step=0.01,
                    tooltip="From which cosine on a face may be a person's (dlib: below which distance). 0 takes the published threshold "
                    "of the recogniser, else that of its calibration.",
                    **ADVANCED,
                ),
                io.Combo.Input(
                    "second_recogniser",
                    options=[NONE, *list_judges()],
                    default=NONE,
                    tooltip="A second opinion for the report; the first recogniser matches and orders.",
                    **ADVANCED,
                ),
                io.Float.Input(
                    "min_score",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Faces that the detector is less sure of are not counted.",
                    **ADVANCED,
                ),
                io.Latent.Input(
                    "latent", optional=True, tooltip="What the pictures were decoded from, to be put in the same order."
                ),
                given_detector(),
                DINO.Input(
                    "dino",
                    optional=True,
                    tooltip="From Load DINO: the report then has DINO's cosine of each picture and everybody's whole photos.",
                ),
                FaceParser.Input(
                    "face_parser",
                    optional=True,
                    tooltip="From Load Face Parser, with dino: the report then has FGIS too, region by region of everybody's face.",
                ),
            ],
            outputs=[
                LikenessScores.Output(display_name="scores", tooltip="For Keep Best: scores with their pictures."),
                io.Image.Output(display_name="image", tooltip="The same pictures, the best first."),
                io.Latent.Output(display_name="latent", tooltip="The same latents, the best first; needs latent."),
                io.Image.Output(
                    display_name="preview",
                    tooltip="Each picture with everybody's face in their colour, the best first.",
                ),
                io.String.Output(
                    display_name="report",
                    tooltip="JSON: per picture and person the face, cosine and percentage, who is missing, strangers, blending.",
                ),
                io.Float.Output(
                    display_name="score",
                    tooltip="Of the best picture: the cosine of whoever is least alike, 0 where somebody is missing.",
                ),
            ],
        )

    @classmethod
    def execute(
        cls,
        people: Chain,
        image: Tensor,
        recogniser: str,
        detector: DetectorChoice,
        threshold: float,
        second_recogniser: str,
        min_score: float,
        latent: dict[str, Any] | None = None,
        face_detector: Detector | None = None,
        dino: LoadedDINO | None = None,
        face_parser: LoadedFaceParser | None = None,
    ) -> io.NodeOutput:
        finder = choose_detector(detector, min_score=min_score, given=face_detector, remembers=False)
        names = [recogniser] if second_recogniser == NONE else [recogniser, second_recogniser]
        judges = [choose_judge(name, detector, face_detector) for name in names]
        batch = score_likeness(
            people, image, finder, judges, threshold=threshold, latent=latent, dino=dino, face_parser=face_parser
        )
        scores = batch.scores
        best = scores.order[0]
        preview = likeness_sheet(scores)
        results = (batch, *batch.take(scores.order), preview, report(scores), scores.pictures[best].score)
        return io.NodeOutput(*results, ui=ui.PreviewImage(preview, cls=cls))


class KeepBest(io.ComfyNode):
    """Takes the best pictures of a batch."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="LikenessKeepBest",
            display_name="Keep Best",
            category=shelf("Evaluation"),
            description="Takes the pictures of a batch that are most alike, or all that are alike enough, the best first.",
            **found_by("best of batch", "top k", "filter images", "choose best", "pick best"),
            inputs=[
                LikenessScores.Input("scores", tooltip="From Score Likeness; the pictures come with them."),
                io.Combo.Input(
                    "keep",
                    options=list(get_args(Keep)),
                    default="best",
                    tooltip="best: so many as count says. above score: all that reach min_score; none is an error.",
                ),
                io.Int.Input(
                    "count", default=1, min=1, max=4096, tooltip="For best: how many pictures are kept at most."
                ),
                io.Float.Input(
                    "min_score",
                    default=0.3,
                    min=-1.0,
                    max=1.0,
                    step=0.01,
                    tooltip="For above score: the cosine that whoever is least alike must reach.",
                ),
            ],
            outputs=[
                io.Image.Output(display_name="image", tooltip="The pictures that are kept, the best first."),
                io.Latent.Output(display_name="latent", tooltip="Their latents; needs latent at Score Likeness."),
                io.String.Output(
                    display_name="indices",
                    tooltip="Their places in the batch, counted from 0 as in Get Image from Batch: '3, 0'.",
                ),
                io.Int.Output(display_name="kept", tooltip="How many there are."),
            ],
        )

    @classmethod
    def execute(cls, scores: ScoredBatch, keep: Keep, count: int, min_score: float) -> io.NodeOutput:
        found = scores.scores
        places = found.best(count) if keep == "best" else found.above(min_score)
        if not places:
            best = found.pictures[found.order[0]].score
            raise NoFaceFoundError(
                f"No picture of {len(found.pictures)} reaches a score of {min_score:.2f}: the best has {best:.2f}; lower min_score, "
                'or choose "best".'
            )
        return io.NodeOutput(*scores.take(places), ", ".join(map(str, places)), len(places))


NODES: list[type[io.ComfyNode]] = [ScoreLikeness, KeepBest]
