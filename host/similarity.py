"""FGIS in ComfyUI: DINO under memory management, and comparing batches of pictures."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from statistics import fmean

import numpy as np
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.utils import ProgressBar
from torch import Tensor

from ..models.errors import NoFaceFoundError
from ..models.face.region_masks import filled_masks
from ..models.face.squares import scaled_box
from ..models.face.types import Face
from ..models.images.layout import arrays_from_images
from ..models.people.person import Person
from ..models.similarity.dino import DINO, load
from ..models.similarity.dino_scores import MARGIN, PARSED, DinoScorer
from ..models.similarity.fgis import FineGrainedSimilarity, ParsedPhoto, fgis
from .encoders.parser import LoadedFaceParser
from .memory import loaded, manage


@dataclass(frozen=True, eq=False)
class LoadedDINO:
    """What the loader node hands on.

    Attributes:
        encoder: the network, float32.
        patcher: loads and offloads it.
    """

    encoder: DINO
    patcher: ModelPatcher


@dataclass(frozen=True, eq=False, slots=True)
class Comparisons:
    """Several pictures compared with their references.

    Attributes:
        pairs: places in both batches, (reference, image), from 0.
        results: of every pair.
    """

    pairs: tuple[tuple[int, int], ...]
    results: tuple[FineGrainedSimilarity, ...]

    @property
    def score(self) -> float:
        """Mean over the pairs, -1 to 1."""
        return fmean(result.score for result in self.results)

    @property
    def report(self) -> str:
        """JSON: the score, and for every pair its score, its regions and what could not be compared."""
        images = [
            {
                "reference": reference + 1,
                "image": image + 1,
                "score": result.score,
                "regions": result.per_region,
                "missing": result.missing,
            }
            for (reference, image), result in zip(self.pairs, self.results, strict=True)
        ]
        return json.dumps({"score": self.score, "images": images}, indent=2)


def load_dino(path: PathLike[str]) -> LoadedDINO:
    """Read DINO's file.

    Raises:
        UnknownCheckpointError: if it is something else.
        MissingPackageError: if timm is not there.
    """
    encoder = load(path)
    return LoadedDINO(encoder, manage(encoder))


def dino_scorer(dino: LoadedDINO, face_parser: LoadedFaceParser | None) -> Callable[[Sequence[Person]], DinoScorer]:
    """What asks DINO, and for FGIS the face parser, about people; both under memory management."""

    def embed(pictures: Sequence[np.ndarray]) -> Tensor:
        with loaded(dino.patcher):
            return dino.encoder.embed(pictures)

    def around(picture: np.ndarray, face: Face) -> np.ndarray:
        assert face_parser is not None
        box = scaled_box(face, (picture.shape[0], picture.shape[1]))
        with loaded(face_parser.patcher):
            return face_parser.parser.parse_around(picture, [box], MARGIN, PARSED)

    return lambda people: DinoScorer(people, embed, None if face_parser is None else around)


def compare(
    face_parser: LoadedFaceParser, dino: LoadedDINO, reference: Tensor, image: Tensor, *, size: int
) -> Comparisons:
    """Compare pictures with references, one by one; the last one of the shorter batch stands for all that follow.

    Args:
        face_parser: finds the regions.
        dino: compares them.
        reference: (R, H, W, C), 0–1.
        image: (B, H, W, C), 0–1.
        size: side of the square that the parser sees, pixels.

    Raises:
        NoFaceFoundError: naming the pair that has no region in common.
        BadImageError: if a picture cannot be read.
    """
    photos, others = arrays_from_images(reference, "reference"), arrays_from_images(image)
    count = max(len(photos), len(others))
    bar = ProgressBar(len(photos) + len(others) + count)
    references, images = ([_parse(face_parser, photo, size, bar) for photo in batch] for batch in (photos, others))
    pairs = tuple((min(place, len(references) - 1), min(place, len(images) - 1)) for place in range(count))
    results: list[FineGrainedSimilarity] = []
    with loaded(dino.patcher):
        for first, second in pairs:
            model_management.throw_exception_if_processing_interrupted()
            try:
                results.append(fgis(references[first], images[second], dino.encoder.embed))
            except NoFaceFoundError as error:
                raise NoFaceFoundError(f"Reference {first + 1} and image {second + 1}: {error}") from error
            bar.update(1)
    return Comparisons(pairs, tuple(results))


def _parse(face_parser: LoadedFaceParser, photo: np.ndarray, size: int, bar: ProgressBar) -> ParsedPhoto:
    parsed = ParsedPhoto(photo, filled_masks(face_parser.labels(photo, size)))
    bar.update(1)
    return parsed
