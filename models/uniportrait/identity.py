"""People as values: their features, settings and mixes, and the tokens that stand for them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

from ..errors import InvalidSettingError, require_range
from ..placement.masks import check_mask
from .features import ReferenceFeatures, null_features
from .id_embedding import IDEmbedding

Mix = tuple[ReferenceFeatures, float]


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Identity:
    """One person of a picture.

    Attributes:
        name: what messages and maps call the person.
        features: of all references of this person.
        mixes: features of faces mixed in, each with its weight, 0–1.
        strength: of the person's attention, 0–2.
        start_percent, end_percent: part of the sampling in which the attention is on, 0–1 each.
        mask: where the person may be, (M, H, W) float, 0–1, one per picture of a batch; (H, W) becomes (1, H, W).
            None leaves the place to the router.

    Raises:
        InvalidSettingError: if a number is out of its range or the mask is empty or holds NaN.
        ShapeError: if the mask has another number of axes.
    """

    name: str
    features: ReferenceFeatures
    mixes: tuple[Mix, ...] = ()
    strength: float = 0.7
    start_percent: float = 0.0
    end_percent: float = 1.0
    mask: Tensor | None = None

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 2)
        require_range("start_percent", self.start_percent, 1)
        require_range("end_percent", self.end_percent, 1)
        for _, weight in self.mixes:
            require_range("weight", weight, 1)
        if self.mask is not None:
            object.__setattr__(self, "mask", check_mask(self.mask, self.name))

    @property
    def is_active(self) -> bool:
        """Whether the person counts: some strength and a window that is not empty."""
        return self.strength > 0 and self.start_percent < self.end_percent


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Identities:
    """The people of a picture, in the order in which they were added.

    Attributes:
        people: everybody, active or not.
        null_clip_tokens: CLIP's penultimate tokens of all-zero normalised pixels, (1, 256, 1280).
    """

    people: tuple[Identity, ...]
    null_clip_tokens: Tensor

    @property
    def active(self) -> tuple[Identity, ...]:
        """The people who count for N and for the choice of the LoRA."""
        return tuple(person for person in self.people if person.is_active)

    def add(self, person: Identity) -> Identities:
        """The same people and one more."""
        return replace(self, people=(*self.people, person))

    def mix_into_last(self, features: ReferenceFeatures, weight: float) -> Identities:
        """The same people, a face mixed into the last of them.

        Raises:
            InvalidSettingError: if there is nobody yet, or the weight is out of 0–1.
        """
        if not self.people:
            raise InvalidSettingError('There is nobody to mix a face into; put "Add UniPortrait Identity" before it.')
        *before, last = self.people
        return replace(self, people=(*before, replace(last, mixes=(*last.mixes, (features, weight)))))

    def pick(self, index: int) -> Identities:
        """One person alone.

        Raises:
            InvalidSettingError: if there is no such place.
        """
        if not 0 <= index < len(self.people):
            raise InvalidSettingError(
                f"There is no person {index}: the chain holds {len(self.people)}, counted from 0; choose another index."
            )
        return replace(self, people=(self.people[index],))


def embed(id_embedding: IDEmbedding, identity: Identity, structure_scale: float) -> Tensor:
    """The tokens of one person: the own embedding, others mixed in linearly.

    E = (1 − Σ s_i) E_main + Σ s_i E_i on the final tokens, not renormalised; Σ s_i may exceed 1 (published code).

    Args:
        id_embedding: the module; features are moved to its device and dtype.
        identity: whose tokens.
        structure_scale: see `IDEmbedding.forward`, 0–1.

    Returns:
        (1, T, D).
    """
    tokens = _tokens(id_embedding, identity.features, structure_scale)
    mixed = (1 - sum(weight for _, weight in identity.mixes)) * tokens if identity.mixes else tokens
    for features, weight in identity.mixes:
        mixed = mixed + weight * _tokens(id_embedding, features, structure_scale)
    return mixed


def embed_null(id_embedding: IDEmbedding, identities: Identities, structure_scale: float) -> Tensor:
    """The tokens of nobody, (1, T, D): the same for everybody at one structure scale.

    Raises:
        InvalidSettingError: if there is nobody to read the sizes from.
    """
    if not identities.people:
        raise InvalidSettingError('There is nobody in the chain; put "Add UniPortrait Identity" before it.')
    null = null_features(identities.null_clip_tokens, like=identities.people[0].features)
    return _tokens(id_embedding, null, structure_scale)


def _tokens(id_embedding: IDEmbedding, features: ReferenceFeatures, structure_scale: float) -> Tensor:
    latents = id_embedding.latents
    return id_embedding(features.intrinsic.to(latents), features.structure.to(latents), structure_scale)
