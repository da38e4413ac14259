"""How far the aligned crop of a face moves and turns when its photo is turned, mirrored, blurred, brighter or darker.

Usage: python -m likeness.benchmarks.faces.crops [--yunet FILE] [--scrfd FILE] [FOLDER_OR_PHOTO ...]

scikit-image's astronaut and all photos named, each face at its own place in the photo and in five variants of it. MTCNN comes with the
requirements; YuNet (with and without refined points) and SCRFD are measured where their files are given. Pixels are those of the
crop of 112; the shift is that of its middle.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from likeness.models.face.alignment import TEMPLATE_SIZE, opencv, similarity_matrix
from likeness.models.face.insightface import InsightFace
from likeness.models.face.mtcnn import MTCNN
from likeness.models.face.refinement import RefinedPoints
from likeness.models.face.types import Detection
from likeness.models.face.yunet import YuNet
from likeness.models.port.encoders import FaceDetector
from likeness.tools.portraits import astronaut
from PIL import Image

ENDINGS = {".jpg", ".jpeg", ".png", ".webp"}
TURN = 10.0  # degrees
BLUR = 0.018  # standard deviation as a share of the face's longer side: 2 pixels of the crop of 112
BRIGHT, DARK = 1.4, 0.6
MIRRORED = [1, 0, 2, 4, 3]

Points = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Variant:
    """A changed photo.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        place: from points of the photo, (N, 5, 2) or (5, 2), to where they are in it.
    """

    picture: np.ndarray
    place: Points


def turned(picture: np.ndarray, degrees: float) -> Variant:
    """Turned around its middle; the edge is drawn out."""
    cv2 = opencv()
    height, width = picture.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    changed = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    return Variant(changed, lambda points: points @ matrix[:, :2].T + matrix[:, 2])


def mirrored(picture: np.ndarray) -> Variant:
    """Left for right; left eye and right eye change names."""
    last = picture.shape[1] - 1
    return Variant(
        np.ascontiguousarray(picture[:, ::-1]), lambda points: points[..., MIRRORED, :] * (-1, 1) + (last, 0)
    )


def blurred(picture: np.ndarray, face: Detection) -> Variant:
    """Out of focus."""
    sigma = BLUR * float((face.box[2:] - face.box[:2]).max())
    return Variant(opencv().GaussianBlur(picture, (0, 0), sigma), lambda points: points)


def lit(picture: np.ndarray, factor: float) -> Variant:
    """Every value times a factor, cut off at white."""
    return Variant(np.clip(picture * factor, 0, 255).astype(np.uint8), lambda points: points)


VARIANTS: dict[str, Callable[[np.ndarray, Detection], Variant]] = {
    "turned left": lambda picture, face: turned(picture, TURN),
    "turned right": lambda picture, face: turned(picture, -TURN),
    "mirrored": lambda picture, face: mirrored(picture),
    "blurred": blurred,
    "brighter": lambda picture, face: lit(picture, BRIGHT),
    "darker": lambda picture, face: lit(picture, DARK),
}


def compare_crops(expected: np.ndarray, seen: np.ndarray) -> tuple[float, float]:
    """How two crops of the same face differ.

    Args:
        expected, seen: five points each, (5, 2), pixels of the same picture.

    Returns:
        How far the middle of the crop moves, pixels of the crop of 112, and how far it turns, degrees from 0 to 180.
    """
    before, after = (np.vstack((similarity_matrix(each, TEMPLATE_SIZE), (0, 0, 1))) for each in (expected, seen))
    change = after @ np.linalg.inv(before)
    middle = np.array([TEMPLATE_SIZE / 2, TEMPLATE_SIZE / 2, 1])
    shift = np.linalg.norm((change @ middle - middle)[:2])
    return float(shift), float(abs(np.degrees(np.arctan2(change[1, 0], change[0, 0]))))


def repeat(detector: FaceDetector, pictures: Iterable[np.ndarray]) -> dict[str, list[tuple[float, float]]]:
    """Shift and rotation of the crop of every face of every picture, by variant; a face that is missed is left out."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in VARIANTS}
    for picture in pictures:
        for face in _find(detector, picture):
            for name, change in VARIANTS.items():
                variant = change(picture, face)
                expected = variant.place(face.points.astype(np.float64))
                again = _nearest(_find(detector, variant.picture), expected)
                if again is not None:
                    found[name].append(compare_crops(expected, again))
    return found


def photos_in(named: Sequence[Path]) -> Iterator[np.ndarray]:
    """The photos of files and folders, (H, W, 3) uint8 RGB."""
    for path in named:
        files = sorted(file for file in path.iterdir() if file.suffix.lower() in ENDINGS) if path.is_dir() else [path]
        for file in files:
            yield np.asarray(Image.open(file).convert("RGB"))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", nargs="*", type=Path, help="photos, and folders of photos")
    parser.add_argument("--yunet", type=Path, help="OpenCV's face_detection_yunet_2023mar.onnx")
    parser.add_argument("--scrfd", type=Path, help="insightface's det_10g.onnx")
    options = parser.parse_args(arguments)
    detectors: dict[str, FaceDetector] = {"MTCNN": MTCNN()}
    if options.yunet:
        detectors |= {"YuNet": YuNet(options.yunet), "YuNet, refined": RefinedPoints(YuNet(options.yunet))}
    if options.scrfd:
        detectors["SCRFD"] = InsightFace(options.scrfd)
    pictures = [np.asarray(astronaut().picture), *photos_in(options.photos)]
    print("mean shift in pixels of the crop of 112, and mean rotation")
    for name, detector in detectors.items():
        faces = sum(len(_find(detector, picture)) for picture in pictures)
        found = repeat(detector, pictures)
        print(f"{name}: {faces} faces in {len(pictures)} pictures")
        for variant, each in (found | {"all": [pair for pairs in found.values() for pair in pairs]}).items():
            missed = faces * (len(VARIANTS) if variant == "all" else 1) - len(each)
            print(f"  {variant:14}{_means(each)}{f', {missed} missed' if missed else ''}")


def _means(pairs: Sequence[tuple[float, float]]) -> str:
    if not pairs:
        return "nobody"
    shift, rotation = np.mean(pairs, axis=0)
    return f"{shift:.2f} px  {rotation:.2f}°"


def _find(detector: FaceDetector, picture: np.ndarray) -> list[Detection]:
    [found] = detector.find([picture])
    return found


def _nearest(faces: Sequence[Detection], expected: np.ndarray) -> np.ndarray | None:
    """The points of the face that is where it should be: at most the distance of its eyes away on average."""
    between = np.linalg.norm(expected[1] - expected[0])
    distances = [np.linalg.norm(face.points - expected, axis=1).mean() for face in faces]
    if not distances or min(distances) > between:
        return None
    return faces[int(np.argmin(distances))].points.astype(np.float64)


if __name__ == "__main__":
    main()
