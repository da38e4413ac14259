"""What an IP-Adapter file is: what its keys tell, what only its name hints at, and what the user says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Literal

import torch
from torch import Tensor

from ..adapters.id_projection import FacesProjection, IDProjection
from ..adapters.resampler import LearnedResampler
from ..errors import InvalidSettingError, UnknownCheckpointError
from .projection import FullFaceProjection, ImagePromptProjection, Projection

AUTO = "auto"
FACE_VECTOR = 512  # width of ArcFace vectors; no CLIP is so wide
PORTRAIT_TOKENS = 16  # of a face; FaceID has 4

Version = Literal[
    "plain",
    "Plus",
    "Plus Face",
    "Full Face",
    "FaceID",
    "FaceID Plus",
    "FaceID PlusV2",
    "FaceID Portrait",
    "FaceID Portrait unnorm",
]


class Kind(Enum):
    """What an adapter's projection reads, by which the files differ in use."""

    GLOBAL = "global"
    PLUS = "plus"
    FULL_FACE = "full face"
    FACEID = "faceid"
    FACEID_PLUS = "faceid plus"
    PORTRAIT = "portrait"
    PORTRAIT_UNNORM = "portrait unnorm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What must be known of a picture.

    Attributes:
        clip: the pooled, projected embedding (not normalised), or the penultimate layer's tokens with the class token; None for
            neither.
        face: the face vector with length 1, or as the recogniser gives it; None for neither.
        lora: whether the file was trained together with a LoRA, without which it only looks plausible.
    """

    clip: Literal["pooled", "tokens"] | None = None
    face: Literal["normalised", "raw"] | None = None
    lora: bool = False


NEEDS = {
    Kind.GLOBAL: Needs(clip="pooled"),
    Kind.PLUS: Needs(clip="tokens"),
    Kind.FULL_FACE: Needs(clip="tokens"),
    Kind.FACEID: Needs(face="normalised", lora=True),
    Kind.FACEID_PLUS: Needs(clip="tokens", face="normalised", lora=True),
    Kind.PORTRAIT: Needs(face="normalised"),
    Kind.PORTRAIT_UNNORM: Needs(face="raw"),
}
VERSIONS: dict[Version, Kind] = {
    "plain": Kind.GLOBAL,
    "Plus": Kind.PLUS,
    "Plus Face": Kind.PLUS,
    "Full Face": Kind.FULL_FACE,
    "FaceID": Kind.FACEID,
    "FaceID Plus": Kind.FACEID_PLUS,
    "FaceID PlusV2": Kind.FACEID_PLUS,
    "FaceID Portrait": Kind.PORTRAIT,
    "FaceID Portrait unnorm": Kind.PORTRAIT_UNNORM,
}
OF_FACES = ("Plus Face", "Full Face", "FaceID Plus", "FaceID PlusV2")  # CLIP should see the face alone
WITH_SHORTCUT = ("FaceID PlusV2",)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """What a file was taken for.

    Attributes:
        version: by its published name.
        why: one sentence for the user.
    """

    version: Version
    why: str

    @property
    def kind(self) -> Kind:
        """What the projection reads."""
        return VERSIONS[self.version]

    @property
    def needs(self) -> Needs:
        """What must be known of a picture."""
        return NEEDS[self.kind]

    @property
    def shortcut(self) -> bool:
        """Whether the face's own tokens are added to what the resampler gives (PlusV2)."""
        return self.version in WITH_SHORTCUT

    @property
    def is_of_faces(self) -> bool:
        """Whether the picture that CLIP sees should be a crop of the face."""
        return self.version in OF_FACES


def recognise(
    projection: Projection, layers: Mapping[str, Tensor], name: str, *, is_sdxl: bool, version: str = AUTO
) -> Recognised:
    """Tell what a file is.

    Args:
        projection: its projection, built by its keys.
        layers: its `ip_adapter` group, whose types tell Portrait unnorm from InstantID.
        name: of the file, or what messages call the weights.
        is_sdxl: whether its layers are those of SDXL, where PlusV2 is the default.
        version: one of `VERSIONS`, or "auto": by keys, and by the name where keys cannot tell.

    Returns:
        What was taken, and why.

    Raises:
        InvalidSettingError: if the keys contradict the version.
        UnknownCheckpointError: if it looks like InstantID's file.
    """
    possible = _possible(projection)
    if version != AUTO:
        if version not in possible:
            raise InvalidSettingError(
                f'{name} is no "{version}": its keys are those of {" or ".join(possible)}; choose that or "{AUTO}".'
            )
        return Recognised(version=version, why=f"Taken as {version}, as you chose.")
    if possible[0] == "FaceID Portrait unnorm" and _is_float32(layers):
        raise UnknownCheckpointError(
            f"{name} may be InstantID's ip-adapter.bin, which has the keys of FaceID Portrait unnorm but float32 layers, and "
            f'needs a ControlNet and other face vectors; choose the version "{possible[0]}" if it is the Portrait file.'
        )
    if len(possible) == 1:
        return Recognised(version=possible[0], why=f"Taken as {possible[0]}, by its keys.")
    return _by_name(possible, name, is_sdxl)


def _possible(projection: Projection) -> tuple[Version, ...]:
    """The versions that have such a network, the one without a hint first."""
    match projection:
        case ImagePromptProjection():
            return ("plain",)
        case FullFaceProjection():
            return ("Full Face",)
        case IDProjection():
            return ("FaceID Plus", "FaceID PlusV2")
        case LearnedResampler():
            return ("FaceID Portrait unnorm",) if projection.features == FACE_VECTOR else ("Plus", "Plus Face")
        case FacesProjection():
            return ("FaceID Portrait",) if projection.num_tokens == PORTRAIT_TOKENS else ("FaceID",)


def _by_name(possible: tuple[Version, ...], name: str, is_sdxl: bool) -> Recognised:
    plain, special = possible
    hint = special.rpartition(" ")[2] if special == "FaceID PlusV2" else special
    letters = re.sub(r"[^a-z0-9]", "", name.lower())
    if hint.replace(" ", "").lower() in letters:
        return Recognised(version=special, why=f"Taken as {special} by its name, for {plain} has the same keys.")
    if is_sdxl and special == "FaceID PlusV2":
        return Recognised(version=special, why=f"Taken as {special}, for no {plain} was published for SDXL.")
    return Recognised(
        version=plain, why=f"Taken as {plain}, for its name does not say {special}, which has the same keys."
    )


def _is_float32(layers: Mapping[str, Tensor]) -> bool:
    return all(tensor.dtype == torch.float32 for tensor in layers.values())
