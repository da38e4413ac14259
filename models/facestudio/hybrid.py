"""The hybrid guidance: a style and a face through one linear layer, picture against text, and several faces as one.

FaceStudio (arXiv:2312.02663), sections 3.1 and 3.2. There e_i = Linear(e_h ‖ e_f) of the style picture, e_t = Linear(e_T ‖ e_f)
of the text and e_g = α·e_i + (1 − α)·e_t. The layer is affine, so the layer of blended embeddings is the blend of the layer's
outputs, and one pass is enough.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import linear, normalize

from ..errors import InvalidSettingError, ShapeError, UnknownCheckpointError, require_range, require_shape
from ..ip_adapter.layers import CONTEXTS
from ..weights.state_dict import load_strictly, summarise

FACE = 512  # width of a recogniser's vector
TOKENS = 8  # n, where a file's bias is flat and does not tell it; the paper gives no number
SPACES = {  # of CLIP, by width
    768: "ViT-L/14",
    1024: "ViT-H/14",
    1280: "ViT-bigG/14",
    1792: "ViT-L/14, RN101 and ViT-B/32",
}
_NAME = "FaceStudio's linear layer"


class HybridLayer(nn.Module):
    """The shared linear layer: a style embedding and a face vector to n context tokens, no norm behind it.

    Its bias is kept as (n, D), the tokens of neither style nor face, because the weight alone does not tell n from D.

    Args:
        style: E, width of the style embedding.
        tokens: n; 1 is the paper read literally.
        width: D, width of the context.
        face: V, width of the face vector.
    """

    def __init__(self, style: int, tokens: int, width: int, face: int = FACE):
        super().__init__()
        self.face_width = face
        self.weight = nn.Parameter(torch.empty(tokens * width, style + face))
        self.bias = nn.Parameter(torch.empty(tokens, width))

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], *, face: int = FACE) -> HybridLayer:
        """Build the layer that a state dict was saved from, in float32.

        Args:
            state_dict: a `weight` (n·D, E + V) and a `bias`, whatever stands before these names. Of a flat bias (n·D,), as a
                plain linear layer has it, n is 1 where it is as long as one token of SD1.5 (768) or SDXL (2048), else 8.
            face: V, width of the face vector, which the weight alone does not tell.

        Raises:
            UnknownCheckpointError: if keys or shapes are not those of such a layer.
        """
        named = {key.rpartition(".")[2]: tensor for key, tensor in state_dict.items()}
        parents = {key.rpartition(".")[0] for key in state_dict}
        if len(state_dict) != 2 or named.keys() != {"weight", "bias"} or len(parents) != 1:
            raise UnknownCheckpointError(
                f"{_NAME} has a weight and a bias, and here is something else ({summarise(state_dict)}); choose a file that "
                "was trained as FaceStudio."
            )
        weight, bias = named["weight"], named["bias"]
        if bias.ndim == 1:
            bias = bias.reshape(_count_tokens(len(bias)), -1)
        if weight.ndim != 2 or bias.ndim != 2 or weight.shape[0] != bias.numel() or weight.shape[1] <= face:
            raise UnknownCheckpointError(
                f"{_NAME} should have a weight (n·D, E + {face}) and a bias (n, D), and has {tuple(weight.shape)} and "
                f"{tuple(named['bias'].shape)}; download the file again or choose another one."
            )
        with torch.device("meta"):
            module = cls(weight.shape[1] - face, *bias.shape, face=face)
        return load_strictly(module, {"weight": weight, "bias": bias}, _NAME)

    @property
    def num_tokens(self) -> int:
        """The number of tokens, n."""
        return self.bias.shape[0]

    @property
    def width(self) -> int:
        """D, width of the tokens."""
        return self.bias.shape[1]

    @property
    def style_width(self) -> int:
        """E, width of the style embedding: 768 for ViT-L/14, 1792 for the paper's three encoders."""
        return self.weight.shape[1] - self.face_width

    def forward(self, style: Tensor, face: Tensor) -> Tensor:
        """Context tokens of styles and faces.

        Args:
            style: projected CLIP picture embeddings, of a picture, of a text by the prior, or blended, not normalised, (B, E);
                zeros without one.
            face: the recogniser's vectors of length 1, (B, V); zeros for nobody.

        Returns:
            (B, n, D).

        Raises:
            ShapeError: if an input has another shape.
        """
        require_shape("style", style, ("B", self.style_width))
        require_shape("face", face, (len(style), self.face_width))
        joined = linear(torch.cat([style, face], dim=-1), self.weight, self.bias.flatten())
        return joined.unflatten(-1, tuple(self.bias.shape))

    def null(self) -> Tensor:
        """The negative side's tokens, (1, n, D): those of neither style nor face."""
        return self.bias[None]


def blend(image: Tensor, text: Tensor, alpha: float) -> Tensor:
    """A style between that of a picture and that of a text: α·e_h + (1 − α)·e_T.

    Args:
        image: picture embeddings, (B, E).
        text: embeddings that the prior gave for texts, of the same space, (B, E).
        alpha: 0 is the text alone, 1 the picture alone.

    Returns:
        (B, E).

    Raises:
        ShapeError: if they have other shapes, or are not of one space.
        InvalidSettingError: if alpha is out of its range.
    """
    require_range("alpha", alpha, 1)
    require_shape("image", image, ("B", "E"))
    require_shape("text", text, ("B", "E"))
    if image.shape[-1] != text.shape[-1]:
        picture, words = (
            f"{width} wide ({SPACES.get(width, 'unknown')})" for width in (image.shape[-1], text.shape[-1])
        )
        raise ShapeError(
            f"The picture's embedding is {picture} and the text's {words}, which are two spaces that do not mix; take the "
            "encoder and the prior of one of them."
        )
    require_shape("text", text, tuple(image.shape))
    return alpha * image + (1 - alpha) * text


def mix(faces: Tensor, weights: Tensor, *, literal: bool = False) -> Tensor:
    """One face of several: Σ β_k·e_f^k.

    Args:
        faces: the recogniser's vectors of length 1, (K, V), K at least 1; V is 512 but for the miniature.
        weights: β, at least 0 each, (K,).
        literal: the sum as it stands. Else β are divided by their sum and the result has length 1, as a single face has, for two
            faces that have nothing in common would have .71; faces that cancel each other stay zero, which is nobody.

    Returns:
        (V,).

    Raises:
        ShapeError: if shapes do not fit.
        InvalidSettingError: if a weight is negative or not finite, or all are 0 and `literal` is off.
    """
    require_shape("faces", faces, ("K", "V"))
    require_shape("weights", weights, (len(faces),))
    weights = weights.to(faces)
    if not (torch.isfinite(weights) & (weights >= 0)).all():
        raise InvalidSettingError(f"The weights of mixed faces are {weights.tolist()}; choose numbers of at least 0.")
    if literal:
        return weights @ faces
    total = weights.sum()
    if total == 0:
        raise InvalidSettingError(f"The weights of {len(faces)} mixed faces are all 0; give at least one of them more.")
    return normalize(weights / total @ faces, dim=-1)


def _count_tokens(length: int) -> int:
    """How many tokens a flat bias makes: see `HybridLayer.from_state_dict`."""
    if length in CONTEXTS:
        return 1
    if length == 0 or length % TOKENS:
        raise UnknownCheckpointError(
            f"{_NAME} gives {length} values, which {TOKENS} tokens do not divide; load one whose bias is (tokens, width)."
        )
    return TOKENS
