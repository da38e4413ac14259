"""ConsistentID's people in ComfyUI: from photos to ID tokens and a chain of identities."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import torch
from torch import Tensor

from ...models.adapters.identity_attention import free_name
from ...models.clip.pixels import CLIP_SIZE, clip_pixels
from ...models.consistentid.identity import FacialRegions, Identities, Identity, require_one_person
from ...models.errors import MissingModelFileError
from ...models.face.selection import Selection
from ...models.face.types import FaceSet, OnNoFace
from ..encoders.faces import detect_faces, faces_from
from ..encoders.image_encoder import image_tokens, null_image_tokens
from ..memory import loaded
from .adapter import LoadedConsistentID
from .regions import pictures, region_vectors

RECOGNISER = "w600k_r50"  # of insightface's buffalo_l; the published weights were trained with it
FIRST_FOUND = Selection(order="highest score")  # the published code takes element 0 of the detector's list

OnNoID = Literal["error", "zero identity", "pass model through"]


def add_person(
    consistentid: LoadedConsistentID,
    clip_vision: Any,
    photo: Tensor | FaceSet,
    identities: Identities | None,
    *,
    regions: FacialRegions | None = None,
    name: str = "",
    caption: str = "",
    strength: float = 1.0,
    start_percent: float = 0.0,
    end_percent: float = 1.0,
    mask: Tensor | None = None,
    on_no_face: OnNoID = "error",
) -> tuple[Identities, FaceSet]:
    """A chain with one more person, and the faces that were found.

    Args:
        consistentid: the adapter.
        clip_vision: a CLIP_VISION of the width that the adapter needs.
        photo: pictures of this person, (B, H, W, C), or faces; several are references whose ID tokens are averaged
            (the published behaviour takes the first alone).
        identities: the people before, or None.
        regions, caption, strength, start_percent, end_percent, mask: see `Identity`.
        name: empty for "person N"; a name that is taken gets a number.
        on_no_face: what it means if no face is found: an error, an ID vector of zeros as in the published code, or a
            chain that stays as it was.

    Raises:
        NoFaceFoundError: if no face is found and that is an error.
        MissingModelFileError: if the face recogniser is not there.
    """
    if not consistentid.flavour.several_people:
        require_one_person(identities)
    faces = _faces(consistentid, photo, "error" if on_no_face == "error" else "pass model through")
    if identities is None:
        identities = _nobody(consistentid, clip_vision)
    if not faces.found and on_no_face != "zero identity":
        return identities, faces
    vectors = _id_vectors(consistentid, faces)
    pixels = torch.stack([clip_pixels(picture) for picture in pictures(consistentid, photo, faces)[: len(vectors)]])
    tokens = _id_tokens(consistentid, vectors, image_tokens(clip_vision, pixels, width=consistentid.image_width))
    person = Identity(
        name=free_name(name.strip() or f"person {len(identities.people) + 1}", [one.name for one in identities.people]),
        tokens=tokens.mean(dim=0, keepdim=True),
        regions=regions or FacialRegions(),
        caption=caption.strip(),
        strength=strength,
        start_percent=start_percent,
        end_percent=end_percent,
        mask=mask,
    )
    return identities.add(person), faces


def _id_tokens(consistentid: LoadedConsistentID, vectors: Tensor, tokens: Tensor) -> Tensor:
    """Vectors (R, W) and CLIP tokens (R, Tv, Wv) → (R, T, D), on the CPU."""
    projection, flavour = consistentid.adapter.id_projection, consistentid.flavour
    with loaded(consistentid.encoder):
        like = next(projection.parameters())
        projected = projection(vectors.to(like), tokens.to(like), shortcut=flavour.shortcut, s_scale=flavour.s_scale)
        return projected.to("cpu")


def _nobody(consistentid: LoadedConsistentID, clip_vision: Any) -> Identities:
    tokens = null_image_tokens(clip_vision, width=consistentid.image_width, size=CLIP_SIZE)
    return Identities(
        people=(),
        null_tokens=_id_tokens(consistentid, _no_vector(consistentid), tokens),
        null_region=region_vectors(consistentid, tokens),
    )


def _faces(consistentid: LoadedConsistentID, photo: Tensor | FaceSet, on_no_face: OnNoFace) -> FaceSet:
    """The faces of a photo input, as the flavour finds them."""
    flavour = consistentid.flavour
    if isinstance(photo, FaceSet) or flavour.several_people:
        return faces_from(photo, on_no_face)
    exchanged = flavour.channel_order == "RGB" and photo.shape[-1] >= 3
    image = photo[:1, ..., [2, 1, 0]] if exchanged else photo[:1]
    seen = detect_faces(image, size=flavour.detection_size, selection=FIRST_FOUND, on_no_face=on_no_face, name="photo")
    if not exchanged:
        return seen
    faces = tuple(replace(face, crop=face.crop[..., ::-1]) for face in seen.faces)
    return FaceSet(faces, tuple(picture[..., ::-1] for picture in seen.images), seen.on_no_face)


def _id_vectors(consistentid: LoadedConsistentID, faces: FaceSet) -> Tensor:
    """Unit-length vectors of the references, (R, W); one of zeros where there is no face."""
    if not faces.found:
        return _no_vector(consistentid)
    if consistentid.recogniser is None:
        raise MissingModelFileError(
            f"The face recogniser {RECOGNISER}.onnx was not found; put insightface's buffalo_l pack into models/insightface/"
            'models/buffalo_l (non-commercial research only), or choose the file in "recogniser" of Load ConsistentID.'
        )
    flavour = consistentid.flavour
    taken = faces.faces if flavour.several_people else faces.faces[:1]
    exchanged = flavour.channel_order == "RGB"  # recognisers expect RGB and turn it over themselves
    images = tuple(picture[..., ::-1] for picture in faces.images) if exchanged else faces.images
    return torch.nn.functional.normalize(consistentid.recogniser(taken, images), dim=-1)


def _no_vector(consistentid: LoadedConsistentID) -> Tensor:
    return torch.zeros(1, consistentid.adapter.id_projection.vector_width)
