"""Pictures with the exact mask of everything in them: layers are laid from front to back, each into what is left."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from .layout import BODY, FEATURES, HEAD, Layout
from .people.body import body_layers
from .people.features import Features
from .people.head import Head
from .people.person import Coordinates, Layer, Person
from .regions import FACE_REGIONS, PAIRED, Region


@dataclass(frozen=True, eq=False, slots=True)
class Canvas:
    """Pictures while they are painted; instances and what is left add up to 1.

    Attributes:
        colours: what was laid so far, (B, 3, S, S).
        left: the share of each pixel that is still free, (B, S, S).
        faces: the share of each pixel that shows a face, (B, N, S, S).
        instances: the share of each pixel that shows the person, (B, N, S, S).
        regions: the same by region, (B, N, 16, S, S), if wanted.
    """

    colours: Tensor
    left: Tensor
    faces: Tensor
    instances: Tensor
    regions: Tensor | None

    @classmethod
    def empty(cls, pictures: int, people: int, size: int, *, with_regions: bool) -> Canvas:
        """Return a canvas on which nothing is painted yet."""
        return cls(
            colours=torch.zeros(pictures, 3, size, size),
            left=torch.ones(pictures, size, size),
            faces=torch.zeros(pictures, people, size, size),
            instances=torch.empty(pictures, people, size, size),
            regions=torch.zeros(pictures, people, len(Region), size, size) if with_regions else None,
        )

    def add(self, person: Person, place: int, layout: Layout) -> None:
        """Paint somebody behind everything that is there."""
        size = self.left.shape[-1]
        at = [Coordinates.of(person.pose, layout.window(place, size, reach), size) for reach in (FEATURES, HEAD, BODY)]
        features, head, body = Features(person, at[0]), Head(person, at[1]), body_layers(person, at[2])
        before = self.left.clone()
        self._lay(features.above_hair(), place, at[0])
        self._lay(head.above_face(), place, at[1])
        self._lay(features.below_hair(), place, at[0])
        self._lay(head.below_features(), place, at[1])
        self._lay(body, place, at[2])
        self._lay(head.below_body(), place, at[1])
        self.instances[:, place] = before.sub_(self.left)

    def finish(self, backdrop: Tensor, brightness: Tensor) -> None:
        """Lay the background behind everything and light the picture.

        Args:
            backdrop: (B, 3, S, S).
            brightness: factors that broadcast to the same shape.
        """
        self.colours.add_(backdrop.mul_(self.left[:, None])).mul_(brightness)

    def _lay(self, layers: Iterator[Layer], place: int, at: Coordinates) -> None:
        rows, columns = at.window
        colours, left = self.colours[..., rows, columns], self.left[..., rows, columns]
        face = self.faces[:, place, rows, columns]
        for layer in layers:
            shown = layer.coverage * left
            left.sub_(shown)
            colours.addcmul_(shown[:, None], layer.colour[..., None, None])
            if layer.region in FACE_REGIONS:
                face.add_(shown)
            if self.regions is None:
                continue
            regions = self.regions[:, place, :, rows, columns]
            if layer.region in PAIRED:
                on_the_left = shown * (at.x < 0)
                regions[:, layer.region].add_(on_the_left)
                regions[:, layer.region + 1].add_(shown.sub_(on_the_left))
            else:
                regions[:, layer.region].add_(shown)
