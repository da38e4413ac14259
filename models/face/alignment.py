"""Face alignment: five points to the ArcFace template, and the crop that every face encoder sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..errors import BadImageError, InvalidSettingError
from ..packages import import_package

if TYPE_CHECKING:
    from types import ModuleType

TEMPLATE_SIZE = 112  # pixels; side of the square that ARCFACE_TEMPLATE is given in
CROP_SIZE = 224  # pixels; UniPortrait's crop, the template times two

# Left eye, right eye, nose, left and right corner of the mouth in a 112 x 112 crop (ArcFace, arXiv:1801.07698).
ARCFACE_TEMPLATE = np.array(
    [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)],
    dtype=np.float64,
)


def template(size: int) -> np.ndarray:
    """The ArcFace template scaled to a square crop, without horizontal offset.

    Args:
        size: side of the crop, pixels.

    Returns:
        (5, 2) float64, pixels of the crop.
    """
    return ARCFACE_TEMPLATE * (size / TEMPLATE_SIZE)


def similarity_matrix(keypoints: np.ndarray, size: int) -> np.ndarray:
    """Rotation, uniform scale and shift that bring five points closest to the ArcFace template.

    Args:
        keypoints: (5, 2), pixels: left eye, right eye, nose, left and right corner of the mouth, in image order.
        size: side of the crop, pixels.

    Returns:
        (2, 3) float64: crop = matrix · (x, y, 1).

    Raises:
        InvalidSettingError: if there are not five finite points, or all of them coincide.

    Reference: Umeyama, "Least-squares estimation of transformation parameters between two point patterns", 1991,
    Eq. 40-43.
    """
    source = np.asarray(keypoints, dtype=np.float64)
    if source.shape != (5, 2) or not np.isfinite(source).all():
        raise InvalidSettingError(
            f"Alignment needs five finite points (x, y), but got an array of shape {source.shape}"
            f"{'' if np.isfinite(source).all() else ' with NaN or infinity'}; check the points of this face."
        )
    target = template(size)
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    source_centred, target_centred = source - source_mean, target - target_mean
    variance = np.square(source_centred).sum() / len(source)
    if variance < 1e-6:
        raise InvalidSettingError(
            "The five points of a face coincide, so the face cannot be aligned; give five different points."
        )
    covariance = target_centred.T @ source_centred / len(source)
    left, singular, right = np.linalg.svd(covariance)
    signs = np.array([1.0, 1.0 if np.linalg.det(left) * np.linalg.det(right) >= 0 else -1.0])
    rotation = left @ np.diag(signs) @ right
    scale = (singular * signs).sum() / variance
    shift = target_mean - scale * rotation @ source_mean
    return np.concatenate((scale * rotation, shift[:, None]), axis=1)


def align(image: np.ndarray, keypoints: np.ndarray, size: int = CROP_SIZE) -> np.ndarray:
    """Cut out a face so that its five points lie on the ArcFace template.

    Args:
        image: (H, W, 3) uint8, any channel order.
        keypoints: (5, 2), pixels of `image`.
        size: side of the crop, pixels.

    Returns:
        (size, size, 3) uint8, bilinear, black outside the picture.

    Raises:
        BadImageError: if the picture is not (H, W, 3) uint8.
        InvalidSettingError: see `similarity_matrix`.
        MissingPackageError: if OpenCV is not installed.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise BadImageError(
            f"Alignment needs a (H, W, 3) uint8 picture, but got {image.dtype} of shape {image.shape}; convert it first."
        )
    cv2 = opencv()
    matrix = similarity_matrix(keypoints, size)
    return cv2.warpAffine(image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderValue=(0, 0, 0))


def opencv() -> ModuleType:
    """OpenCV, imported at the first use.

    Raises:
        MissingPackageError: if it is not installed.
    """
    return import_package("cv2", "warpAffine", purpose="Aligning faces")
