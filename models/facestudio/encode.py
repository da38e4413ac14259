"""People to face vectors, and face vectors with a style to the contexts that the UNet reads.

FaceStudio (arXiv:2312.02663), sections 3.1 and 3.2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import normalize

from ..errors import InvalidSettingError, require_range
from ..people.person import Person, looked_at
from ..people.photo import weights_of
from ..port.encoders import FaceRecogniser
from .background import Background
from .checkpoint import FaceStudioAdapter
from .hybrid import mix

Mixing = Literal["unit length", "literal"]
MOST_STRENGTH = 2.0


def face_vectors(people: Sequence[Person], recogniser: FaceRecogniser, mixing: Mixing = "unit length") -> Tensor:
    """e_f of some people, (N, V).

    Of several photos of one face the mean of the vectors of length 1 is taken, each photo with its weight, and brought back to
    length 1. Of somebody who is made of several people it is Σ β_k·e_f^k, see `hybrid.mix`.

    Args:
        people: each with a face.
        recogniser: looks at the photos.
        mixing: "unit length" divides β by their sum and brings the result to length 1; "literal" is the paper's sum.

    Raises:
        InvalidSettingError: if no face is known of somebody, or the factors of a mixture are no weights.
    """
    return torch.stack([_vector(person, recogniser, mixing) for person in people])


def _vector(person: Person, recogniser: FaceRecogniser, mixing: Mixing) -> Tensor:
    parts = torch.stack([_own_vector(part, recogniser) for part, _ in person.parts])
    if len(parts) == 1:
        return parts[0]
    factors = torch.tensor([factor for _, factor in person.parts])
    if (factors < 0).any():
        listed = ", ".join(f"{part.name} {factor:g}" for part, factor in person.parts)
        raise InvalidSettingError(
            f'The factors of "{person.name}" ({listed}) leave less than nothing to the first; mix the others in with less.'
        )
    return mix(parts, factors, literal=mixing == "literal")


def _own_vector(person: Person, recogniser: FaceRecogniser) -> Tensor:
    with looked_at(person) as person:
        if not person.shown:
            raise InvalidSettingError(f'No face is known of "{person.name}"; use a photo that shows one.')
        faces, photos = [face for _, face in person.shown], [photo for photo, _ in person.shown]
        vectors = normalize(recogniser.vectors(faces, [photo.picture for photo in photos]).float(), dim=-1)
    weights = vectors.new_tensor(weights_of(photos))
    return normalize(weights / weights.sum() @ vectors, dim=-1)


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Contexts:
    """What stands in place of a text: n tokens of the style for everybody, each with their own face.

    Attributes:
        people: (N, n, D).
        background: of places that belong to nobody, (1, n, D).
        null: of the negative side of guidance, (1, n, D).
    """

    people: Tensor
    background: Tensor
    null: Tensor

    def joined(self) -> Tensor:
        """The background's tokens and behind them those of each person, (1, (1 + N)·n, D)."""
        return torch.cat([self.background, self.people]).flatten(0, 1)[None]

    def owners(self) -> tuple[int, ...]:
        """Whose every row of `joined` is: a person's number from 0, or -1 for the background."""
        count, tokens, _ = self.people.shape
        return tuple(person for person in range(-1, count) for _ in range(tokens))


def contexts(
    adapter: FaceStudioAdapter,
    style: Tensor,
    faces: Tensor,
    *,
    strengths: Sequence[float],
    background: Background = "none",
    negative: Tensor | None = None,
) -> Contexts:
    """The contexts of some people.

    Args:
        adapter: its layer, on whatever device.
        style: e_h, e_T or their blend, (1, E).
        faces: e_f of N people, (N, V).
        strengths: factors on e_f, 0–2 each; 0 is nobody's face.
        background: "mean" gives places of nobody the mean of all faces; else they have the face of nobody, zeros.
        negative: e_T of what is not wanted, (1, E); None is the null context Linear(0 ‖ 0).

    Returns:
        They lie on the layer's device, float32.

    Raises:
        InvalidSettingError: if a strength is out of its range.
    """
    layer = adapter.layer
    for strength in strengths:
        require_range("strength", strength, MOST_STRENGTH)
    style = style.to(layer.weight)
    shown = faces.to(layer.weight) * layer.weight.new_tensor(strengths)[:, None]
    nobody = layer.weight.new_zeros(1, layer.face_width)
    behind = shown.mean(0, keepdim=True) if background == "mean" and len(shown) else nobody
    return Contexts(
        people=layer(style.expand(len(shown), -1), shown),
        background=layer(style, behind),
        null=layer.null() if negative is None else layer(negative.to(layer.weight), nobody),
    )
