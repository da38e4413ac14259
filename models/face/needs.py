"""Published files that look at faces, and how methods ask for them."""

from __future__ import annotations

from ..weights.known_file import HOST, KnownFile
from ..weights.needs import Want
from ..weights.signatures import FACE_PARSER as PARSER

INSIGHTFACE_LICENCE = "**non-commercial research only**"

FACE_PARSER = KnownFile(
    name="face_parsing.pth",
    folder="face_parsing",
    page=f"{HOST}JackAILab/ConsistentID",
    path="face_parsing.pth",
    what="the face parser (the same as `79999_iter.pth` and facexlib's `parsing_bisenet.pth`)",
    size="53 MB",
    licence="MIT (face-parsing.PyTorch); its training data, CelebAMask-HQ, is for **non-commercial research only**",
    commercial="no",
)
YUNET = KnownFile(
    name="face_detection_yunet_2023mar.onnx",
    folder="face_detection",
    page="https://github.com/opencv/opencv_zoo/tree/main/models/face_detection_yunet",
    what="a face detector in place of the one that comes with the pack: OpenCV's YuNet",
    size="0.2 MB",
    licence="MIT",
    commercial="yes",
    sha256="8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
)
BUFFALO_DETECTOR = KnownFile(
    name="det_10g.onnx",
    folder="insightface/models/buffalo_l",
    page="https://github.com/deepinsight/insightface",
    what="a face detector in place of either: that of insightface's `buffalo_l` pack",
    size="17 MB",
    licence=INSIGHTFACE_LICENCE,
    commercial="no",
    bytes=16_923_827,
    sha256="5838f7fe053675b1c7a08b633df49e7af5495cee0493c7dcf6697200b85b5b91",
)
RECOGNISER = KnownFile(
    name="w600k_r50.onnx",
    folder="insightface/models/buffalo_l",
    page="https://github.com/deepinsight/insightface",
    what="the face recogniser of insightface's `buffalo_l` pack, for ConsistentID and FaceID",
    size="174 MB",
    licence=INSIGHTFACE_LICENCE,
    commercial="no",
    bytes=174_383_860,
    sha256="4c06341c33c2ca1f86781dab0e829f88ad5b64be9fba56e56bc9ebdefc619e43",
)
SFACE = KnownFile(
    name="face_recognition_sface_2021dec.onnx",
    folder="face_recognition",
    page="https://github.com/opencv/opencv_zoo/tree/main/models/face_recognition_sface",
    what="a face recogniser for Score Likeness: OpenCV's SFace",
    size="39 MB",
    licence="Apache-2.0",
    commercial="yes",
    sha256="0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
)

DETECTOR = Want(
    purpose="face detector",
    kinds=("scrfd", "yunet"),
    folders=("insightface", "face_detection"),
    published=(YUNET, BUFFALO_DETECTOR),
    optional="taking another detector than MTCNN, which comes with the pack",
)
FACE_PARSING = Want(purpose="face parser", kinds=(PARSER,), folders=("face_parsing",), published=(FACE_PARSER,))
RECOGNISING = Want(
    purpose="face recogniser",
    kinds=("arcface",),
    folders=("insightface",),
    published=(RECOGNISER,),
    stem=RECOGNISER.name.rpartition(".")[0],
)
