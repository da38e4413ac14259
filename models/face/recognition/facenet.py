"""FaceNet: an Inception-ResNet v1 in facenet-pytorch's layout, which the papers' FaceSim and SIM are measured with.

Reference: FaceNet (arXiv:1503.03832), Inception-ResNet (arXiv:1602.07261).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from ...images.resampling import resize
from ...weights.state_dict import load_strictly, require_keys
from ..types import Face
from .same_person import SamePerson

SIZE = 160  # pixels
EPSILON = 1e-3  # of batch norms, TensorFlow's
PUBLISHED = SamePerson("cosine", 0.45, "FaceNet's paper, figure 1: squared distance 1.1")  # 1 - 1.1 / 2
CLASSES = "logits."  # of the people that it was trained on; not needed


class _Conv(nn.Module):
    """A convolution, a batch norm and ReLU."""

    def __init__(
        self,
        inputs: int,
        outputs: int,
        kernel: int | tuple[int, int],
        stride: int = 1,
        padding: int | tuple[int, int] = 0,
    ):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, bias=False)
        self.bn = nn.BatchNorm2d(outputs, eps=EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv(x)).relu()


class _Branches(nn.Module):
    """Branches side by side, `branch0`, `branch1` …, their channels joined.

    Args:
        branches: convolutions of each; a single one has no number of its own in the published keys.
        is_pooled: whether a maximum over 3×3 pixels of the input joins them.
    """

    def __init__(self, branches: Sequence[Sequence[_Conv]], *, is_pooled: bool = False):
        super().__init__()
        self.count, self.is_pooled = len(branches), is_pooled
        for number, convolutions in enumerate(branches):
            branch = convolutions[0] if len(convolutions) == 1 else nn.Sequential(*convolutions)
            self.add_module(f"branch{number}", branch)

    def forward(self, x: Tensor) -> Tensor:
        found = [self.get_submodule(f"branch{number}")(x) for number in range(self.count)]
        return torch.cat([*found, max_pool2d(x, 3, 2)] if self.is_pooled else found, 1)


class _Residual(_Branches):
    """Branches whose projection is added to the input, made smaller."""

    def __init__(
        self, branches: Sequence[Sequence[_Conv]], widths: tuple[int, int], scale: float, *, is_linear: bool = False
    ):
        super().__init__(branches)
        self.scale, self.is_linear = scale, is_linear
        self.conv2d = nn.Conv2d(*widths, 1)

    def forward(self, x: Tensor) -> Tensor:
        added = self.conv2d(super().forward(x)) * self.scale + x
        return added if self.is_linear else added.relu()


def _fine() -> _Residual:
    branches = [
        [_Conv(256, 32, 1)],
        [_Conv(256, 32, 1), _Conv(32, 32, 3, padding=1)],
        [_Conv(256, 32, 1), _Conv(32, 32, 3, padding=1), _Conv(32, 32, 3, padding=1)],
    ]
    return _Residual(branches, (96, 256), 0.17)


def _crossed(channels: int, inner: int, reach: int, scale: float, *, is_linear: bool = False) -> _Residual:
    """A block that looks along rows and then along columns, 2·reach + 1 pixels each."""
    wide = 2 * reach + 1
    across, down = (1, wide), (wide, 1)
    long = [
        _Conv(channels, inner, 1),
        _Conv(inner, inner, across, 1, (0, reach)),
        _Conv(inner, inner, down, 1, (reach, 0)),
    ]
    return _Residual([[_Conv(channels, inner, 1)], long], (2 * inner, channels), scale, is_linear=is_linear)


class FaceNet(nn.Module):
    """The network; one size is published."""

    width = 512

    def __init__(self) -> None:
        super().__init__()
        self.conv2d_1a = _Conv(3, 32, 3, 2)
        self.conv2d_2a = _Conv(32, 32, 3)
        self.conv2d_2b = _Conv(32, 64, 3, padding=1)
        self.conv2d_3b = _Conv(64, 80, 1)
        self.conv2d_4a = _Conv(80, 192, 3)
        self.conv2d_4b = _Conv(192, 256, 3, 2)
        self.repeat_1 = nn.Sequential(*(_fine() for _ in range(5)))
        half = [[_Conv(256, 384, 3, 2)], [_Conv(256, 192, 1), _Conv(192, 192, 3, padding=1), _Conv(192, 256, 3, 2)]]
        self.mixed_6a = _Branches(half, is_pooled=True)
        self.repeat_2 = nn.Sequential(*(_crossed(896, 128, 3, 0.1) for _ in range(10)))
        quarter = [
            [_Conv(896, 256, 1), _Conv(256, 384, 3, 2)],
            [_Conv(896, 256, 1), _Conv(256, 256, 3, 2)],
            [_Conv(896, 256, 1), _Conv(256, 256, 3, padding=1), _Conv(256, 256, 3, 2)],
        ]
        self.mixed_7a = _Branches(quarter, is_pooled=True)
        self.repeat_3 = nn.Sequential(*(_crossed(1792, 192, 1, 0.2) for _ in range(5)))
        self.block8 = _crossed(1792, 192, 1, 1.0, is_linear=True)
        self.last_linear = nn.Linear(1792, self.width, bias=False)
        self.last_bn = nn.BatchNorm1d(self.width, eps=EPSILON)

    @classmethod
    def from_state_dict(cls, state_dict: Mapping[str, Tensor], name: str = "The FaceNet file") -> FaceNet:
        """Build the network with published weights; the classes of its training are left out.

        Raises:
            UnknownCheckpointError: naming all keys that do not fit.
        """
        require_keys(state_dict, {"conv2d_1a.conv.weight": 4, "last_linear.weight": 2}, name)
        with torch.device("meta"):
            network = cls()
        weights = {key: tensor for key, tensor in state_dict.items() if not key.startswith(CLASSES)}
        return load_strictly(network, weights, name)

    def forward(self, images: Tensor) -> Tensor:
        """The vectors of faces, not normalised.

        Args:
            images: RGB, (x - 127.5) / 128, (B, 3, 160, 160).

        Returns:
            (B, 512).
        """
        x = self.conv2d_2b(self.conv2d_2a(self.conv2d_1a(images)))
        x = self.conv2d_4b(self.conv2d_4a(self.conv2d_3b(max_pool2d(x, 3, 2))))
        x = self.repeat_2(self.mixed_6a(self.repeat_1(x)))
        x = self.block8(self.repeat_3(self.mixed_7a(x)))
        return self.last_bn(self.last_linear(x.mean((2, 3))))

    @staticmethod
    def pixels(faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """What it is given: the box of each face, not turned, without a margin, (R, 3, 160, 160)."""
        crops = [_boxed(face, picture) for face, picture in zip(faces, pictures, strict=True)]
        return (torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2).float() - 127.5) / 128


def _boxed(face: Face, picture: np.ndarray) -> np.ndarray:
    """The face's box, stretched to the square."""
    height, width = picture.shape[:2]
    left, top = (int(edge) for edge in np.floor(face.box[:2]).clip(0))
    right, bottom = max(left + 1, min(int(face.box[2]), width)), max(top + 1, min(int(face.box[3]), height))
    left, top = min(left, width - 1), min(top, height - 1)
    return resize(np.ascontiguousarray(picture[top:bottom, left:right]), (SIZE, SIZE), "bilinear")
