"""The face backbone: an improved residual network, tapped after each of its stages (CurricularFace IR-101)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from ..errors import require_shape
from ..weights.numbering import layer_count
from ..weights.state_dict import KeyReport, load_strictly, require_keys

FACE_SIZE = 112  # pixels; what recognition networks of the ArcFace family are trained on
_NAME = "The face backbone"


class _Block(nn.Module):
    """Two convolutions between batch norms plus a shortcut; the stride sits on the second convolution."""

    def __init__(self, channels_in: int, channels: int, stride: int):
        super().__init__()
        self.res_layer = nn.Sequential(
            nn.BatchNorm2d(channels_in),
            nn.Conv2d(channels_in, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.PReLU(channels),
            nn.Conv2d(channels, channels, 3, stride=stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        if channels_in == channels:
            self.shortcut_layer = nn.MaxPool2d(1, stride)  # plain sub-sampling
        else:
            self.shortcut_layer = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride=stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels_in, h, w) to (B, channels, h/stride, w/stride)."""
        return self.res_layer(x) + self.shortcut_layer(x)


class IResNet(nn.Module):
    """Residual face network, published key names; only the stages' outputs are used.

    Args:
        stem: channels after the first convolution.
        stages: (channels, blocks) of every stage; each halves the picture.
    """

    def __init__(self, stem: int, stages: Sequence[tuple[int, int]]):
        super().__init__()
        self.input_layer = nn.Sequential(
            nn.Conv2d(3, stem, 3, padding=1, bias=False), nn.BatchNorm2d(stem), nn.PReLU(stem)
        )
        blocks: list[_Block] = []
        taps: list[int] = []
        channels_in = stem
        for channels, count in stages:
            for place in range(count):
                blocks.append(_Block(channels_in, channels, stride=2 if place == 0 else 1))
                channels_in = channels
            taps.append(len(blocks) - 1)
        self.body = nn.ModuleList(blocks)
        self.taps = tuple(taps)
        self.tap_channels = tuple(channels for channels, _ in stages)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor]) -> IResNet:
        """Build the network that a state dict was saved from; `output_layer.*` is ignored.

        Raises:
            UnknownCheckpointError: if the keys are not those of such a network.
        """
        weights = {key: tensor for key, tensor in state_dict.items() if not key.startswith("output_layer.")}
        require_keys(weights, {"input_layer.0.weight": 4, "body.0.res_layer.1.weight": 4}, _NAME)
        with torch.device("meta"):
            network = cls(weights["input_layer.0.weight"].shape[0], _stages(weights))
        return load_strictly(network, weights, _NAME)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """The outputs of the last block of every stage, shallow to deep.

        Args:
            images: RGB in [-1, 1], (B, 3, 112, 112).

        Returns:
            For the published network (B, 64, 56, 56), (B, 128, 28, 28), (B, 256, 14, 14) and (B, 512, 7, 7).

        Raises:
            ShapeError: if the pictures have another size.
        """
        require_shape("images", images, ("B", 3, FACE_SIZE, FACE_SIZE))
        x = self.input_layer(images)
        maps: list[Tensor] = []
        for index, block in enumerate(self.body):
            x = block(x)
            if index in self.taps:
                maps.append(x)
        return tuple(maps)


def _stages(weights: Mapping[str, Tensor]) -> list[tuple[int, int]]:
    """(channels, blocks) of every stage; a stage starts where the number of channels changes."""
    depth = layer_count(weights, "body.", _NAME)
    keys = [f"body.{index}.res_layer.1.weight" for index in range(depth)]
    KeyReport(_NAME, missing=[key for key in keys if key not in weights]).raise_if_faulty()
    widths = [weights[key].shape[0] for key in keys]
    starts = [0, *(index + 1 for index, (a, b) in enumerate(pairwise(widths)) if a != b), depth]
    return [(widths[start], end - start) for start, end in pairwise(starts)]
