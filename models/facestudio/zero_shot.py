"""FaceStudio without weights of its own: a style by a plain IP-Adapter, people by FaceID.

Mixing and several photos are done on the recogniser's vectors, as in the paper (arXiv:2312.02663, section 3.2); style and face
are two attentions that are summed, not one layer.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..adapters.identity_attention import EncodedPeople
from ..clip import clip_pixels
from ..errors import InvalidSettingError
from ..ip_adapter.checkpoint import IPAdapter
from ..ip_adapter.encode import Looking, null_tokens, project
from ..ip_adapter.encoders import IPAdapterEncoders
from ..ip_adapter.kinds import Kind
from ..people.person import Person, looked_at
from ..people.photo import weights_of
from .encode import Mixing, face_vectors

STYLE_STRENGTH, FACE_STRENGTH = 0.6, 0.8
FACES = (Kind.FACEID, Kind.FACEID_PLUS)


def require_adapters(style: IPAdapter, face: IPAdapter | None) -> None:
    """Check what the two adapters read.

    Raises:
        InvalidSettingError: if the first reads something else than CLIP's pooled embedding, the second is no FaceID or FaceID Plus,
            or they were made for different architectures.
    """
    if not style.reads_pooled or style.needs_face:
        raise InvalidSettingError(
            f"style_adapter is {style.recognised.version}, and styles need a plain IP-Adapter, which reads one embedding of the whole "
            "picture; choose ip-adapter_sdxl, ip-adapter_sd15_vit-G or another plain one."
        )
    if face is None:
        return
    if face.kind not in FACES:
        raise InvalidSettingError(
            f"face_adapter is {face.recognised.version}, and faces need FaceID, FaceID Plus or FaceID PlusV2; choose one of them."
        )
    if (style.context_dim, style.widths) != (face.context_dim, face.widths):
        raise InvalidSettingError(
            "style_adapter and face_adapter were made for different base models; choose both for SD1.5 or both for SDXL."
        )


def encode_mixed(
    people: Sequence[Person], encoders: IPAdapterEncoders, adapter: IPAdapter, looking: Looking, mixing: Mixing
) -> EncodedPeople:
    """FaceID's tokens of some people, their photos and parts mixed before the projection.

    What CLIP sees of the faces (FaceID Plus) is added up with the same weights.

    Args:
        people: N of them, each with a face.
        encoders: look at their photos.
        adapter: FaceID or FaceID Plus.
        looking: how.
        mixing: see `face_vectors`.

    Raises:
        InvalidSettingError: see `face_vectors`.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    vectors = face_vectors(people, encoders.required_recogniser, mixing)
    seen = torch.cat([_seen(person, encoders) for person in people]) if adapter.needs_clip else None
    return EncodedPeople(
        tokens=project(adapter, vectors, seen, looking), null_tokens=null_tokens(encoders, adapter, looking)
    )


def _seen(person: Person, encoders: IPAdapterEncoders) -> Tensor:
    """CLIP's tokens of somebody's faces, (1, S, W)."""
    parts = [factor * _of_photos(part, encoders) for part, factor in person.parts]
    return sum(parts[1:], parts[0])


def _of_photos(person: Person, encoders: IPAdapterEncoders) -> Tensor:
    with looked_at(person) as person:
        tokens = encoders.tokens(torch.stack([clip_pixels(face.crop) for _, face in person.shown]))
        weights = tokens.new_tensor(weights_of(photo for photo, _ in person.shown))
    return torch.einsum("k,ksw->sw", weights / weights.sum(), tokens)[None]
