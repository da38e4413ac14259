"""The image encoder of the pivot: OpenCLIP's vision tower, which sees a face crop and gives one vector.

OmniPortrait, section 3.2: OpenCLIP ViT-L/14. Weights of one shape were trained with different activations and normalisations
(LAION's with the exact GELU and 0.5, OpenAI's with the quick one and means of their own), and no tensor tells which.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypedDict, get_args

from torch import Tensor, nn
from torch.nn.functional import interpolate

from ..errors import InvalidSettingError, require_shape
from ..packages import import_package

Activation = Literal["gelu", "quick_gelu"]
Colours = tuple[float, float, float]
UNTOLD = ("activation", "mean", "std")  # fields that no tensor's shape shows
SIZES = ("layers", "width", "patch_size", "image_size")
# Several times those of any published tower: 48 layers, 1664 wide, 448 pixels.
LARGEST = {"layers": 256, "width": 8192, "patch_size": 256, "image_size": 4096, "head_width": 8192, "embed_dim": 8192}
HEAD_WIDTH, MLP_RATIO = 64, 4.0  # open_clip's own defaults


class Geometry(TypedDict):
    """The sizes of a tower, as `ImageEncoderConfig` takes them."""

    vision: Mapping[str, float]
    embed_dim: int


VIT_L_14: Geometry = {
    "vision": {"layers": 24, "width": 1024, "patch_size": 14, "image_size": 224, "head_width": 64},
    "embed_dim": 768,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageEncoderConfig:
    """What an image encoder is built from, and how its pictures are prepared.

    Attributes:
        vision: open_clip's vision_cfg: "layers", "width", "patch_size" and "image_size" (pixels), and where they are not 64
            and 4 "head_width" and "mlp_ratio".
        embed_dim: E, width of the projected embedding.
        activation: "gelu" is the exact one.
        mean, std: of red, green and blue, for values 0-1.

    Raises:
        InvalidSettingError: if a value is of another kind or out of range, or `vision` names something else.
    """

    vision: Mapping[str, float]
    embed_dim: int
    activation: Activation
    mean: Colours
    std: Colours

    def __post_init__(self) -> None:
        missing = [name for name in SIZES if name not in self.vision]
        unknown = [name for name in self.vision if name not in (*SIZES, "head_width", "mlp_ratio")]
        if missing or unknown:
            raise InvalidSettingError(
                f"The vision config lacks {', '.join(missing) or 'nothing'} and has {', '.join(unknown) or 'nothing'} "
                f"too many; give {', '.join(SIZES)}, and head_width and mlp_ratio where they differ from open_clip's."
            )
        whole = {name: value for name, value in self.vision.items() if name != "mlp_ratio"}
        for name, size in {**whole, "embed_dim": self.embed_dim}.items():
            _require(name, size, type(size) is int and size > 0, "a whole number above 0")
            _require(name, size, size <= LARGEST[name], f"at most {LARGEST[name]}")
        patch = self.vision["patch_size"]
        _require("patch_size", patch, patch <= self.image_size, f"at most the picture's {self.image_size}")
        ratio = _is_number(self.mlp_ratio) and 0 < self.mlp_ratio <= 16
        _require("mlp_ratio", self.mlp_ratio, ratio, "a number above 0, at most 16")
        fits = self.width % self.head_width == 0
        _require("head_width", self.head_width, fits, f"one that divides the width of {self.width}")
        _require(
            "activation", self.activation, self.activation in get_args(Activation), " or ".join(get_args(Activation))
        )
        for name, colours in (("mean", self.mean), ("std", self.std)):
            _require(name, colours, len(colours) == 3 and all(map(_is_number, colours)), "three numbers")
        _require("std", self.std, min(self.std) > 0, "numbers above 0")

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> ImageEncoderConfig:
        """The value that `details` was made from.

        Raises:
            InvalidSettingError: naming the fields that are missing or unknown, or see the class.
        """
        names = tuple(cls.__dataclass_fields__)
        missing = [name for name in names if name not in details]
        unknown = [name for name in details if name not in names]
        if missing or unknown:
            wrong = [f"lacks {', '.join(missing)}"] * bool(missing) + [f"also has {', '.join(unknown)}"] * bool(unknown)
            raise InvalidSettingError(
                f"The description of the image encoder {' and '.join(wrong)}; give {', '.join(names)}."
            )
        for name in ("mean", "std"):
            _require(name, details[name], isinstance(details[name], list | tuple), "three numbers")
        _require("vision", details["vision"], isinstance(details["vision"], Mapping), "names with numbers")
        fields: dict[str, Any] = {**details, "mean": tuple(details["mean"]), "std": tuple(details["std"])}
        return cls(**fields)

    def details(self) -> dict[str, Any]:
        """The same as plain values, for a file's metadata."""
        return asdict(self)

    @property
    def width(self) -> int:
        """Of the tower's tokens."""
        return int(self.vision["width"])

    @property
    def image_size(self) -> int:
        """Side of the square that the tower sees, pixels."""
        return int(self.vision["image_size"])

    @property
    def head_width(self) -> int:
        """Of one attention head."""
        return int(self.vision.get("head_width", HEAD_WIDTH))

    @property
    def mlp_ratio(self) -> float:
        """How much wider than the tokens the feed-forward layers are."""
        return self.vision.get("mlp_ratio", MLP_RATIO)


