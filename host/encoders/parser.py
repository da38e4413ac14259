"""The face parser under ComfyUI's memory management."""

from __future__ import annotations

from dataclasses import dataclass
from os import PathLike

import numpy as np
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from torch import Tensor

from ...models.errors import BadImageError
from ...models.face.parsing import FaceParser, load
from ...models.face.squares import scaled_box
from ...models.face.types import FaceSet
from ...models.images.layout import arrays_from_images
from ...models.weights.fingerprint import fingerprint
from ..memory import loaded, manage


@dataclass(frozen=True, eq=False)
class LoadedFaceParser:
    """The face parser; a `FaceParser` of the port.

    Attributes:
        parser: the network, float32 on every device.
        patcher: loads and offloads it.
    """

    parser: FaceParser
    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights."""
        return f"face parser {fingerprint(self.parser)}"

    def labels(self, picture: np.ndarray, size: int) -> np.ndarray:
        """The label map of one photo, exactly as ConsistentID's published code gets it, see `FaceParser` of the port."""
        with loaded(self.patcher):
            return self.parser.parse(picture, size)


def load_face_parser(path: PathLike[str]) -> LoadedFaceParser:
    """Read the face parser's file.

    Raises:
        UnknownCheckpointError: if it is something else.
        MissingPackageError: if facexlib is not there.
    """
    parser = load(path)
    return LoadedFaceParser(parser, manage(parser))


def parse_pictures(
    face_parser: LoadedFaceParser, image: Tensor, faces: FaceSet | None, *, size: int, margin: float
) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """The label maps of a batch of pictures, at their own size.

    Args:
        face_parser: the parser.
        image: (B, H, W, C), 0–1.
        faces: found in these pictures or in smaller copies; each face taken is then looked at by itself. None for whole
            pictures.
        size: side of the square that the network sees, pixels.
        margin: surroundings of a face, in face sizes, 0–4.

    Returns:
        The pictures, (H, W, 3) uint8 each, and their label maps, (H, W) uint8 each.

    Raises:
        BadImageError: if a picture cannot be read or the faces belong to other pictures.
    """
    images = arrays_from_images(image)
    if faces is not None and len(faces.images) != len(images):
        raise BadImageError(
            f"faces were found in {len(faces.images)} pictures, but image has {len(images)}; connect the image that "
            "Detect Faces got."
        )
    bar = ProgressBar(len(images))
    labels: list[np.ndarray] = []
    with loaded(face_parser.patcher):
        for number, picture in enumerate(images):
            model_management.throw_exception_if_processing_interrupted()
            if faces is None:
                labels.append(face_parser.parser.parse_picture(picture, size))
            else:
                taken = (face for face in faces.faces if face.image_index == number)
                boxes = [scaled_box(face, (picture.shape[0], picture.shape[1])) for face in taken]
                labels.append(face_parser.parser.parse_around(picture, boxes, margin, size))
            bar.update_absolute(number + 1, len(images))
    return images, labels
