"""Likeness of faces: FaceSim, also called SIM, and how much people of one picture blend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from ...models.config.keys import Default
from ...models.errors import NoFaceFoundError
from ...models.face.analysis import LARGEST, find_faces, sort_faces
from ...models.port.encoders import FaceDetector, FaceRecogniser
from ...models.similarity import blending
from ...models.similarity.matching import assign
from ..protocol.sections import MetricConfig
from ..protocol.weights import WeightsFile
from .metric import VALUE, MetricKind, Shown
from .networks import Networks
from .remembered import Remembered

NEVER = -1.0  # every cosine reaches it


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceConfig(MetricConfig):
    """Who looks at faces."""

    recogniser: Annotated[str, "tells people apart"]
    weights: Annotated[WeightsFile | None, "of the recogniser", Default("those it brings")] = None
    detector: Annotated[str, "finds faces"]
    detector_weights: Annotated[WeightsFile | None, "of the detector", Default("those it brings")] = None
    faces: Annotated[
        Literal["surest", "all"],
        "surest looks at as many faces as there are people, those that the detector is surest of",
    ] = "surest"


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceSimilarityConfig(FaceConfig):
    """How the cosines of a picture become one number; the defaults are FastComposer's, which UniPortrait follows."""

    of_people: Annotated[Literal["minimum", "mean"], "what several people of a picture come to"] = "minimum"
    nobody: Annotated[Literal["zero", "leave out"], "what a person without a face counts"] = "zero"
    negative: Annotated[Literal["zero", "keep"], "what a cosine below zero counts"] = "zero"


@dataclass(frozen=True, eq=False, slots=True)
class FaceReader:
    """Faces of pictures as vectors.

    Attributes:
        detector: finds them.
        recogniser: describes them.
        limits_faces: whether a picture's surest faces alone count.
    """

    detector: FaceDetector
    recogniser: FaceRecogniser
    limits_faces: bool
    _photos: Remembered = field(default_factory=Remembered)

    @property
    def key(self) -> str:
        """Names both networks."""
        return f"{self.detector.key} {self.recogniser.key} {self.limits_faces}"

    def of_picture(self, shown: Shown) -> Tensor:
        """Vectors of the faces of a picture, the surest first, (F, W)."""
        [faces] = find_faces([shown.picture], self.detector)
        faces = faces[: len(shown.photos)] if self.limits_faces else faces
        if not faces:
            return torch.zeros(0, self.recogniser.width)
        return self.recogniser.vectors(faces, [shown.picture] * len(faces))

    def of_photo(self, photo: np.ndarray) -> Tensor:
        """The vector of a photo's largest face, (W,).

        Raises:
            NoFaceFoundError: if it shows none.
        """
        return self._photos.get(photo, self._look)

    def _look(self, photo: np.ndarray) -> Tensor:
        [faces] = find_faces([photo], self.detector)
        if not faces:
            raise NoFaceFoundError(
                f"No face was found in a person's photo ({photo.shape[1]}×{photo.shape[0]} pixels); take it out of the folder of "
                "people, or choose another detector."
            )
        return self.recogniser.vectors(sort_faces(faces, LARGEST)[:1], [photo])[0]


@dataclass(frozen=True, eq=False, slots=True)
class FaceSimilarity:
    """Cosine of a recogniser's vectors, mean over a person's photos; a `Metric`.

    Attributes:
        reader: looks at faces.
        config: settings.
    """

    reader: FaceReader
    config: FaceSimilarityConfig

    @property
    def key(self) -> str:
        """Names networks and settings."""
        return f"face similarity {self.reader.key} {self.config.of_people} {self.config.nobody} {self.config.negative}"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The likeness, who is missing and how many faces belong to nobody.

        Raises:
            NoFaceFoundError: if a photo shows no face.
        """
        vectors = self.reader.of_picture(shown)
        similarity = similarities(vectors, [[self.reader.of_photo(photo) for photo in some] for some in shown.photos])
        places = assign(similarity, NEVER)
        cosines = [float(similarity[place, person]) for person, place in enumerate(places.tolist()) if place >= 0]
        missing = len(places) - len(cosines)
        counted = [max(cosine, 0.0) if self.config.negative == "zero" else cosine for cosine in cosines]
        counted += [0.0] * missing if self.config.nobody == "zero" else []
        join = min if self.config.of_people == "minimum" else _mean
        return {
            VALUE: join(counted) if counted else float("nan"),
            "missing people": float(missing),
            "other faces": float(len(vectors) - len(cosines)),
        }


@dataclass(frozen=True, eq=False, slots=True)
class Blending:
    """How alike the people of one picture are, see `models.similarity.blending`; a `Metric`.

    Attributes:
        reader: looks at faces.
    """

    reader: FaceReader

    @property
    def key(self) -> str:
        """Names the networks."""
        return f"blending {self.reader.key}"

    def measure(self, shown: Shown) -> Mapping[str, float]:
        """The mean cosine of a picture's faces; NaN where fewer than two are seen."""
        score = blending.score(self.reader.of_picture(shown))
        return {VALUE: float("nan") if score is None else score}


def similarities(vectors: Tensor, photos: list[list[Tensor]]) -> Tensor:
    """The mean cosine of every face with a person's photos.

    Args:
        vectors: of faces, (F, W).
        photos: vectors of everybody's photos, (W,) each.

    Returns:
        (F, P) float64.
    """
    faces = normalize(vectors.double(), dim=1)
    people = [normalize(torch.stack(some).double(), dim=1) for some in photos]
    return torch.stack([(faces @ some.T).mean(1) for some in people], 1)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


def _reader(config: FaceConfig, networks: Networks) -> FaceReader:
    return FaceReader(
        detector=networks.detectors[config.detector].load(config.detector_weights),
        recogniser=networks.recognisers[config.recogniser].load(config.weights),
        limits_faces=config.faces == "surest",
    )


FACE_SIMILARITY = MetricKind(
    section=FaceSimilarityConfig,
    make=lambda config, networks: FaceSimilarity(_reader(config, networks), config),
    by_recogniser=True,
)
BLENDING = MetricKind(
    section=FaceConfig,
    make=lambda config, networks: Blending(_reader(config, networks)),
    better="lower",
    by_recogniser=True,
)
