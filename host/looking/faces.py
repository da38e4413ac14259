"""People found at their faces: a detector looks at previews of the running picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from comfy import model_management
from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from ...models.face.analysis import Selection, analyze
from ...models.face.types import Face
from ...models.images.layout import arrays_from_images
from ...models.people.person import Person
from ...models.placement.faces import FaceLook, SeenFaces
from ...models.port.attention import Run
from ...models.port.encoders import FaceDetector, FaceRecogniser
from ...models.similarity.recognisers import person_vector
from ..unet import keys
from ..unet.options import transformer_options
from .watch import Watch

ALL = Selection(take="all")
MOST_CELLS = 80  # of the latent's longer side that are decoded: 640 pixels, what insightface's detector looks at


@dataclass(frozen=True, eq=False, slots=True)
class KnownFaces:
    """Tells whom faces are like.

    Attributes:
        recogniser: gives vectors; what it says of a preview is not to be remembered.
        vectors: of N people, (N, D), each of length 1.
    """

    recogniser: FaceRecogniser
    vectors: Tensor

    def likeness(self, faces: Sequence[Face], picture: Any) -> Tensor:
        """The cosine of every person's vector with that of every face, (N, F)."""
        if not faces:
            return torch.zeros(len(self.vectors), 0)
        seen = normalize(self.recogniser.vectors(faces, [picture] * len(faces)), dim=-1)
        return self.vectors @ seen.T


@dataclass(frozen=True, eq=False, slots=True)
class PreviewFaces:
    """Decodes latents and looks for faces.

    Attributes:
        vae: decodes; a TAESD of Load VAE is fast.
        detector: looks at the decoded pictures; what it finds is not to be remembered.
        known: tells whom they are like; None where nobody asks.
    """

    vae: Any
    detector: FaceDetector
    known: KnownFaces | None = None

    def __call__(self, latents: Tensor) -> list[SeenFaces]:
        """The faces of every picture of latents (B, C, H, W)."""
        with torch.inference_mode():
            pictures = arrays_from_images(self.vae.decode(_small(latents)))
            found = analyze(pictures, self.detector, ALL, "go on")
            seen: list[SeenFaces] = []
            for number, picture in enumerate(pictures):
                faces = found.of_image(number)
                height, width = picture.shape[:2]
                boxes = torch.tensor([face.box.tolist() for face in faces]).reshape(-1, 4)
                likeness = None if self.known is None else self.known.likeness(faces, picture)
                seen.append(SeenFaces(boxes / torch.tensor([width, height, width, height]), likeness))
        return seen


def _small(latents: Tensor) -> Tensor:
    """Latents (B, C, H, W) no larger than a detector needs; decoding costs by the area."""
    height, width = latents.shape[-2:]
    scale = MOST_CELLS / max(height, width)
    if scale >= 1:
        return latents
    size = max(1, round(height * scale)), max(1, round(width * scale))
    return interpolate(latents, size, mode="bilinear", antialias=True)


def know(people: Sequence[Person], recogniser: FaceRecogniser, previews: FaceRecogniser) -> KnownFaces:
    """Whom faces of previews may be like.

    Args:
        people: N of them; see `person_vector`; somebody without a face is like nobody.
        recogniser: looks at their photos.
        previews: the same, which does not remember what it sees.
    """

    def vector(person: Person) -> Tensor:
        return normalize(person_vector(person, recogniser), dim=0) if person.has_face else torch.zeros(recogniser.width)

    return KnownFaces(previews, torch.stack([vector(person) for person in people]))


@dataclass(frozen=True, eq=False, slots=True)
class FaceWatch(Watch):
    """Looks at faces while a MODEL samples."""

    look: FaceLook

    def attach(self, model: ModelPatcher) -> None:
        """See `Watch`."""
        model.add_wrapper_with_key(WrappersMP.PREDICT_NOISE, f"{keys.OURS}faces {id(self.look)}", self.predict)

    def predict(
        self, executor: Callable[..., Tensor], x: Tensor, timestep: Tensor, model_options: Any = None, *args: Any
    ) -> Tensor:
        """Wrapper around a step of the sampler: looks at what it takes for the finished picture."""
        denoised = executor(x, timestep, model_options, *args)
        guider = executor.class_obj  # type: ignore[attr-defined]
        run: Run | None = transformer_options(model_options).get(keys.RUN)
        if run is not None:
            model = guider.inner_model
            if self.look.take(run.found, float(timestep.flatten()[0]), model.process_latent_out(denoised)):
                load_again(model)
        return denoised


def load_again(model: Any) -> None:
    """Load ComfyUI's BaseModel that is sampling and its adapters; decoding a preview may have pushed them out of memory."""
    patcher: ModelPatcher = model.current_patcher
    with torch.inference_mode():
        model_management.load_models_gpu([patcher, *patcher.get_nested_additional_models()])
