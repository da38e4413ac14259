"""What looks at people's photos for ConsistentID; each is missed only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from torch import Tensor

from ..errors import MissingModelFileError
from ..face.types import Face
from ..people.encodings import ENCODINGS, Encodings
from ..port.encoders import FaceParser, FaceRecogniser, ImageEncoder

RECOGNISER = "w600k_r50"  # of insightface's buffalo_l; the published weights were trained with it


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ConsistentIDEncoders:
    """The encoders.

    Attributes:
        clip: its penultimate hidden state is taken; None where no file was found.
        parser: tells the parts of a face apart; None where no file was found.
        recogniser: gives the ID vectors; None where no file was found.
        store: keeps the pictures that are made of a photo.
    """

    clip: ImageEncoder | None = None
    parser: FaceParser | None = None
    recogniser: FaceRecogniser | None = None
    store: Encodings = field(default=ENCODINGS)

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures, (R, 3, 224, 224) → (R, T, W), see `ImageEncoder`.

        Raises:
            MissingModelFileError: without an image encoder.
        """
        if self.clip is None:
            raise MissingModelFileError(
                "ConsistentID needs the CLIP vision model that it was trained with (for the published files OpenCLIP "
                "ViT-H/14), and none was found; put it into models/clip_vision, or connect clip_vision to Load ConsistentID."
            )
        return self.clip.tokens(pixels)

    @property
    def required_parser(self) -> FaceParser:
        """The face parser.

        Raises:
            MissingModelFileError: without a face parser.
        """
        if self.parser is None:
            raise MissingModelFileError(
                "ConsistentID needs a face parser for the regions of a face, and none was found; put the BiSeNet file "
                "(face_parsing.pth, also published as 79999_iter.pth or parsing_bisenet.pth) into models/face_parsing, "
                "connect face_parser to Load ConsistentID, or switch all features off in Set Facial Features."
            )
        return self.parser

    def vector(self, face: Face, picture: np.ndarray) -> Tensor:
        """The ID vector of a face, (1, W), not normalised, see `FaceRecogniser`.

        Raises:
            MissingModelFileError: without a recogniser.
        """
        if self.recogniser is None:
            raise MissingModelFileError(
                f"The face recogniser {RECOGNISER}.onnx was not found; put insightface's buffalo_l pack into models/insightface/"
                'models/buffalo_l (non-commercial research only), or choose the file in "recogniser" of Load ConsistentID.'
            )
        return self.recogniser.vectors([face], [picture])
