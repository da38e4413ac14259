"""IP-Adapter's files: what each one is, and the adapter that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor, nn

from ..adapters.id_projection import FacesProjection, IDProjection
from ..adapters.resampler import LearnedResampler
from ..adapters.weights import LoRA, check_layers, key_shape, keys_and_values, lora_pairs
from ..errors import InvalidSettingError, UnknownCheckpointError
from ..weights.reading import Source, read_weights
from .files import FILES, FOLDERS, IMAGE_PROMPT, KINDS, LAYERS, PLUS, groups
from .kinds import AUTO, Kind, Recognised, recognise
from .layers import CONTEXTS, FAMILIES, attention_paths, family_of
from .lora import is_same, read_lora
from .projection import FullFaceProjection, Projection, from_state_dict

__all__ = ["FILES", "FOLDERS", "IMAGE_PROMPT", "IPAdapter", "load"]

PUBLISHED_HEAD = 64
FULL_FACE_TOKENS = 257  # as many as ViT-H gives
ENCODERS = {  # what the projection reads, and how wide it is
    ("pooled", 1024): "ViT-H",
    ("pooled", 1280): "ViT-bigG",
    ("tokens", 1280): "ViT-H",
    ("tokens", 1664): "ViT-bigG",
}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class IPAdapter:
    """Everything that an IP-Adapter adds to a UNet.

    Attributes:
        projection: of a picture or a face to context tokens, float32.
        attention: keys and values of these tokens by cross-attention site index, as a string (a KeyValueProjection each).
        lora: by site index of self- and cross-attention, q, k, v and out of every layer; (rank, in) and (C, rank) each; None
            where neither the file nor another one has it.
        recognised: what the file was taken for.
        context_dim: D, width of the context that the UNet must have; 768 is SD1.5, 2048 SDXL.
        widths: C of every cross-attention site, by index.
        tokens: T, tokens of a picture, or of one face.
        image_width: width of what CLIP must give, pooled or as tokens; None where a face vector is all.
        face_width: width of the face vector, or None.
        notes: sentences for the user: what was taken and why, and what is to be known of the LoRA.
    """

    projection: Projection
    attention: nn.ModuleDict
    lora: LoRA | None
    recognised: Recognised
    context_dim: int
    widths: dict[int, int]
    tokens: int
    image_width: int | None
    face_width: int | None
    notes: tuple[str, ...]

    @property
    def kind(self) -> Kind:
        """What the projection reads."""
        return self.recognised.kind

    @property
    def is_v2(self) -> bool:
        """Whether a FaceID Plus projection is used with its shortcut."""
        return self.recognised.shortcut

    @property
    def needs_clip(self) -> bool:
        """Whether CLIP must look at the picture."""
        return self.recognised.needs.clip is not None

    @property
    def reads_pooled(self) -> bool:
        """Whether it reads CLIP's pooled, projected embedding, and not its tokens."""
        return self.recognised.needs.clip == "pooled"

    @property
    def needs_face(self) -> bool:
        """Whether a face vector is needed."""
        return self.recognised.needs.face is not None

    @property
    def encoder(self) -> str | None:
        """The CLIP vision model that it was trained with, "ViT-H" or "ViT-bigG"; None where no published one is so wide."""
        clip = self.recognised.needs.clip
        return ENCODERS.get((clip, self.image_width)) if clip and self.image_width else None

    @property
    def lacks_lora(self) -> bool:
        """Whether it was trained together with a LoRA and has none: it acts, but not as trained."""
        return self.recognised.needs.lora and self.lora is None


