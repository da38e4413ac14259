"""What looks at pictures and faces for an IP-Adapter; each is missed only when it is needed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor

from ..errors import MissingModelFileError
from ..face.types import Face
from ..port.encoders import FaceRecogniser, ImageEmbedder, ImageEncoder

RECOGNISER = "w600k_r50"  # of insightface's buffalo_l; the published FaceID files were trained with it
WHERE = "put it into models/clip_vision, or connect clip_vision to Load IP-Adapter"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IPAdapterEncoders:
    """The encoders.

    Attributes:
        clip: its penultimate hidden state is taken; None where no file was found or the adapter reads none.
        embedder: the same network's projected embedding; None likewise.
        recogniser: gives face vectors; None where no file was found.
        wanted: the image encoder that the adapter was trained with, for messages.
    """

    clip: ImageEncoder | None = None
    embedder: ImageEmbedder | None = None
    recogniser: FaceRecogniser | None = None
    wanted: str = "ViT-H"

    def tokens(self, pixels: Tensor) -> Tensor:
        """Hidden states of pictures, (R, 3, 224, 224) → (R, 257, W), class token first, see `ImageEncoder`.

        Raises:
            MissingModelFileError: without an image encoder.
        """
        if self.clip is None:
            raise MissingModelFileError(self._no_clip())
        return self.clip.tokens(pixels)

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Projected embeddings of pictures, (R, 3, 224, 224) → (R, E), see `ImageEmbedder`.

        Raises:
            MissingModelFileError: without an image encoder.
        """
        if self.embedder is None:
            raise MissingModelFileError(self._no_clip())
        return self.embedder.embeddings(pixels)

    @property
    def required_recogniser(self) -> FaceRecogniser:
        """What gives face vectors.

        Raises:
            MissingModelFileError: without a recogniser.
        """
        if self.recogniser is None:
            raise MissingModelFileError(
                f"FaceID needs the face recogniser {RECOGNISER}.onnx, and it was not found; put insightface's buffalo_l pack "
                'into models/insightface/models/buffalo_l (non-commercial research only), or choose the file in "recogniser" '
                "of Load IP-Adapter."
            )
        return self.recogniser

    def vector(self, face: Face, picture: np.ndarray) -> Tensor:
        """The vector of a face, (1, V), not normalised, see `FaceRecogniser`; raises as `required_recogniser`."""
        return self.required_recogniser.vectors([face], [picture])

    def _no_clip(self) -> str:
        return f"This IP-Adapter needs the CLIP vision model that it was trained with ({self.wanted}), and none was found; {WHERE}."
