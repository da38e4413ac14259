"""What a FaceStudio file says of itself: which CLIP models saw the style pictures, and what no tensor's shape tells.

CLIP models of one shape were trained with other activations, means and spreads, and would be silently wrong in place of each
other; so the file names them, and their hashes where the trainer had files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, get_args

from ..clip import CLIP_MEAN, CLIP_STD
from ..errors import InvalidSettingError, UnknownCheckpointError
from .hybrid import FACE
from .style import Space

METADATA_KEY = "facestudio"

Encoder = Literal["vitl", "paper3", "other"]
Activation = Literal["quick_gelu", "gelu"]
Colours = tuple[float, float, float]

NETWORKS: dict[Encoder, tuple[str, ...]] = {  # by open_clip's names, in the order in which embeddings are joined
    "vitl": ("ViT-L-14",),
    "paper3": ("ViT-L-14", "RN101", "ViT-B-32"),
}
WIDTHS: dict[Encoder, int] = {"vitl": 768, "paper3": 1792}


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What a FaceStudio file was trained with.

    Attributes:
        encoder: "vitl", OpenAI's ViT-L/14; "paper3", the paper's three; or another CLIP vision model.
        space: name of the space where the encoder is another; else empty.
        activation: of the CLIP models; OpenAI's have the quick one.
        mean, std: of red, green and blue, for values 0–1.
        sha256: of the CLIP models' files, in the order of `NETWORKS`; empty where the trainer did not know them.
        face_width: V of the recogniser's vector.
        recogniser: name of its file.

    Raises:
        InvalidSettingError: if a value is of another kind.
    """

    encoder: Encoder = "vitl"
    space: str = ""
    activation: Activation = "quick_gelu"
    mean: Colours = CLIP_MEAN
    std: Colours = CLIP_STD
    sha256: tuple[str, ...] = ()
    face_width: int = FACE
    recogniser: str = "w600k_r50"

    def __post_init__(self) -> None:
        choices = (("encoder", self.encoder, get_args(Encoder)), ("activation", self.activation, get_args(Activation)))
        for name, value, known in choices:
            if value not in known:
                raise InvalidSettingError(f'{name} is "{value}"; choose one of: {", ".join(known)}.')
        for name, colours in (("mean", self.mean), ("std", self.std)):
            if len(colours) != 3 or not all(map(_is_number, colours)):
                raise InvalidSettingError(f"{name} is {colours}; give three numbers.")
        if min(self.std) <= 0:
            raise InvalidSettingError(f"std is {self.std}; give numbers above 0.")
        if not _is_number(self.face_width) or self.face_width < 1 or self.face_width % 1:
            raise InvalidSettingError(f"face_width is {self.face_width}; give a whole number above 0.")

    def space_of(self, width: int) -> Space:
        """The space of the style embeddings, of a width that the layer reads."""
        return Space(self.space, width) if self.space else Space.of_width(width)

    def metadata(self) -> dict[str, str]:
        """As metadata of a safetensors file."""
        return {METADATA_KEY: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> Description:
        """What a file says.

        Args:
            metadata: of the file.
            name: what a message calls the file.

        Raises:
            UnknownCheckpointError: if it says nothing, or something that does not fit.
        """
        try:
            said: Any = json.loads(metadata[METADATA_KEY])
            known = {field.name for field in fields(cls)}
            values: dict[str, Any] = {
                key: tuple(value) if isinstance(value, list) else value for key, value in said.items()
            }
            unknown = sorted(values.keys() - known)
            if unknown:
                raise InvalidSettingError(f"{', '.join(unknown)} is not known.")
            return cls(**values)
        except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UnknownCheckpointError(
                f'{name} does not say in its metadata ("{METADATA_KEY}") which CLIP models it was trained with, or not in a way '
                "that is known here; export it again with this pack's trainer."
            ) from error

    def require_width(self, width: int, name: str) -> None:
        """Check the width of the style embedding that the layer reads.

        Raises:
            UnknownCheckpointError: if the encoder gives another.
        """
        wanted = WIDTHS.get(self.encoder, width)
        if width != wanted:
            raise UnknownCheckpointError(
                f'{name} reads styles {width} wide, and its encoder "{self.encoder}" gives {wanted}; download it again or choose '
                "another file."
            )


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
