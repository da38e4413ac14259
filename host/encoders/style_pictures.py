"""Style pictures in ComfyUI: their faces found and hidden, and what the method's encoder says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...models.errors import InvalidSettingError, MissingModelFileError, MissingPackageError
from ...models.face.analysis import Selection
from ...models.facestudio.face_masking import HiddenFaces, hide_faces
from ...models.facestudio.style import Space, Style
from ...models.facestudio.style_encoding import colours_of, encode_style
from ...models.images.layout import arrays_from_images
from ...models.images.numbers import as_floats, require_size
from ...models.port.encoders import FaceDetector, ImageEmbedder
from .detector import DetectorChoice, choose_detector, detect_faces
from .parser import LoadedFaceParser, parse_pictures

PARSED, MARGIN = 512, 0.5  # pixels of the square that the parser sees; surroundings of a face, in face sizes
ALL = Selection(take="all")


class ReadsStyles(Protocol):
    """What the encoding of a style needs to know of a method."""

    @property
    def space(self) -> Space:
        """The space that it reads."""
        ...

    @property
    def embedder(self) -> ImageEmbedder | None:
        """What looks at style pictures; None where there is no file of it."""
        ...

    @property
    def wanted(self) -> str:
        """What that would be."""
        ...


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Masking:
    """What of a style picture is hidden before it is encoded.

    Attributes:
        faces: whether all faces are.
        detector: finds them, by name.
        region: where they are, for the detector "given region".
        given: a detector in place of that one.
        parser: tells what belongs to a face; without it the ellipse of its box is hidden.
        mask: what else is hidden, (M, H, W) of any size, above one half; mask i for picture i, or one for all.
    """

    faces: bool = True
    detector: DetectorChoice = "auto"
    region: str = ""
    given: FaceDetector | None = None
    parser: LoadedFaceParser | None = None
    mask: Tensor | None = None


def encode_style_pictures(method: ReadsStyles, image: Tensor, masking: Masking) -> Style:
    """Encode style pictures for a method.

    Args:
        method: whose space and encoder are taken.
        image: (B, H, W, C), 0–1; several give the mean of their embeddings.
        masking: what is hidden.

    Raises:
        MissingModelFileError: if there is no encoder, or no face detector while faces are to be hidden.
        MissingPackageError: if a package that one of them needs is not there.
        InvalidSettingError: if there is another number of masks.
        LikenessError: whatever is wrong with the pictures, the files or the settings.
    """
    if method.embedder is None:
        raise MissingModelFileError(
            f"There is no encoder for style pictures: {method.wanted} is needed; put the file there and load the method again, or "
            "steer by a text alone."
        )
    mean, _ = colours_of(method.embedder)
    pictures = arrays_from_images(image, "picture")
    drawn = _drawn(masking.mask, pictures)
    if not masking.faces:
        hidden = [hide_faces(picture, (), mask=mask, mean=mean) for picture, mask in zip(pictures, drawn, strict=True)]
        notes = [_shown(each) for each in hidden]
    else:
        hidden = _without_faces(image, pictures, masking, drawn, mean)
        notes = [each.note for each in hidden]
    return encode_style([each.picture for each in hidden], notes, method.embedder, method.space)


def _without_faces(
    image: Tensor,
    pictures: Sequence[np.ndarray],
    masking: Masking,
    drawn: Sequence[np.ndarray | None],
    mean: Sequence[float],
) -> list[HiddenFaces]:
    try:
        detector = choose_detector(masking.detector, region=masking.region, given=masking.given)
        faces = detect_faces(image, detector, selection=ALL, on_no_face="go on", name="picture")
    except (MissingModelFileError, MissingPackageError) as error:
        raise type(error)(
            f"The faces of the style picture are to be hidden and must be found first. {error} Or switch mask_face off, if it "
            "shows no face."
        ) from error
    labels: Sequence[np.ndarray | None] = [None] * len(pictures)
    if masking.parser is not None and faces.found:
        _, labels = parse_pictures(masking.parser, image, faces, size=PARSED, margin=MARGIN)
    boxes = [[face.box for face in faces.faces if face.image_index == index] for index in range(len(pictures))]
    return [
        hide_faces(picture, found, seen, mask=mask, mean=mean)
        for picture, found, seen, mask in zip(pictures, boxes, labels, drawn, strict=True)
    ]


def _drawn(mask: Tensor | None, pictures: Sequence[np.ndarray]) -> list[np.ndarray | None]:
    """The user's mask for each picture, at its size."""
    if mask is None:
        return [None] * len(pictures)
    mask = as_floats(mask, "mask")
    masks = mask[None] if mask.ndim == 2 else mask
    if masks.ndim == 3:
        require_size(masks, masks.shape[1], masks.shape[2], "mask")
    if masks.ndim != 3 or len(masks) not in (1, len(pictures)) or not masks.numel() or not torch.isfinite(masks).all():
        raise InvalidSettingError(
            f"mask has shape {tuple(mask.shape)} and there are {len(pictures)} pictures; connect one drawn mask for all, or one for "
            "each."
        )
    found: list[np.ndarray | None] = []
    for index, picture in enumerate(pictures):
        one = masks[index % len(masks)][None, None].float()
        sized = interpolate(one, picture.shape[:2], mode="bilinear", align_corners=False)
        found.append((sized[0, 0] > 0.5).cpu().numpy())
    return found


def _shown(hidden: HiddenFaces) -> str:
    return f"faces are shown (mask_face is off){', what the mask covers is hidden' if hidden.drawn else ''}."
