"""People to UniPortrait's identity tokens: what the encoders see of a face, and how people are mixed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate, normalize

from ..adapters.identity_attention import EncodedPeople
from ..adapters.joined_photos import log_weights
from ..clip import clip_statistics
from ..errors import InvalidSettingError, ShapeError, require_shape
from ..face.iresnet import FACE_SIZE, IResNet
from ..people.person import Person, looked_at
from ..people.photo import weights_of
from ..port.encoders import FaceBackbone, ImageEncoder
from .id_embedding import IDEmbedding

CROP_SIZE = 224  # pixels; the one crop that both encoders see


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class ReferenceFeatures:
    """The features of all references of one person, one picture after the other on the token axis.

    Attributes:
        intrinsic: deepest backbone features, (1, 49·R, 512).
        structure: three shallow backbone maps, then CLIP's penultimate tokens, (1, 256·R, 1728).
        weights: of the R pictures, above 0 each; only their proportions count.
    """

    intrinsic: Tensor
    structure: Tensor
    weights: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        require_shape("intrinsic", self.intrinsic, (1, "49·R", "Di"))
        require_shape("structure", self.structure, (1, "256·R", "Ds"))

    @property
    def intrinsic_scores(self) -> Tensor | None:
        """What is added to the scores of intrinsic tokens, (1, 49·R); None where all pictures weigh alike."""
        return self._scores(self.intrinsic)

    @property
    def structure_scores(self) -> Tensor | None:
        """What is added to the scores of structure tokens, (1, 256·R); None where all pictures weigh alike."""
        return self._scores(self.structure)

    def _scores(self, joined: Tensor) -> Tensor | None:
        scores = log_weights(self.weights, joined.shape[1] // len(self.weights))
        return None if scores is None else scores.to(joined.device)[None]


def preprocess(crops: Tensor | np.ndarray) -> Tensor:
    """Normalise crops the way CLIP was trained.

    Args:
        crops: aligned faces, RGB, uint8, (R, 224, 224, 3).

    Returns:
        (R, 3, 224, 224) float32.

    Raises:
        ShapeError: if the crops have another size or are not 8-bit.
    """
    pixels = torch.as_tensor(crops)
    require_shape("crops", pixels, ("R", CROP_SIZE, CROP_SIZE, 3))
    if pixels.dtype != torch.uint8:
        raise ShapeError(f"crops have type {pixels.dtype}; expected uint8, 0–255.")
    mean, std = clip_statistics(pixels.device)
    return (rearrange(pixels, "r h w c -> r c h w").float() / 255 - mean) / std


def backbone_input(pixels: Tensor) -> Tensor:
    """What the face backbone gets of CLIP-normalised crops.

    Args:
        pixels: output of `preprocess`, (R, 3, 224, 224).

    Returns:
        RGB in [-1, 1], (R, 3, 112, 112); halving without antialias is the mean of 2×2 pixels.
    """
    mean, std = clip_statistics(pixels.device)
    faces = (pixels.float() * std + mean - 0.5) / 0.5
    return interpolate(faces.clamp(-1, 1), size=(FACE_SIZE, FACE_SIZE), mode="bilinear", align_corners=False)


def join_features(
    maps: Sequence[Tensor], clip_tokens: Tensor, weights: Sequence[float] | None = None
) -> ReferenceFeatures:
    """The features of one person's references.

    Args:
        maps: of the face backbone, shallow to deep, (R, C, h, w) each.
        clip_tokens: CLIP's penultimate hidden state of the same pictures without the class token, (R, 256, 1280).
        weights: of the pictures, above 0 each; None weighs them alike.

    Returns:
        The features, float32, on the device of `clip_tokens`.

    Raises:
        ShapeError: if the numbers of pictures differ or the tokens do not form a square.

    Reference: UniPortrait (arXiv:2408.05939), section 3.2 and appendix B; details as in the published code.
    """
    require_shape("clip_tokens", clip_tokens, (maps[-1].shape[0], "256", "1280"))
    side = round(clip_tokens.shape[1] ** 0.5)
    if side * side != clip_tokens.shape[1]:
        raise ShapeError(f"clip_tokens has {clip_tokens.shape[1]} tokens; expected a square without the class token.")
    *shallow, deepest = (tapped.to(clip_tokens.device, torch.float32) for tapped in maps)
    resized = [interpolate(tapped, size=(side, side), mode="bilinear", align_corners=False) for tapped in shallow]
    structure = rearrange(torch.cat(resized, dim=1), "r c h w -> r (h w) c")  # (R, 256, 448)
    structure = torch.cat([structure, clip_tokens.float()], dim=-1)  # (R, 256, 1728)
    return ReferenceFeatures(
        intrinsic=rearrange(deepest, "r c h w -> 1 (r h w) c"),
        structure=rearrange(structure, "r t d -> 1 (r t) d"),
        weights=tuple(weights or (1.0,) * len(clip_tokens)),
    )


def null_features(null_clip_tokens: Tensor, like: ReferenceFeatures) -> ReferenceFeatures:
    """The features of nobody, for the negative side of guidance: one picture's worth, whoever the person is.

    Args:
        null_clip_tokens: CLIP's penultimate tokens of normalised pixels that are all zero (a picture of the mean
            colour, not a black one), (1, 256, 1280).
        like: anybody's features; only their sizes count.

    Returns:
        Zeros where the backbone would speak, the null tokens where CLIP would.
    """
    require_shape("null_clip_tokens", null_clip_tokens, (1, "256", "1280"))
    _, tokens, width = null_clip_tokens.shape
    references = like.structure.shape[1] // tokens
    zeros = null_clip_tokens.new_zeros
    backbone_part = zeros(1, tokens, like.structure.shape[2] - width, dtype=torch.float32)
    return ReferenceFeatures(
        intrinsic=zeros(1, like.intrinsic.shape[1] // references, like.intrinsic.shape[2], dtype=torch.float32),
        structure=torch.cat([backbone_part, null_clip_tokens.float()], dim=-1),
    )


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class UniPortraitEncoders:
    """What looks at people's faces.

    Attributes:
        clip: its penultimate hidden state is taken, without the class token.
        backbone: of face recognition.
    """

    clip: ImageEncoder
    backbone: FaceBackbone


def encode_people(
    people: Sequence[Person], encoders: UniPortraitEncoders, id_embedding: IDEmbedding, structure_scale: float
) -> EncodedPeople:
    """The tokens of some people, and of nobody.

    Args:
        people: N of them, at least one, each with a face.
        encoders: look at their faces.
        id_embedding: the module; features are moved to its device and type.
        structure_scale: see `IDEmbedding.forward`, 0–1; one value for all, so that nobody is the same for everybody.

    Raises:
        InvalidSettingError: if there is nobody, or somebody has no face.
    """
    if not people:
        raise InvalidSettingError('There is nobody to encode; put "Add Person" before it.')
    tokens = torch.cat([encode(person, encoders, id_embedding, structure_scale) for person in people])
    null = nobody_features(encoders, like=person_features(people[0].parts[0][0], encoders))
    return EncodedPeople(tokens=tokens, null_tokens=embed_features(id_embedding, null, structure_scale))


def encode(person: Person, encoders: UniPortraitEncoders, id_embedding: IDEmbedding, structure_scale: float) -> Tensor:
    """The tokens of one person, (1, T, D): people who are mixed are added up, Σ β_i E_i, not renormalised.

    Reference: UniPortrait (arXiv:2408.05939), identity interpolation, on the final tokens as in the published code.
    """
    parts = [
        factor * embed_features(id_embedding, person_features(part, encoders), structure_scale)
        for part, factor in person.parts
    ]
    return sum(parts[1:], parts[0])


def person_features(person: Person, encoders: UniPortraitEncoders) -> ReferenceFeatures:
    """The features of a person's faces, one photo after the other on the token axis, float32 on the CPU.

    Raises:
        InvalidSettingError: if no photo shows a face.
    """
    with looked_at(person) as person:
        if not person.shown:
            raise InvalidSettingError(f'No face is known of "{person.name}"; use a photo that shows one.')
        pixels = preprocess(np.stack([face.crop for _, face in person.shown]))
        tokens = encoders.clip.tokens(pixels)[:, 1:]  # no class token
        weights = weights_of(photo for photo, _ in person.shown)
        return join_features(encoders.backbone.maps(backbone_input(pixels)), tokens, weights)


def nobody_features(encoders: UniPortraitEncoders, like: ReferenceFeatures) -> ReferenceFeatures:
    """The features of nobody, see `null_features`; `like` are anybody's."""
    return null_features(encoders.clip.tokens(torch.zeros(1, 3, CROP_SIZE, CROP_SIZE))[:, 1:], like)


