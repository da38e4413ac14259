"""CLIP: how well a picture shows its prompt (CLIP-T), how alike it is to photos (CLIP-I), how much of a
good photo it is (CLIP-IQA), and LAION's aesthetics on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import normalize

from ...models.packages import import_package
from ...models.weights.fingerprint import of_file
from ...models.weights.reading import read_state_dict
from ...models.weights.state_dict import load_strictly
from ..protocol.sections import MetricConfig
from ..protocol.weights import WeightsFile
from .metric import VALUE, MetricKind, Shown
from .whole_photos import LikePhotos

GOOD, BAD = "Good photo.", "Bad photo."  # CLIP-IQA's two texts
SHARPNESS = 100.0  # of its choice between them, the scale that OpenAI's CLIP was trained to
LAYERS = (1024, 128, 64, 16, 1)  # widths of LAION's predictor after each of its linear layers


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig(MetricConfig):
    """Which CLIP looks."""

    weights: Annotated[WeightsFile, "of the whole CLIP model, in open_clip's layout"]
    model: Annotated[str, "open_clip's name of it; OpenAI's weights need one that ends in -quickgelu"] = (
        "ViT-L-14-quickgelu"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AestheticsConfig(ClipConfig):
    """Which predictor stands on which CLIP."""

    predictor: Annotated[WeightsFile, "of LAION's predictor, sac+logos+ava1-l14-linearMSE.pth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class IqaConfig(MetricConfig):
    """Which CLIP judges."""

    weights: Annotated[WeightsFile, "of the whole CLIP model, in open_clip's layout"]
    model: Annotated[str, "open_clip's name of it"] = "RN50-quickgelu"


@dataclass(frozen=True, eq=False, slots=True)
class Clip:
    """A CLIP model of open_clip.

    Attributes:
        network: both towers, frozen.
        tokenise: texts to tokens.
        prepare: a Pillow picture to normalised pixels.
        key: names the weights.
    """

    network: Any
    tokenise: Any
    prepare: Any
    key: str

    @torch.no_grad()
    def of_text(self, text: str) -> Tensor:
        """The direction of a text, (E,)."""
        return normalize(self.network.encode_text(self.tokenise([text]))[0].double(), dim=0)

    @torch.no_grad()
    def of_picture(self, picture: np.ndarray) -> Tensor:
        """The direction of a picture, (E,)."""
        from PIL import Image

        return normalize(self.network.encode_image(self.prepare(Image.fromarray(picture))[None])[0].double(), dim=0)


def load_clip(weights: Path, model: str) -> Clip:
    """Read a CLIP model, in float32.

    Args:
        weights: its file.
        model: open_clip's name of its layout.

    Raises:
        UnknownCheckpointError: if the file is something else.
        MissingPackageError: if open_clip_torch is not there.
    """
    open_clip: Any = import_package("open_clip", "create_model", "get_tokenizer", purpose="Measuring with CLIP")
    network = open_clip.create_model(model, pretrained=None)
    network = (
        load_strictly(network, read_state_dict(weights), f'The file "{weights.name}"').eval().requires_grad_(False)
    )
    prepare = open_clip.image_transform(
        network.visual.image_size, is_train=False, mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD
    )
    return Clip(network, open_clip.get_tokenizer(model), prepare, f"clip {model} {of_file(weights)}")


@dataclass(frozen=True, eq=False, slots=True)
class ClipText:
    """CLIP-T: the cosine of a picture and its prompt; a `Metric`."""

    clip: Clip

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"text {self.clip.key}"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The cosine."""
        return {VALUE: float(self.clip.of_picture(shown.picture) @ self.clip.of_text(shown.prompt))}


@dataclass(frozen=True, eq=False, slots=True)
class ClipIqa:
    """CLIP-IQA: whether a picture is a good photo rather than a bad one, 0–1; a `Metric`.

    The published one takes CLIP's ResNet-50 without its positions, at any size; here the model looks as it was trained to.

    Reference: CLIP-IQA (arXiv:2207.12396), section 3.
    """

    clip: Clip

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"iqa {self.clip.key}"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The probability."""
        texts = torch.stack([self.clip.of_text(text) for text in (GOOD, BAD)])
        return {VALUE: float((SHARPNESS * texts @ self.clip.of_picture(shown.picture)).softmax(0)[0])}


@dataclass(frozen=True, eq=False, slots=True)
class Aesthetics:
    """LAION's improved aesthetic predictor: how people like a picture, about 1 to 10; a `Metric`.

    Attributes:
        clip: ViT-L/14 with OpenAI's weights.
        predictor: from its directions to a number.
        name: names the predictor's weights.
    """

    clip: Clip
    predictor: nn.Module
    name: str

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"aesthetics {self.clip.key} {self.name}"

    @torch.no_grad()
    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The number."""
        return {VALUE: float(self.predictor(self.clip.of_picture(shown.picture).float()[None]))}


class Predictor(nn.Module):
    """LAION's improved aesthetic predictor, V2: five linear layers with nothing between them outside training."""

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (width, *LAYERS)
        linear = [nn.Linear(*pair) for pair in zip(widths, LAYERS, strict=False)]
        dropped = [nn.Identity() for _ in range(3)]  # dropout while it was trained; the file's keys count it
        parts = [part for pair in zip(linear, dropped, strict=False) for part in pair]
        self.layers = nn.Sequential(*parts, *linear[3:])

    def forward(self, directions: Tensor) -> Tensor:
        """Directions (B, E) to numbers (B, 1)."""
        return self.layers(directions)


def load_aesthetics(config: AestheticsConfig) -> Aesthetics:
    """Read CLIP and the predictor.

    Raises:
        UnknownCheckpointError: if a file is something else.
    """
    clip = load_clip(config.weights, config.model)
    predictor = Predictor(clip.network.visual.output_dim)
    weights = read_state_dict(config.predictor)
    predictor = load_strictly(predictor, weights, f'The file "{config.predictor.name}"').eval()
    return Aesthetics(clip, predictor, of_file(config.predictor))


CLIP_TEXT = MetricKind(section=ClipConfig, make=lambda config, _: ClipText(load_clip(config.weights, config.model)))
CLIP_IMAGE = MetricKind(
    section=ClipConfig, make=lambda config, _: LikePhotos(load_clip(config.weights, config.model), "image")
)
IQA = MetricKind(section=IqaConfig, make=lambda config, _: ClipIqa(load_clip(config.weights, config.model)))
AESTHETICS = MetricKind(section=AestheticsConfig, make=lambda config, _: load_aesthetics(config))
