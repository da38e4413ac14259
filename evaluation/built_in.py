"""What the kit brings by itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ..models.face.insightface import ArcFace, InsightFace
from ..models.face.mtcnn import MTCNN
from ..models.face.recognition.dlib_resnet import DlibResNet
from ..models.face.recognition.embedding import Embedding
from ..models.face.recognition.facenet import FaceNet
from ..models.face.recognition.ir_embedding import IREmbedding
from ..models.face.recognition.sface import SFace
from ..models.face.yunet import YuNet
from ..models.uniportrait.checkpoint import BACKBONE
from ..models.weights.reading import read_weights
from ..models.weights.signatures import FACENET
from .hosts.comfyui import COMFYUI
from .hosts.diffusers.host import DIFFUSERS
from .kit import Kit
from .metrics import clip, dino, faces, libraries, quality
from .metrics.networks import Loader, Network, Networks


def _read(make: Callable[[Path], Network]) -> Callable[[Path | None], Network]:
    """How a network is read whose file a protocol must name."""

    def load(weights: Path | None) -> Network:
        assert weights is not None
        return make(weights)

    return load


def _facenet(weights: Path) -> Embedding:
    return Embedding(FaceNet.from_state_dict(*read_weights(weights, FACENET)))


def _ir101(weights: Path) -> Embedding:
    return Embedding(IREmbedding.from_state_dict(*read_weights(weights, BACKBONE)))


KIT = Kit(
    hosts={"comfyui": COMFYUI, "diffusers": DIFFUSERS},
    metrics={
        "face_similarity": faces.FACE_SIMILARITY,
        "blending": faces.BLENDING,
        "clip_t": clip.CLIP_TEXT,
        "clip_i": clip.CLIP_IMAGE,
        "dino": dino.DINO_SIMILARITY,
        "fgis": dino.FGIS,
        "fid": libraries.FID,
        "blip": libraries.BLIP,
        "aesthetics": clip.AESTHETICS,
        "iqa": clip.IQA,
        "pyiqa": quality.PYIQA,
    },
    networks=Networks(
        recognisers={
            "arcface": Loader(_read(ArcFace), "w600k_r50.onnx"),
            "facenet": Loader(_read(_facenet), "20180402-114759-vggface2.pt"),
            "ir101": Loader(_read(_ir101), "glint360k_curricular_face_r101_backbone.bin"),
            "sface": Loader(_read(SFace), "face_recognition_sface_2021dec.onnx"),
            "dlib": Loader(lambda _: DlibResNet(), takes_file=False),
        },
        detectors={
            "insightface": Loader(_read(InsightFace), "det_10g.onnx"),
            "yunet": Loader(_read(YuNet), "face_detection_yunet_2023mar.onnx"),
            "mtcnn": Loader(lambda _: MTCNN(), takes_file=False),
        },
    ),
)
