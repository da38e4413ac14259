"""The file of the miniature's networks that look at faces: detector, parser, backbone and image encoder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from ..errors import UnknownCheckpointError
from ..face.iresnet import IResNet
from ..face.parsing import FaceParser
from ..weights.reading import read_metadata, read_state_dict
from ..weights.state_dict import load_strictly, subset
from .finder import FaceFinder
from .parser import MiniatureParser

FINDER, PARSER, BACKBONE, IMAGE_ENCODER = "finder.", "parser.", "backbone.", "image_encoder."
METADATA_KEY = "image_encoder"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class FaceNetworks:
    """What the file holds.

    Attributes:
        finder: the detector.
        parser: tells the parts of a face apart.
        backbone: the face backbone.
        image_encoder: weights under transformers' names (CLIPVisionModelWithProjection).
        image_config: sizes of the image encoder, by transformers' names, which ComfyUI shares.
    """

    finder: FaceFinder
    parser: FaceParser
    backbone: IResNet
    image_encoder: dict[str, Tensor]
    image_config: dict[str, Any]


def read_face_networks(path: Path) -> FaceNetworks:
    """Read the file; networks are float32, frozen, on the CPU.

    Raises:
        CorruptModelFileError: if the file cannot be read.
        UnknownCheckpointError: if it is something else.
    """
    weights = read_state_dict(path)
    said = read_metadata(path).get(METADATA_KEY)
    if said is None:
        raise UnknownCheckpointError(
            f'{path.name} does not say the sizes of its image encoder in its metadata ("{METADATA_KEY}"); take the file '
            "that came with this pack."
        )
    return FaceNetworks(
        finder=load_strictly(FaceFinder(), subset(weights, FINDER), f"{path.name}, detector,"),
        parser=FaceParser(load_strictly(MiniatureParser(), subset(weights, PARSER), f"{path.name}, parser,")).eval(),
        backbone=IResNet.from_state_dict(subset(weights, BACKBONE)),
        image_encoder={key: tensor.float() for key, tensor in subset(weights, IMAGE_ENCODER).items()},
        image_config=json.loads(said),
    )
