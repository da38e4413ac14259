"""Socket types of our own; the values on them are immutable."""

from __future__ import annotations

from comfy_api.latest import io

People = io.Custom("LIKENESS_PEOPLE")  # models.people.person.People
Placement = io.Custom("LIKENESS_PLACEMENT")  # host.placement.LoadedPlacement
Faces = io.Custom("LIKENESS_FACES")  # models.face.types.FaceSet
FaceDetector = io.Custom("LIKENESS_FACE_DETECTOR")  # models.port.encoders.FaceDetector
FaceParser = io.Custom("LIKENESS_FACE_PARSER")  # host.encoders.parser.LoadedFaceParser
FaceSquare = io.Custom("LIKENESS_FACE_SQUARE")  # models.face.squares.FaceSquare
DINO = io.Custom("LIKENESS_DINO")  # host.similarity.LoadedDINO
UniPortrait = io.Custom("LIKENESS_UNIPORTRAIT")  # host.uniportrait.adapter.LoadedUniPortrait
ConsistentID = io.Custom("LIKENESS_CONSISTENTID")  # host.consistentid.adapter.LoadedConsistentID
FacialFeatures = io.Custom("LIKENESS_FACIAL_FEATURES")  # models.consistentid.features.FacialFeatures
OmniPortrait = io.Custom("LIKENESS_OMNIPORTRAIT")  # host.omniportrait.adapter.LoadedOmniPortrait


def shelf(name: str) -> str:
    """The category of a shelf's nodes: a sub-menu of the pack's."""
    return f"Likeness/{name}"
