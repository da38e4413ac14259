"""What the nodes' schemas have in common: shelves, sockets, inputs, what every Apply node shows, and what only newer versions of
ComfyUI know.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from ..host.face_files import list_recognisers
from ..host.files import AUTO, list_files
from ..host.people import AppliedPeople, outside_of
from ..models.face.preview import Mark, photo_tensors
from ..models.face.types import FaceSet
from ..models.people.preview import Line, people_records, people_strip
from ..models.records.photos import photo_records

People = io.Custom("LIKENESS_PEOPLE")  # models.people.person.People
Placement = io.Custom("LIKENESS_PLACEMENT")  # host.placement.LoadedPlacement
Faces = io.Custom("LIKENESS_FACES")  # models.face.types.FaceSet
FaceDetector = io.Custom("LIKENESS_FACE_DETECTOR")  # models.port.encoders.FaceDetector
FaceParser = io.Custom("LIKENESS_FACE_PARSER")  # host.encoders.parser.LoadedFaceParser
FaceSquare = io.Custom("LIKENESS_FACE_SQUARE")  # models.face.squares.FaceSquare
LikenessScores = io.Custom("LIKENESS_SCORES")  # host.likeness.ScoredBatch
DINO = io.Custom("LIKENESS_DINO")  # host.similarity.LoadedDINO
UniPortrait = io.Custom("LIKENESS_UNIPORTRAIT")  # host.uniportrait.adapter.LoadedUniPortrait
ConsistentID = io.Custom("LIKENESS_CONSISTENTID")  # host.consistentid.adapter.LoadedConsistentID
FacialFeatures = io.Custom("LIKENESS_FACIAL_FEATURES")  # models.consistentid.features.FacialFeatures
OmniPortrait = io.Custom("LIKENESS_OMNIPORTRAIT")  # host.omniportrait.adapter.LoadedOmniPortrait
IPAdapter = io.Custom("LIKENESS_IP_ADAPTER")  # host.ip_adapter.adapter.LoadedIPAdapter
FaceStudio = io.Custom("LIKENESS_FACESTUDIO")  # host.facestudio.method.LoadedFaceStudio
Style = io.Custom("LIKENESS_STYLE")  # models.facestudio.style.Style
Prior = io.Custom("LIKENESS_PRIOR")  # host.prior.LoadedPrior
DETECTOR = (
    "auto: insightface if its files are there (buffalo_l in models/insightface; non-commercial research only), else YuNet (in "
    "models/face_detection; MIT), else mtcnn, which came with the pack. given region: you write where the faces are. face crop: the "
    "picture already is an aligned face. drawn faces: those of the miniature. The last four need no file."
)
FACE_PARSER_FILE = "A BiSeNet file in models/face_parsing (published as face_parsing.pth, 79999_iter.pth or parsing_bisenet.pth, 53 MB)."
REGION = (
    "For 'given region', in pixels, one face per line: 10 numbers (x y of left eye, right eye, nose, left and right corner of "
    "the mouth, as seen in the picture) or 4 numbers (box x0 y0 x1 y1). A line 'image 2' starts the faces of the second "
    "picture."
)


def shelf(name: str) -> str:
    """The category of a shelf's nodes: a sub-menu of the pack's."""
    return f"Likeness/{name}"


def _knows(what: type, name: str) -> bool:
    return name in inspect.signature(what).parameters


# For the widgets that are rarely touched; Nodes 2.0 folds them away.
ADVANCED: dict[str, Any] = {"advanced": True} if _knows(io.Float.Input, "advanced") else {}
# For nodes that show something and are no output node: what they show comes back where they need not run again.
SHOWS: dict[str, Any] = {"has_intermediate_output": True} if _knows(io.Schema, "has_intermediate_output") else {}


def found_by(*words: str) -> dict[str, Any]:
    """Words by which the node search finds a node, where it knows such words."""
    return {"search_aliases": list(words)} if _knows(io.Schema, "search_aliases") else {}


def start_percent(default: float = 0.0, tooltip: str = "Where in the sampling the person starts to act.") -> io.Input:
    """The beginning of a window on the sampling."""
    return io.Float.Input("start_percent", default=default, min=0.0, max=1.0, step=0.001, tooltip=tooltip, **ADVANCED)


def end_percent(default: float = 1.0, tooltip: str = "Where in the sampling the person stops acting.") -> io.Input:
    """The end of a window on the sampling."""
    return io.Float.Input("end_percent", default=default, min=0.0, max=1.0, step=0.001, tooltip=tooltip, **ADVANCED)


def lora_strength() -> io.Input:
    """The strength of an adapter's LoRA."""
    return io.Float.Input(
        "lora_strength",
        default=1.0,
        min=0.0,
        max=2.0,
        step=0.01,
        tooltip="Strength of the adapter's LoRA; on for the whole run.",
        **ADVANCED,
    )


