"""OmniPortrait's people in ComfyUI: from photos to a chain of references."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from comfy.model_management import throw_exception_if_processing_interrupted
from einops import rearrange
from torch import Tensor

from ...models.adapters.identity_attention import free_name
from ...models.errors import InvalidSettingError
from ...models.face.region_masks import region_mask
from ...models.face.squares import cut_out, square_around
from ...models.face.types import Face, FaceSet, OnNoFace
from ...models.images.layout import arrays_from_images, images_from_arrays
from ...models.omniportrait.face_masks import ellipse
from ...models.omniportrait.references import CROP_SIZE, Person, ReferencePicture, References
from ..encoders.faces import faces_from
from ..encoders.parser import LoadedFaceParser, parse_photo

CLOSE, WIDE = (
    0.15,
    0.5,
)  # around a face, on each side, in face sizes: 1.3 times the box for the pivot, twice for features
PARSED = 512  # pixels at which a face is parsed


def add_reference(
    photo: Tensor | FaceSet,
    vae: Any,
    references: References | None,
    *,
    name: str = "",
    size: int = 512,
    mask: Tensor | None = None,
    face_parser: LoadedFaceParser | None = None,
    on_no_face: OnNoFace = "error",
) -> tuple[References, FaceSet]:
    """A chain with one more person, and the faces that were found.

    Args:
        photo: pictures of this person, (B, H, W, C), or faces; all of them are references.
        vae: encodes the pictures whose features are matched; that of the checkpoint.
        references: the people before, or None.
        name: empty for "person N"; a name that is taken gets a number.
        size: side of the square around the face that the model looks at, pixels, 64–2048.
        mask: where the person is to be, see `Person`.
        face_parser: finds the face's outline in the photo; without, it is the ellipse in the face's box.
        on_no_face: what a picture without a face means; faces have their own setting.

    Raises:
        NoFaceFoundError: if no face is found and that is an error.
        InvalidSettingError: if the size is out of range.
    """
    if not 64 <= size <= 2048 or size % 64:
        raise InvalidSettingError(f"size is {size}; choose a multiple of 64 from 64 to 2048.")
    chain = references or References()
    faces = faces_from(photo, on_no_face)
    if not faces.found:
        return chain, faces
    taken = [person.name for person in chain.people]
    person = Person(
        name=free_name(name.strip() or f"person {len(taken) + 1}", taken),
        crops=torch.cat([_close(faces, face) for face in faces.faces]),
        pictures=tuple(_wide(faces, face, vae, size, face_parser) for face in faces.faces),
        mask=mask,
    )
    return chain.add(person), faces


def _close(faces: FaceSet, face: Face) -> Tensor:
    """The crop that the pivot reads, (1, 3, 224, 224)."""
    crop, _ = _square(faces, face, CLOSE, CROP_SIZE)
    return rearrange(crop, "b h w c -> b c h w")


def _wide(faces: FaceSet, face: Face, vae: Any, size: int, face_parser: LoadedFaceParser | None) -> ReferencePicture:
    """The crop whose features are matched, with the mask of the face in it."""
    throw_exception_if_processing_interrupted()
    crop, box = _square(faces, face, WIDE, size)
    mask = ellipse(box, (size, size))
    if face_parser is not None:
        [picture] = arrays_from_images(crop)
        parsed = region_mask(parse_photo(face_parser, picture, PARSED), "face")
        if parsed.any():
            mask = torch.from_numpy(parsed.astype(np.float32) / parsed.max())
    return ReferencePicture(vae.encode(crop), mask)


def _square(faces: FaceSet, face: Face, margin: float, size: int) -> tuple[Tensor, Tensor]:
    """The square around a face, (1, size, size, 3), 0–1, and the face's box in it as shares, (4,)."""
    left, top, right, bottom = (float(edge) for edge in face.box)
    region = square_around((left, top, right, bottom), face.image_size, margin, None)
    crop = cut_out(images_from_arrays([faces.images[face.image_index]]), region, size)
    box = torch.tensor([left - region.left, top - region.top, right - region.left, bottom - region.top]) / region.side
    return crop, box
