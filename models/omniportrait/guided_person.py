"""One person who is guided, with the pictures that the guidance is shown of them, and who says where everybody is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from ..people.encodings import pixels_hash
from ..placement.windows import ALWAYS, SigmaWindow
from ..port.guidance import GuidedStep


@dataclass(frozen=True, eq=False, slots=True)
class ReferencePicture:
    """A picture of somebody, whose features are to be matched.

    Attributes:
        latent: as the VAE gives it, (1, C, H, W) float32.
        mask: of the face, (H', W') float32, 0–1, of any size.
        weight: of its features among those of the person's other pictures, > 0.
    """

    latent: Tensor
    mask: Tensor
    weight: float = 1.0

    @property
    def content(self) -> str:
        """A name for what can be read of it; equal for equal latents and masks, whatever the weight."""
        return f"{pixels_hash(self.latent)} {pixels_hash(self.mask)}"


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class GuidedPerson:
    """One person who is guided.

    Attributes:
        name: what messages and records call them.
        place: in the chain of people; the word that stands for them in the prompt is marked with it.
        references: pictures of them; the points of all of them are matched.
        mask: where the person is, (M, H, W) float, 0–1, of any size; picture i takes mask i modulo M. None where a
            `MaskSource` says it.
        strength: times that of the guidance, at least 0.
        window: noise levels at which the person is pulled, within those of the guidance.
        features: of the references' faces, (R, C); None until the model has been asked.
        weights: of these features, (R,); None where all count alike.
    """

    name: str
    place: int = 0
    references: tuple[ReferencePicture, ...] = ()
    mask: Tensor | None = None
    strength: float = 1.0
    window: SigmaWindow = ALWAYS
    features: Tensor | None = None
    weights: Tensor | None = None

    def strength_at(self, sigma: float) -> float:
        """The strength at a noise level, 0 outside of the window."""
        return self.strength if self.window.contains(sigma) else 0.0


class MaskSource(Protocol):
    """Finds people in a picture that is being drawn."""

    @property
    def wants_attention(self) -> bool:
        """Whether it looks at the attention to the people's words."""
        ...

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """Where people are.

        Args:
            people: N who have no mask.
            step: what is known of the picture.

        Returns:
            (N, B, h, w) float32 of any size, above 0.5 inside; where two people claim a place it is the higher one's. Zeros
            where somebody was not found: they are not guided then.
        """
        ...
