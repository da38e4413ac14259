"""Files of priors: what their metadata say, and loading one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from math import inf
from pathlib import Path
from typing import Any

from ..errors import InvalidSettingError, UnknownCheckpointError
from ..weights.reading import Source, read_metadata, read_weights
from ..weights.signatures import PRIOR
from .prior import EmbeddingPrior

METADATA_KEY = "prior"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorDescription:
    """What no tensor of a prior tells. Published files do not say it; files of this pack's trainer do, in their metadata.

    Attributes:
        clamp: the largest value, either sign, that a predicted embedding may have before it is de-normalised.
        dim_head: width of one attention head.
        space: name of the space of picture embeddings, as messages call it; empty for a published one, told by its width.
        projected: whether it reads the text tower's pooled embedding behind its projection, as published priors do, or the one
            before it, of a tower that has none.

    Raises:
        InvalidSettingError: if a value is of another kind or out of its range.
    """

    clamp: float
    dim_head: int = 64
    space: str = ""
    projected: bool = True

    def __post_init__(self) -> None:
        said: dict[str, Any] = asdict(self)  # as a file may say it
        clamp, dim_head, space = said["clamp"], said["dim_head"], said["space"]
        if isinstance(clamp, bool) or not isinstance(clamp, (int, float)) or not 0 < clamp < inf:
            raise InvalidSettingError(f"clamp is {clamp!r}; give a number above 0.")
        if isinstance(dim_head, bool) or not isinstance(dim_head, int) or dim_head < 1:
            raise InvalidSettingError(f"dim_head is {dim_head!r}; give a whole number above 0.")
        if not isinstance(space, str):
            raise InvalidSettingError(f"space is {space!r}; give a name.")
        if not isinstance(said["projected"], bool):
            raise InvalidSettingError(f"projected is {said['projected']!r}; give true or false.")

    def metadata(self) -> dict[str, str]:
        """As metadata of a safetensors file."""
        return {METADATA_KEY: json.dumps(asdict(self))}

    @classmethod
    def from_metadata(cls, metadata: Mapping[str, str], name: str) -> PriorDescription | None:
        """What a file says, or None where it says nothing, as published files.

        Args:
            metadata: of the file.
            name: what a message calls the file.

        Raises:
            UnknownCheckpointError: if it says something that does not fit.
        """
        if METADATA_KEY not in metadata:
            return None
        try:
            said: Any = json.loads(metadata[METADATA_KEY])
            unknown = sorted(said.keys() - {field.name for field in fields(cls)})
            if unknown:
                raise InvalidSettingError(f"{', '.join(unknown)} is not known.")
            return cls(**said)
        except (TypeError, ValueError, AttributeError, RecursionError) as error:
            raise UnknownCheckpointError(
                f'{name} says in its metadata ("{METADATA_KEY}") something that is not known here ({error}); export it again '
                "with this pack's trainer."
            ) from error


@dataclass(frozen=True, eq=False, slots=True)
class PriorWeights:
    """A prior as its file has it.

    Attributes:
        network: in float32 on the CPU.
        description: what the file says, or what its layout was published with.
    """

    network: EmbeddingPrior
    description: PriorDescription


def load(source: Source) -> PriorWeights:
    """Read a prior: of Karlo, Kandinsky 2.1 or 2.2 in the layout of diffusers, or of this pack's trainer.

    Args:
        source: path of a safetensors file or one written by torch.save, of any name; or a state dict.

    Raises:
        UnknownCheckpointError: if it is something else, ECLIPSE's among them, if tensors are missing, unexpected or of another
            shape, or if nothing says what its predictions are clamped to.
        LikenessError: if the file cannot be read, see `reading.read_state_dict`.
    """
    weights, name = read_weights(source, PRIOR)
    said = None if isinstance(source, Mapping) else PriorDescription.from_metadata(read_metadata(Path(source)), name)
    network = EmbeddingPrior.from_state_dict(weights, **({} if said is None else {"dim_head": said.dim_head}))
    if said is not None:
        return PriorWeights(network, said)
    if network.layout is None:
        raise UnknownCheckpointError(
            f"{name} predicts embeddings {network.sizes.embedding} wide, as no published prior does, and has no metadata that say "
            "what they are clamped to; choose a published file, or export it with this pack's trainer."
        )
    return PriorWeights(network, PriorDescription(clamp=network.layout.clamp, space=network.layout.space))
