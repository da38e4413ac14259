"""DINO's image encoder: one vector per picture, for comparing pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..images.resampling import require_rgb, resize
from ..packages import import_package
from ..weights import signatures
from ..weights.numbering import layer_count
from ..weights.reading import Source, read_weights
from ..weights.state_dict import load_strictly, require_keys

IMAGE_MEAN = (0.485, 0.456, 0.406)  # ImageNet, RGB
IMAGE_STD = (0.229, 0.224, 0.225)
PUBLISHED_HEAD = 64  # head width of every published DINO; the one size that no tensor shape tells


class DINO(nn.Module):
    """A vision transformer whose class token describes the picture.

    Attributes:
        network: timm's VisionTransformer.
        image_size: side of the square it sees, pixels.

    Reference: DINO (arXiv:2104.14294); ViT-S/16 is dino_deitsmall16_pretrain.pth.
    """

    def __init__(self, *, dim: int, depth: int, heads: int, patch: int, image_size: int) -> None:
        super().__init__()
        found: Any = import_package("timm.models.vision_transformer", "VisionTransformer", purpose="DINO")
        self.network = found.VisionTransformer(
            img_size=image_size,
            patch_size=patch,
            embed_dim=dim,
            depth=depth,
            num_heads=heads,
            num_classes=0,
            weight_init="skip",
        )
        self.image_size = image_size

    @classmethod
    def from_state_dict(
        cls, state_dict: Mapping[str, Tensor], name: str = "The DINO file", *, dim_head: int = PUBLISHED_HEAD
    ) -> DINO:
        """Build the network with published weights; all sizes but the head width are read from them.

        Args:
            state_dict: the tensors under the published names.
            name: what a message calls the file.
            dim_head: width of an attention head.

        Raises:
            UnknownCheckpointError: naming all keys that do not fit.
            MissingPackageError: if timm is not there.
        """
        require_keys(state_dict, {"patch_embed.proj.weight": 4, "pos_embed": 3, "cls_token": 3}, name)
        dim, _, _, patch = state_dict["patch_embed.proj.weight"].shape
        side = round((state_dict["pos_embed"].shape[1] - 1) ** 0.5)
        with torch.device("meta"):
            encoder = cls(
                dim=dim,
                depth=layer_count(state_dict, "blocks.", name),
                heads=max(1, dim // dim_head),
                patch=patch,
                image_size=patch * side,
            )
        load_strictly(encoder.network, state_dict, name)
        return encoder.eval()

    def embed(self, images: Sequence[np.ndarray]) -> Tensor:
        """The class token of every picture, after the last norm.

        Args:
            images: (H, W, 3) uint8 RGB each, of any size; stretched to a square.

        Returns:
            (B, D) float32 on the CPU.

        Raises:
            BadImageError: if a picture has another shape or is not 8-bit.
        """
        parameter = next(self.parameters())
        pixels = torch.stack([self._pixels(image) for image in images]).to(parameter)
        return self.network.forward_features(pixels)[:, 0].to("cpu", torch.float32)

    def _pixels(self, image: np.ndarray) -> Tensor:
        require_rgb(image)
        square = resize(image, (self.image_size, self.image_size), "bicubic")
        mean, std = (torch.tensor(values).view(3, 1, 1) for values in (IMAGE_MEAN, IMAGE_STD))
        return (torch.from_numpy(square).permute(2, 0, 1).float() / 255 - mean) / std


def load(source: Source) -> DINO:
    """Read DINO from its file or state dict, in float32.

    Raises:
        UnknownCheckpointError: if it is something else.
        MissingPackageError: if timm is not there.
    """
    weights, name = read_weights(source, signatures.DINO)
    return DINO.from_state_dict(weights, name)
