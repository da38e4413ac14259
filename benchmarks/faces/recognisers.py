"""What a recogniser costs for one face, beside MTCNN's look at the photo that shows it.

Usage: python -m likeness.benchmarks.faces.recognisers [--rounds 15] [--arcface FILE] [--sface FILE]

On scikit-image's astronaut (512 pixels). dlib and the miniature's have their own weights; FaceNet and UniPortrait's IR-101 are of full
size with random values, which cost the same. ArcFace and SFace are measured where their files are given. Ratios are paired, see
`paired_ratios`.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import torch
from likeness.benchmarks.paired_ratios import measure, median_of
from likeness.models.face.analysis import find_faces
from likeness.models.face.insightface import ArcFace
from likeness.models.face.iresnet import IResNet
from likeness.models.face.mtcnn import MTCNN
from likeness.models.face.recognition.dlib_resnet import DlibResNet
from likeness.models.face.recognition.embedding import Embedding
from likeness.models.face.recognition.facenet import FaceNet
from likeness.models.face.recognition.ir_embedding import IREmbedding
from likeness.models.face.recognition.sface import SFace
from likeness.models.face.types import Face
from likeness.models.miniature.files import FACES, read_face_networks
from likeness.models.port.encoders import FaceRecogniser
from likeness.models.uniportrait.encode import face_vectors
from likeness.tools.portraits import astronaut
from torch import Tensor

IR101 = ((64, 3), (128, 13), (256, 30), (512, 3))  # channels and blocks of every stage
STEM, WIDTH = 64, 512
BASELINE = "MTCNN, one photo"


@dataclass(frozen=True, eq=False, slots=True)
class Drawn:
    """The miniature's; a `FaceRecogniser`."""

    backbone: IResNet
    key: str = "miniature"

    @property
    def width(self) -> int:
        """Length of a vector."""
        return self.backbone.tap_channels[-1]

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """Vectors of faces, (R, width)."""
        del pictures
        return torch.as_tensor(face_vectors(self.backbone, np.stack([face.crop for face in faces])))


def recognisers(arcface: Path | None = None, sface: Path | None = None) -> dict[str, FaceRecogniser]:
    """What is measured, by name."""
    found: dict[str, FaceRecogniser] = {
        "the miniature's": Drawn(read_face_networks(FACES).backbone),
        "dlib": DlibResNet(),
        "FaceNet": Embedding(FaceNet().eval()),
        "UniPortrait's IR-101": Embedding(IREmbedding(IResNet(STEM, IR101), WIDTH).eval()),
    }
    if arcface is not None:
        found[arcface.name] = ArcFace(arcface)
    if sface is not None:
        found[sface.name] = SFace(sface)
    return found


def seconds_of(measured: Mapping[str, FaceRecogniser], rounds: int) -> dict[str, list[float]]:
    """Seconds of one face by each recogniser, and of MTCNN's look at the photo, in paired rounds."""
    photo, detector = np.asarray(astronaut().picture), MTCNN()
    [[face, *_]] = find_faces([photo], detector)
    calls = {name: lambda by=by: by.vectors([face], [photo]) for name, by in measured.items()}
    with torch.inference_mode():
        return measure({BASELINE: lambda: list(detector.find([photo])), **calls}, rounds, warm_up=2, seed=0)


def main() -> None:
    """Print one line for each recogniser."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--arcface", type=Path, help="a recogniser in insightface's layout")
    parser.add_argument("--sface", type=Path, help="OpenCV's SFace")
    given = parser.parse_args()
    seconds = seconds_of(recognisers(given.arcface, given.sface), given.rounds)
    print(f"{given.rounds} rounds, {torch.get_num_threads()} thread(s); of one face against {BASELINE}")
    plain = seconds.pop(BASELINE)
    print(f"{BASELINE}: {1e3 * median(plain):.0f} ms")
    for name, own in seconds.items():
        ratio, low, high = median_of([mine / other for mine, other in zip(own, plain, strict=True)])
        print(f"{name}: {ratio:.2f} times [{low:.2f}, {high:.2f}], {1e3 * median(own):.0f} ms")


if __name__ == "__main__":
    main()
