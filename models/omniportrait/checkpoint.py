"""OmniPortrait's file: the fusion, its image encoder or what training changed in it, and the metadata that it cannot do without.

One safetensors: "fusion.weight", "fusion.bias", and "visual." with open_clip's names. Metadata: "image_encoder", JSON of
`ImageEncoderConfig.details`; and "visual_base" with "visual_base_sha256", the name and hash of the file that the other "visual."
tensors are in, where the adapter holds only some.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from os import PathLike
from pathlib import Path

import torch
from torch import Tensor

from ..errors import InvalidSettingError, UnknownCheckpointError
from ..weights.head import sha256
from ..weights.reading import read_flat, read_metadata, read_weights
from ..weights.state_dict import KeyReport, Signature, Width, load_strictly, subset, summarise
from .image_encoder import UNTOLD, ImageEncoderConfig, PivotImageEncoder
from .pivot_id_encoder import PivotIDEncoder

OMNIPORTRAIT = "OmniPortrait"

FOLDERS = ("omniportrait",)
FILES = (
    Signature(
        kind=OMNIPORTRAIT,
        description="an OmniPortrait file",
        has=(r"fusion\.weight$", r"fusion\.bias$"),
        belongs='in "omniportrait" of Load OmniPortrait',
        context=Width(r"fusion\.weight$", 0),
    ),
)
FUSION, VISUAL = "fusion", "visual"
IMAGE_ENCODER, BASE, BASE_SHA256 = "image_encoder", "visual_base", "visual_base_sha256"  # metadata
SHOWN = 12  # digits of a hash


@dataclass(frozen=True, slots=True)
class BaseFile:
    """The file that an image encoder began as.

    Attributes:
        name: without its folder.
        sha256: of the whole file, hexadecimal.
    """

    name: str
    sha256: str

    @classmethod
    def at(cls, path: str | PathLike[str]) -> BaseFile:
        """Look at a file; reads all of it."""
        return cls(Path(path).name, sha256(path))


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class OmniPortraitAdapter:
    """Everything that the pivot needs.

    Attributes:
        pivot: fuses embeddings with text rows, float32.
        image_encoder: face crops to embeddings.
        config: of the image encoder.
        context_dim: D, width of the context that the UNet must have; 768 is SD1.5, 2048 SDXL.
    """

    pivot: PivotIDEncoder
    image_encoder: PivotImageEncoder
    config: ImageEncoderConfig
    context_dim: int


def load(
    source: str | PathLike[str], base: str | PathLike[str] | None = None, *, dtype: torch.dtype = torch.float32
) -> OmniPortraitAdapter:
    """Read an adapter.

    Args:
        source: a safetensors file; no other format holds metadata.
        base: open_clip's weights, safetensors or ".bin", for adapters that hold only what training changed; not read for
            others.
        dtype: of the image encoder.

    Raises:
        UnknownCheckpointError: if a file is something else, its metadata do not describe the image encoder, the base is
            missing or another than the adapter was trained from, or tensors are missing, unexpected or of another shape.
        LikenessError: if a file cannot be read, see `reading.read_state_dict`; or a package is missing.
    """
    weights, name = read_weights(source, OMNIPORTRAIT)
    unknown = [key for key in weights if not key.startswith((f"{FUSION}.", f"{VISUAL}."))]
    KeyReport(name, unexpected=unknown).raise_if_faulty()
    metadata = read_metadata(Path(source))
    config = _config(metadata, name)
    pivot = PivotIDEncoder.from_state_dict({key: weights[key] for key in weights if key.startswith(f"{FUSION}.")})
    if pivot.reference_width != config.embed_dim:
        raise UnknownCheckpointError(
            f"{name} fuses embeddings {pivot.reference_width} wide, but describes an image encoder that gives "
            f"{config.embed_dim}; download the file again or choose another one."
        )
    visual, encoder = subset(weights, f"{VISUAL}."), _empty(config)
    absent = [key for key in encoder.visual.state_dict() if key not in visual]
    if absent and BASE in metadata:
        wanted = BaseFile(metadata[BASE], metadata.get(BASE_SHA256, ""))
        visual = (
            _base_weights(wanted, base, f"{name} holds {len(visual)} of the {len(visual) + len(absent)} tensors")
            | visual
        )
    return OmniPortraitAdapter(
        pivot=pivot,
        image_encoder=_filled(encoder, visual, f"{name}, image encoder,", dtype),
        config=config,
        context_dim=pivot.text_width,
    )


def load_image_encoder(
    base: str | PathLike[str], config: ImageEncoderConfig, *, dtype: torch.dtype = torch.float32
) -> PivotImageEncoder:
    """The image encoder that training begins with, frozen, in eval mode.

    Args:
        base: open_clip's weights, safetensors or ".bin"; the keys begin with "visual." or with nothing, a text tower is
            passed over.
        config: what the file's writer did, which no tensor tells.
        dtype: of the encoder.

    Raises:
        UnknownCheckpointError: if the file is something else, or tensors are missing, unexpected or of another shape.
        LikenessError: if it cannot be read, see `reading.read_state_dict`; or a package is missing.
    """
    return _filled(_empty(config), _visual(base), f'"{Path(base).name}", image encoder,', dtype)


def adapter_weights(
    pivot: PivotIDEncoder, image_encoder: PivotImageEncoder, *, changed: Collection[str] | None = None
) -> dict[str, dict[str, Tensor]]:
    """What an adapter's file holds: part of the file → key → tensor; the file's keys are "part.key".

    Args:
        pivot: the fusion.
        image_encoder: after training.
        changed: keys of `image_encoder.visual` to store; None for all.

    Raises:
        InvalidSettingError: if the encoder has no such key.
    """
    visual = image_encoder.visual.state_dict()
    unknown = set(changed or ()) - visual.keys()
    if unknown:
        raise InvalidSettingError(
            f"The image encoder has no {', '.join(sorted(unknown))}; give keys of its state dict."
        )
    kept = {key: tensor for key, tensor in visual.items() if changed is None or key in changed}
    return {FUSION: pivot.fusion.state_dict(), VISUAL: kept}


def adapter_metadata(config: ImageEncoderConfig, base: BaseFile | None = None) -> dict[str, str]:
    """What an adapter's file must say beside its tensors.

    Args:
        config: of the image encoder.
        base: the file that holds the tensors that the adapter leaves out; None where it holds all.
    """
    described = {IMAGE_ENCODER: json.dumps(config.details())}
    return described if base is None else {**described, BASE: base.name, BASE_SHA256: base.sha256}


def _config(metadata: Mapping[str, str], name: str) -> ImageEncoderConfig:
    try:
        details = json.loads(metadata.get(IMAGE_ENCODER, "{}"))
    except (ValueError, RecursionError):
        details = None
    if not isinstance(details, dict):
        raise UnknownCheckpointError(
            f'{name} has metadata "{IMAGE_ENCODER}" that are no JSON object; download it again or export it again.'
        )
    lacking = [field for field in UNTOLD if field not in details]
    if lacking:
        raise UnknownCheckpointError(
            f"{name} does not say {', '.join(lacking)} of its image encoder, which cannot be guessed; export it again with this "
            f'pack\'s trainer, or write them into its metadata "{IMAGE_ENCODER}".'
        )
    try:
        return ImageEncoderConfig.from_details(details)
    except InvalidSettingError as error:
        raise UnknownCheckpointError(f'{name} has metadata "{IMAGE_ENCODER}" that do not fit: {error}') from error


def _empty(config: ImageEncoderConfig) -> PivotImageEncoder:
    with torch.device("meta"):
        return PivotImageEncoder(config)


def _filled(
    encoder: PivotImageEncoder, visual: Mapping[str, Tensor], name: str, dtype: torch.dtype
) -> PivotImageEncoder:
    return load_strictly(encoder, {f"{VISUAL}.{key}": tensor for key, tensor in visual.items()}, name, dtype=dtype)


def _base_weights(wanted: BaseFile, base: str | PathLike[str] | None, holds: str) -> dict[str, Tensor]:
    """The tower of the base, once it is clear that it is the one that the adapter was trained from."""
    if not wanted.sha256:
        raise UnknownCheckpointError(
            f'{holds} of its image encoder and no hash of "{wanted.name}", which has the rest; export it again with '
            f'"{BASE_SHA256}" in its metadata.'
        )
    if base is None:
        raise UnknownCheckpointError(
            f'{holds} of its image encoder; the rest is in "{wanted.name}" (sha256 {wanted.sha256[:SHOWN]}…): choose that '
            "file as base."
        )
    found = BaseFile.at(base)
    if found.sha256 != wanted.sha256.lower():
        raise UnknownCheckpointError(
            f'{holds} of its image encoder and was trained from "{wanted.name}" (sha256 {wanted.sha256[:SHOWN]}…), but '
            f'"{found.name}" has sha256 {found.sha256[:SHOWN]}…; choose the very file as base.'
        )
    return _visual(base)


def _visual(base: str | PathLike[str]) -> dict[str, Tensor]:
    """The tower's tensors of one of open_clip's files, keys without the prefix."""
    weights, name = read_flat(base)
    if any(key.startswith(f"{VISUAL}.") for key in weights):
        return subset(weights, f"{VISUAL}.")
    if "class_embedding" in weights and "conv1.weight" in weights:
        return weights
    raise UnknownCheckpointError(
        f"{name} is no CLIP model of open_clip: it holds {summarise(weights)}; choose open_clip's own file "
        f'(keys beginning "{VISUAL}."), not one converted for transformers.'
    )
