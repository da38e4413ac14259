"""What the kit brings by itself."""

from __future__ import annotations

from pathlib import Path

from ..models.face.insightface import ArcFace, InsightFace
from ..models.face.yunet import YuNet
from .hosts.comfyui import COMFYUI
from .kit import Kit
from .metrics import clip, dino, faces, libraries
from .metrics.networks import Loader, Networks


def _arcface(weights: Path | None) -> ArcFace:
    assert weights is not None  # a protocol must name it
    return ArcFace(weights)


def _yunet(weights: Path | None) -> YuNet:
    assert weights is not None
    return YuNet(weights)


def _insightface(weights: Path | None) -> InsightFace:
    assert weights is not None
    return InsightFace(weights)


KIT = Kit(
    hosts={"comfyui": COMFYUI},
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
    },
    networks=Networks(
        recognisers={"arcface": Loader(_arcface, "w600k_r50.onnx")},
        detectors={
            "yunet": Loader(_yunet, "face_detection_yunet_2023mar.onnx"),
            "insightface": Loader(_insightface, "det_10g.onnx"),
        },
    ),
)
