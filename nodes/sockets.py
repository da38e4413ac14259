"""Socket types of our own; the values on them are immutable."""

from __future__ import annotations

from comfy_api.latest import io

Faces = io.Custom("LIKENESS_FACES")  # models.face.types.FaceSet
FaceAnalysis = io.Custom("LIKENESS_FACE_ANALYSIS")  # host.face_analysis.LoadedFaceAnalysis
FaceRegion = io.Custom("LIKENESS_FACE_REGION")  # models.face.squares.FaceRegion
FaceParser = io.Custom("LIKENESS_FACE_PARSER")  # host.face_parser.LoadedFaceParser
DINO = io.Custom("LIKENESS_DINO")  # host.fine_grained_similarity.LoadedDINO
UniPortrait = io.Custom("LIKENESS_UNIPORTRAIT")  # host.uniportrait.LoadedUniPortrait
UniPortraitIdentities = io.Custom("LIKENESS_UNIPORTRAIT_IDENTITIES")  # models.uniportrait.identity.Identities
ConsistentID = io.Custom("LIKENESS_CONSISTENTID")  # host.consistentid.LoadedConsistentID
ConsistentIDIdentities = io.Custom("LIKENESS_CONSISTENTID_IDENTITIES")  # models.consistentid.identity.Identities
FacialRegions = io.Custom("LIKENESS_FACIAL_REGIONS")  # models.consistentid.identity.FacialRegions
OmniPortrait = io.Custom("LIKENESS_OMNIPORTRAIT")  # host.omniportrait.LoadedOmniPortrait
References = io.Custom("LIKENESS_REFERENCES")  # models.omniportrait.references.References
Placement = io.Custom("LIKENESS_PLACEMENT")  # host.placement.LoadedPlacement

CATEGORY = "Likeness"
