"""Where heads are: faces with their hair and ears, in drawn pictures and around found faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...diffusers_host.base import Base
from ...models.images.layout import arrays_from_images
from ...models.miniature.finder import FaceFinder, find_faces
from ...models.omniportrait.guided_person import GuidedPerson
from ...models.omniportrait.mask_sources import FaceMasks
from ...models.placement.faces import SeenFaces
from ...models.port.guidance import GuidedStep
from ..judge.judge import MIN_SCORE
from ..studio.drawing import decode
from ..world.regions import FACE_REGIONS, Region
from ..world.scene import Scene

WIDENING = 0.3  # of a face's box on every side, as a share of it, so that the ellipse inside takes in most of the hair
HEAD = (*FACE_REGIONS, Region.LEFT_EAR, Region.RIGHT_EAR, Region.HAIR)


def true_heads(scene: Scene) -> Tensor:
    """Return the share of each pixel that shows somebody's head, (B, N, S, S), of a scene with regions."""
    assert scene.regions is not None
    return scene.regions[:, :, HEAD].sum(2)


@dataclass(frozen=True, eq=False, slots=True)
class Previews:
    """Finds heads in what a picture looks like so far, as a user's detector would.

    Attributes:
        base: decodes latents.
        finder: that of the adapters, not the judge's.
        widening: see `WIDENING`.
    """

    base: Base
    finder: FaceFinder
    widening: float = WIDENING

    def __call__(self, latents: Tensor) -> list[SeenFaces]:
        """Return the heads of latents (B, C, h, w) for the VAE, picture by picture."""
        return [SeenFaces(self.boxes(picture)) for picture in decode(self.base, latents * self.base.latent_scale)]

    def boxes(self, picture: Tensor) -> Tensor:
        """Return the boxes of heads in a picture (3, H, W), 0–1."""
        [array] = arrays_from_images(picture[None].permute(0, 2, 3, 1))
        height, width = array.shape[:2]
        found = [torch.from_numpy(face.box) for face in find_faces(self.finder, array, MIN_SCORE)]
        boxes = torch.stack(found) if found else torch.zeros(0, 4)
        return widen(boxes / torch.tensor((width, height, width, height)), self.widening)


@dataclass(frozen=True, eq=False, slots=True)
class Beside:
    """A wrong place on purpose: faces are found, and guided half a picture farther to the side.

    Attributes:
        faces: finds them.
    """

    faces: FaceMasks

    @property
    def wants_attention(self) -> bool:
        """Whether attention has to be read: never."""
        return False

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """Return the masks of the faces half a picture farther to the side, see `MaskSource`."""
        masks = self.faces.find(people, step)
        return masks.roll(masks.shape[-1] // 2, -1)


def widen(boxes: Tensor, share: float) -> Tensor:
    """Return boxes (F, 4) larger by a share of their width and height on every side."""
    more = share * (boxes[:, 2:] - boxes[:, :2])
    return torch.cat((boxes[:, :2] - more, boxes[:, 2:] + more), 1)
