"""The face crops that stand for a person: of the same picture, of another one, or of the same one changed."""

from __future__ import annotations

import functools
import hashlib

import numpy as np
from PIL import Image, ImageEnhance

from ...dataset.fields import Box, Points
from ...dataset.manifest import PersonRow
from ...models.errors import InvalidSettingError
from ...models.face.alignment import CROP_SIZE, TEMPLATE_SIZE, align, similarity_matrix

# How much another photo of somebody differs when there is none [choice].
TURN = 8.0  # degrees, either way
ZOOM = 0.08  # share, either way
SHIFT = 0.04  # share of the distance between the outermost points, either way
LIGHT = 0.25  # share of brightness, contrast and colour, either way


def face_box(person: PersonRow) -> Box:
    """Where a person's face is: what the manifest says, else the outline of the aligned crop, else the person."""
    if person.face or person.points is None or not can_be_aligned(person.points):
        return person.face or person.box
    matrix = similarity_matrix(np.array(person.points), TEMPLATE_SIZE)
    edge = float(TEMPLATE_SIZE)
    corners = np.array([(0, 0), (edge, 0), (0, edge), (edge, edge)]) - matrix[:, 2]
    outline = corners @ np.linalg.inv(matrix[:, :2]).T
    (x0, y0), (x1, y1) = outline.min(0).tolist(), outline.max(0).tolist()
    return x0, y0, x1, y1


@functools.lru_cache(maxsize=256)  # asked several times while a row is read
def can_be_aligned(points: Points | None) -> bool:
    """Whether there are points and the ArcFace template can be laid on them."""
    if points is None:
        return False
    try:
        similarity_matrix(np.array(points), CROP_SIZE)
    except InvalidSettingError:
        return False
    return True


def crop_face(picture: Image.Image, points: Points) -> np.ndarray:
    """The aligned face as every encoder sees it, (224, 224, 3) uint8 RGB."""
    return align(np.asarray(picture), np.array(points))


def crop_and_augment(picture: Image.Image, points: Points, generator: np.random.Generator) -> np.ndarray:
    """The same face as if from another photo: turned, scaled, shifted, mirrored and lit differently.

    Args:
        picture: RGB.
        points: five points of the face, pixels.
        generator: decides how.

    Returns:
        (224, 224, 3) uint8 RGB.
    """
    values = np.array(points, np.float64)
    middle, extent = values.mean(0), float(np.ptp(values, axis=0).max())
    turn = np.deg2rad(generator.uniform(-TURN, TURN))
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    zoom = 1 + generator.uniform(-ZOOM, ZOOM)
    shift = generator.uniform(-SHIFT, SHIFT, 2) * extent
    crop = Image.fromarray(align(np.asarray(picture), (values - middle) @ rotation.T * zoom + middle + shift))
    if generator.random() < 0.5:
        crop = crop.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        crop = enhance(crop).enhance(1 + generator.uniform(-LIGHT, LIGHT))
    return np.asarray(crop)


def crop_key(digest: str, points: Points) -> str:
    """A name for the features of a crop: another picture or other points give another name."""
    return hashlib.sha256(f"{digest} {points}".encode()).hexdigest()