def load(
    source: Source,
    *,
    lora: Source | None = None,
    version: str = AUTO,
    dtype: torch.dtype | None = None,
    dim_head: int | None = PUBLISHED_HEAD,
) -> IPAdapter:
    """Read an adapter.

    Args:
        source: path or state dict, nested or with dotted keys, under published names or those of training checkpoints.
        lora: path or state dict of the LoRA published beside a FaceID file; not needed where the file holds it.
        version: one of `kinds.VERSIONS`, or "auto".
        dtype: of keys, values and LoRA; None keeps those of each group of the file.
        dim_head: head width of a resampler, which no tensor tells; None is 64, or the largest part of it that fits.

    Raises:
        UnknownCheckpointError: if it is something else (InstantID's file, an adapter for Kolors, a LoRA), its parts do not
            fit each other, or tensors are missing, unexpected or of another shape.
        InvalidSettingError: if the version contradicts the keys, or the LoRA has no place.
        LikenessError: if a file cannot be read, see `reading.read_state_dict`.
    """
    weights, name = read_weights(source, PLUS, *KINDS, called="an IP-Adapter file")
    image_proj, layers = groups(weights, name)
    projection = from_state_dict(image_proj, dim_head=dim_head or _head_width(image_proj))
    width, has_lora, group = projection.width, any("_lora." in key for key in layers), LAYERS[0].rstrip(".")
    _check_bases(layers, width, name)
    family = CONTEXTS.get(width)
    count = len(attention_paths(FAMILIES[family])) if family else None
    check_layers(layers, width, group, name, lora=has_lora, count=count)
    attention = keys_and_values(layers, "ip", width, name, dtype)
    widths = {index: key_shape(attention, index)[0] for index in map(int, attention)}
    recognised = recognise(projection, layers, name, is_sdxl=family_of(2 * len(attention)) == "SDXL", version=version)
    inside = lora_pairs(layers, group, name, dtype) if has_lora else None
    if lora is not None and not recognised.needs.lora:
        raise InvalidSettingError(f"{name} is {recognised.version}, which has no LoRA; leave the LoRA file out.")
    given = None if lora is None else read_lora(lora, widths, width, dtype)
    image_width, face_width = _inputs(projection, recognised)
    return IPAdapter(
        projection=projection,
        attention=attention,
        lora=inside or given,
        recognised=recognised,
        context_dim=width,
        widths=widths,
        tokens=FULL_FACE_TOKENS if isinstance(projection, FullFaceProjection) else projection.num_tokens,
        image_width=image_width,
        face_width=face_width,
        notes=(recognised.why, *_lora_notes(inside, given, recognised, name)),
    )


def _lora_notes(inside: LoRA | None, given: LoRA | None, recognised: Recognised, name: str) -> tuple[str, ...]:
    """What the user should know of the LoRA.

    Raises:
        InvalidSettingError: if there are two.
    """
    if inside and given:
        if is_same(inside, given):
            return ("The LoRA file holds what is in the adapter already; it acts once.",)
        raise InvalidSettingError(
            f"{name} holds a LoRA, and the LoRA file is another one; leave the file out, for an adapter acts with its own."
        )
    if recognised.needs.lora and not (inside or given):
        return (
            f"{recognised.version} was trained together with a LoRA, and there is none: likeness will be weaker; choose the "
            "LoRA file that was published beside it.",
        )
    return ()


def _check_bases(layers: Mapping[str, Tensor], width: int, name: str) -> None:
    """Both groups were trained for one base model."""
    keys = next(tensor for key, tensor in layers.items() if key.endswith(".to_k_ip.weight"))
    if keys.shape[-1] != width:
        made, read = (
            f"{size} wide" + (f" ({CONTEXTS[size]})" if size in CONTEXTS else "") for size in (width, keys.shape[-1])
        )
        raise UnknownCheckpointError(
            f"{name} makes tokens {made}, but its layers read tokens {read}: it is put together from adapters of two base "
            "models; choose a published file."
        )


def _head_width(image_proj: Mapping[str, Tensor]) -> int:
    queries = (tensor for key, tensor in image_proj.items() if key.endswith("layers.0.0.to_q.weight"))
    return gcd(PUBLISHED_HEAD, *(query.shape[0] for query in queries))


def _inputs(projection: Projection, recognised: Recognised) -> tuple[int | None, int | None]:
    """Widths of what is read of CLIP and of a face."""
    match projection:
        case LearnedResampler():
            return (None, projection.features) if recognised.needs.face else (projection.features, None)
        case FacesProjection():
            return None, projection.vector_width
        case IDProjection():
            return projection.image_width, projection.vector_width
        case _:
            return projection.image_width, None