class PivotImageEncoder(nn.Module):
    """OpenCLIP's vision tower with the preparation of its pictures; random weights until some are loaded.

    The tower is `visual`, so the keys are `visual.` and open_clip's names.

    Args:
        config: what to build.

    Raises:
        MissingPackageError: if open_clip_torch is not there.
    """

    def __init__(self, config: ImageEncoderConfig):
        super().__init__()
        self.config = config
        self.visual = _tower(config)

    def forward(self, crops: Tensor) -> Tensor:
        """Face crops to embeddings.

        Args:
            crops: squares, (N, 3, H, W), 0-1, on the encoder's device.

        Returns:
            (N, E) in the encoder's type: projected, not normalised [choice].

        Raises:
            ShapeError: if the crops have other axes.
        """
        require_shape("crops", crops, ("N", 3, "H", "W"))
        return self.visual(prepare(crops, self.config).to(next(self.parameters()).dtype))


def prepare(crops: Tensor, config: ImageEncoderConfig) -> Tensor:
    """What an image encoder's tower sees of crops: resized (bicubic, averaging where it shrinks) and normalised.

    Args:
        crops: squares, (N, 3, H, W), 0–1.
        config: of the encoder.

    Returns:
        (N, 3, S, S) float32.
    """
    pixels, side = crops.float(), config.image_size
    if pixels.shape[-2:] != (side, side):
        pixels = interpolate(pixels, (side, side), mode="bicubic", antialias=True).clamp(0, 1)
    mean, std = (pixels.new_tensor(colours).view(3, 1, 1) for colours in (config.mean, config.std))
    return (pixels - mean) / std


def _tower(config: ImageEncoderConfig) -> nn.Module:
    names = ("QuickGELU", "VisionTransformer")
    transformer: Any = import_package("open_clip.transformer", *names, purpose="The pivot's image encoder")
    return transformer.VisionTransformer(
        image_size=config.image_size,
        patch_size=int(config.vision["patch_size"]),
        width=config.width,
        layers=int(config.vision["layers"]),
        heads=config.width // config.head_width,
        mlp_ratio=config.mlp_ratio,
        output_dim=config.embed_dim,
        act_layer=transformer.QuickGELU if config.activation == "quick_gelu" else nn.GELU,
    )


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _require(name: str, value: object, fits: bool, wanted: str) -> None:
    if not fits:
        raise InvalidSettingError(f"{name} of the image encoder is {value!r}; give {wanted}.")
