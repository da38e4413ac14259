"""Scoring likeness in ComfyUI: pictures of a batch compared with people, and the batch put in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy import model_management
from comfy.utils import ProgressBar
from comfy_execution.graph_utils import ExecutionBlocker
from torch import Tensor

from ..models.errors import InvalidSettingError
from ..models.face.analysis import find_faces
from ..models.images.layout import arrays_from_images
from ..models.people.person import People
from ..models.port.encoders import FaceDetector
from ..models.similarity.likeness import Scorer, Scores
from ..models.similarity.recognisers import KnownRecogniser
from .encoders.parser import LoadedFaceParser
from .similarity import LoadedDINO, dino_scorer


@dataclass(frozen=True, eq=False, slots=True)
class ScoredBatch:
    """What Score Likeness hands to Keep Best: numbers together with what they are of, so that the two cannot be mixed up.

    Attributes:
        scores: of every picture.
        images: (B, H, W, C), 0–1.
        latent: what they were decoded from, a LATENT of B; None where nobody gave it.
    """

    scores: Scores
    images: Tensor
    latent: dict[str, Any] | None = None

    def take(self, places: Sequence[int]) -> tuple[Tensor, Any]:
        """Some of the pictures as IMAGE and as LATENT, in the order of the places; in place of a LATENT that nobody gave,
        what stops whoever asks for it with a sentence.
        """
        rows = torch.tensor(places, dtype=torch.int64)
        images = self.images[rows.to(self.images.device)]
        if self.latent is None:
            return images, ExecutionBlocker(
                "Nothing is connected to latent of Score Likeness; connect what was decoded."
            )
        return images, take_latent(self.latent, places)


def score_likeness(
    people: People,
    images: Tensor,
    detector: FaceDetector,
    recognisers: Sequence[KnownRecogniser],
    *,
    threshold: float = 0.0,
    latent: dict[str, Any] | None = None,
    dino: LoadedDINO | None = None,
    face_parser: LoadedFaceParser | None = None,
) -> ScoredBatch:
    """Compare every picture of a batch with people; progress is shown, and cancelling ends it after a face or a picture.

    Args:
        people: the chain.
        images: (B, H, W, C), 0–1.
        detector: finds faces.
        recognisers: at least one; the first one matches.
        threshold: of the first one, in its measure; 0 takes its own.
        latent: what the pictures were decoded from.
        dino: compares whole pictures, and with a face parser the regions of faces.
        face_parser: see `dino`.

    Raises:
        InvalidSettingError: if nobody has a face, the recogniser has no threshold, the latents are of another number, or there is a
            face parser without DINO.
        LikenessError: whatever is wrong with pictures or files.
    """
    pictures = arrays_from_images(images)
    if latent is not None and len(latent["samples"]) != len(pictures):
        raise InvalidSettingError(
            f"There are {len(pictures)} images and {len(latent['samples'])} latents; connect the latents that the images were "
            "decoded from."
        )
    if face_parser is not None and dino is None:
        raise InvalidSettingError(
            "face_parser of Score Likeness finds the regions that DINO compares, and no DINO is connected; connect dino from Load "
            "DINO, or take face_parser off."
        )
    scorer = Scorer(people, recognisers, threshold, None if dino is None else dino_scorer(dino, face_parser))
    bar = ProgressBar(len(pictures))
    scored = []
    go_on = model_management.throw_exception_if_processing_interrupted
    for done, faces in enumerate(find_faces(pictures, detector, go_on=go_on), 1):
        scored.append(scorer.score(pictures[done - 1], faces))
        bar.update_absolute(done, len(pictures))
        go_on()
    return ScoredBatch(scorer.scores(scored), images, latent)


def take_latent(latent: dict[str, Any], places: Sequence[int]) -> dict[str, Any]:
    """Some rows of a LATENT: of its samples, of a noise mask that has as many, and of the numbers that seeds are drawn by."""
    count = len(latent["samples"])
    rows = torch.tensor(places, dtype=torch.int64)
    taken = latent | {"samples": latent["samples"][rows.to(latent["samples"].device)]}
    mask = latent.get("noise_mask")
    if mask is not None and len(mask) == count:
        taken["noise_mask"] = mask[rows.to(mask.device)]
    numbers = latent.get("batch_index") or list(range(count))
    taken["batch_index"] = [numbers[place] for place in places]
    return taken