def face_structure() -> io.Input:
    """How much FaceID PlusV2 takes of a photo beside who somebody is."""
    return io.Float.Input(
        "structure_scale",
        default=1.0,
        min=0.0,
        max=5.0,
        step=0.01,
        tooltip="FaceID PlusV2 only: how much of the face's structure is taken from the photo beside who it is.",
        **ADVANCED,
    )


def image_encoder_file(**options: Any) -> io.Input:
    """The file of the CLIP vision model that looks at photos; `options` are those of a widget."""
    return io.Combo.Input(
        "clip_vision_file",
        options=[AUTO, *list_files("clip_vision")],
        default=AUTO,
        tooltip="The image encoder in models/clip_vision: OpenCLIP ViT-H/14 for the published files.",
        **options,
    )


def given_image_encoder() -> io.Input:
    """A CLIP vision model in place of that file."""
    return io.ClipVision.Input(
        "clip_vision", optional=True, tooltip="An image encoder that is loaded already, used instead of the file."
    )


def given_detector() -> io.Input:
    """A face detector in place of the one that is chosen by name."""
    return FaceDetector.Input(
        "face_detector", optional=True, tooltip="A detector from another node, used instead of 'detector'."
    )


def recogniser_file(purpose: str = "The face recogniser that the adapter was trained with.") -> io.Input:
    """The file of the face recogniser; `purpose` is what it is for."""
    return io.Combo.Input(
        "recogniser",
        options=[AUTO, *list_recognisers()],
        default=AUTO,
        tooltip=f"{purpose} auto finds w600k_r50.onnx of insightface's buffalo_l (non-commercial research only) in "
        "models/insightface.",
        **ADVANCED,
    )


def model_input(tooltip: str) -> io.Input:
    """The MODEL that people are put into."""
    return io.Model.Input("model", tooltip=tooltip)


HIDDEN = [io.Hidden.prompt, io.Hidden.unique_id]  # an Apply node declares them, to see who is outside of its chain


def applied_output(applied: AppliedPeople, cls: type[io.ComfyNode], note: str = "") -> io.NodeOutput:
    """The MODEL, whether anything was applied, and the strip of people; `cls` and `note` as for `strip_of`."""
    strip = strip_of(applied.lines, cls, note)
    return io.NodeOutput(applied.model, applied.is_applied, strip, ui=people_shown(applied.lines, strip, cls))


def people_shown(lines: Sequence[Line], picture: Tensor, cls: type[io.ComfyNode]) -> dict[str, Any]:
    """What the page shows of people: the picture, and who they are for the chips."""
    return {**ui.PreviewImage(picture, cls=cls).as_dict(), "likeness_people": people_records(lines)}


def faces_shown(
    faces: FaceSet,
    picture: Tensor,
    cls: type[io.ComfyNode],
    marks: Sequence[Mark] = (),
    colour: tuple[int, int, int] | None = None,
) -> dict[str, Any]:
    """What the page shows of faces: the picture, and for the face picker the photos without boxes, and the boxes.

    Args:
        faces: of all photos.
        picture: the preview, for pages without the picker.
        cls: the node.
        marks, colour: see `models.records.photos.photo_records`.
    """
    photos = [each for photo in photo_tensors(faces) for each in ui.PreviewImage(photo, cls=cls).as_dict()["images"]]
    return {
        **ui.PreviewImage(picture, cls=cls).as_dict(),
        "likeness_photos": photos,
        "likeness_faces": photo_records(faces, marks, colour),
    }


def strip_of(lines: Sequence[Line], cls: type[io.ComfyNode], note: str = "") -> Tensor:
    """The strip of people under an Apply node, (1, H, 512, 3).

    Args:
        lines: who is in and who is not.
        cls: the node, which declares `HIDDEN`.
        note: a sentence below the people.
    """
    outside = outside_of(cls.hidden.prompt, str(cls.hidden.unique_id))
    if outside:
        listed = ", ".join(outside)
        note = f"Not in this chain: {listed}. Link the people output of one Add Person to the next. {note}".strip()
    return people_strip(lines, note)


def applied_outputs(model: str) -> list[io.Output]:
    """The outputs of an Apply node; `model` says what its MODEL is for."""
    return [
        io.Model.Output(display_name="model", tooltip=model),
        io.Boolean.Output(display_name="applied", tooltip="False if nobody acts and the model was passed through."),
        io.Image.Output(display_name="preview", tooltip="Who is in, in which colour, and how each is placed."),
    ]
