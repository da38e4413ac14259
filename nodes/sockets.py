"""Socket types of our own; the values on them are immutable."""

from __future__ import annotations

from comfy_api.latest import io

Faces = io.Custom("LIKENESS_FACES")  # models.face.types.FaceSet
FaceRegion = io.Custom("LIKENESS_FACE_REGION")  # models.face.region.FaceRegion
UniPortrait = io.Custom("LIKENESS_UNIPORTRAIT")  # host.uniportrait.LoadedUniPortrait
UniPortraitIdentities = io.Custom("LIKENESS_UNIPORTRAIT_IDENTITIES")  # models.uniportrait.identity.Identities

CATEGORY = "Likeness"