def embed_features(id_embedding: IDEmbedding, features: ReferenceFeatures, structure_scale: float) -> Tensor:
    """The tokens of one person's features, (1, T, D); a picture that weighs less is read less, by log w on its scores."""
    latents = id_embedding.latents
    scores = [
        None if each is None else each.to(latents) for each in (features.intrinsic_scores, features.structure_scores)
    ]
    return id_embedding(
        features.intrinsic.to(latents),
        features.structure.to(latents),
        structure_scale,
        intrinsic_scores=scores[0],
        structure_scores=scores[1],
    )


@torch.no_grad()
def face_vectors(backbone: IResNet, crops: np.ndarray) -> Tensor:
    """Return the mean of the deepest map of every face, which the backbone was trained to tell people apart by.

    Args:
        backbone: runs where it is.
        crops: aligned faces, (R, 224, 224, 3) uint8 RGB.

    Returns:
        (R, W) float32, of length 1.
    """
    pixels = backbone_input(preprocess(crops)).to(next(backbone.parameters()))
    return vectors_of(rearrange(backbone(pixels)[-1].float(), "r c h w -> r (h w) c"))


def vectors_of(intrinsic: Tensor) -> Tensor:
    """The same of deepest features that are known already, (R, T, W) float32: the mean of the positions, of length 1."""
    return normalize(intrinsic.mean(1), dim=-1)
