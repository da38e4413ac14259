"""Metrics of other people's packages: FID and BLIP. Their weights are files here; nothing is fetched."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from ...models.errors import CorruptModelFileError, InvalidSettingError, first_line
from ...models.packages import import_package
from ...models.weights.fingerprint import of_file
from ..protocol.sections import MetricConfig
from ..protocol.weights import WeightsFile, WeightsFolder
from .metric import VALUE, MetricKind, Shown

FEATURES = 2048  # of the layer that FID is measured in


@dataclass(frozen=True, slots=True, kw_only=True)
class FidConfig(MetricConfig):
    """Which Inception network looks."""

    weights: Annotated[WeightsFile, "of torch-fidelity's Inception, pt_inception-2015-12-05-6726825d.pth"]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderConfig(MetricConfig):
    """A model in transformers' layout."""

    weights: Annotated[WeightsFolder, "a folder as transformers saves a model, with its processor"]


@dataclass(frozen=True, eq=False, slots=True)
class Fid:
    """Fréchet inception distance of a run's pictures and all photos; a `SetMetric`.

    Attributes:
        new: makes torchmetrics' metric.
        name: names the weights.
    """

    new: Any
    name: str

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"fid {self.name}"

    def measure_all(self, pictures: Iterable[np.ndarray], photos: Iterable[np.ndarray]) -> Mapping[str, float]:
        """The distance, and of how many pictures and photos it is: small sets are comparable only with equal ones.

        Raises:
            InvalidSettingError: if there are fewer than two of either.
        """
        metric, counts = self.new(), list[int]()
        for some, real in ((photos, True), (pictures, False)):
            counts.append(0)
            for picture in some:
                metric.update(_pixels(picture), real=real)
                counts[-1] += 1
        if min(counts) < 2:
            raise InvalidSettingError(
                f"FID compares sets, but there are {counts[1]} pictures and {counts[0]} photos; have at least two of each, or "
                "leave fid out."
            )
        return {VALUE: float(metric.compute()), "pictures": float(counts[1]), "photos": float(counts[0])}


@dataclass(frozen=True, eq=False, slots=True)
class Blip:
    """The cosine of a picture and its prompt in BLIP's contrastive space; a `Metric`.

    Attributes:
        network: transformers' BlipForImageTextRetrieval.
        processor: its.
        name: names the weights.
    """

    network: Any
    processor: Any
    name: str

    @property
    def key(self) -> str:
        """Names the weights."""
        return f"blip {self.name}"

    @torch.no_grad()
    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The cosine."""
        from PIL import Image

        told = self.processor(images=Image.fromarray(shown.picture), text=shown.prompt, return_tensors="pt")
        return {VALUE: float(self.network(**told, use_itm_head=False)[0].reshape(()))}


def load_fid(config: FidConfig) -> Fid:
    """Read Inception's weights.

    Raises:
        MissingPackageError: if torchmetrics or torch-fidelity is not there.
    """
    import_package("torch_fidelity", "FeatureExtractorInceptionV3", purpose="FID")
    found: Any = import_package("torchmetrics.image.fid", "FrechetInceptionDistance", purpose="FID")

    def new() -> Any:
        with _readable(config.weights):
            return found.FrechetInceptionDistance(FEATURES, feature_extractor_weights_path=str(config.weights))

    return Fid(new, of_file(config.weights))


def load_blip(config: FolderConfig) -> Blip:
    """Read BLIP.

    Raises:
        MissingPackageError: if transformers is not there.
        CorruptModelFileError: if the folder holds no BLIP model for retrieval.
    """
    names = ("BlipForImageTextRetrieval", "BlipProcessor")
    transformers: Any = import_package("transformers", *names, purpose="The BLIP score")
    with _readable(config.weights):
        network = transformers.BlipForImageTextRetrieval.from_pretrained(config.weights, local_files_only=True)
        processor = transformers.BlipProcessor.from_pretrained(config.weights, local_files_only=True)
    return Blip(network.eval(), processor, _of_folder(config.weights))


def _pixels(picture: np.ndarray) -> Tensor:
    """A picture as these packages take it, (1, 3, H, W) uint8."""
    return torch.from_numpy(np.ascontiguousarray(picture.transpose(2, 0, 1)))[None]


def _of_folder(folder: Path) -> str:
    """A hash of all files of a folder."""
    digest = hashlib.sha256()
    for path in sorted(entry for entry in folder.iterdir() if entry.is_file()):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


@contextmanager
def _readable(path: Path) -> Generator[None]:
    """Whatever a package raises over its weights is one sentence."""
    try:
        yield
    except Exception as error:
        raise CorruptModelFileError(
            f'"{path.name}" in {path.parent} cannot be read as the weights that are asked for ({first_line(error)}); put the right ones there.'
        ) from error


FID = MetricKind(section=FidConfig, make=lambda config, _: load_fid(config), better="lower", is_of_set=True)
BLIP = MetricKind(section=FolderConfig, make=lambda config, _: load_blip(config))
