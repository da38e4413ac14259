"""IP-Adapter in ComfyUI: the adapter and its encoders under ComfyUI's memory management, and the files that a loader means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.adapters.identity_attention import EncodedPeople
from ...models.clip import CLIP_SIZE
from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.ip_adapter.checkpoint import IPAdapter, load
from ...models.ip_adapter.combination import Combination
from ...models.ip_adapter.encode import Looking, embedding_tokens, encode_people, null_tokens, picture_tokens
from ...models.ip_adapter.encoders import RECOGNISER, IPAdapterEncoders
from ...models.ip_adapter.files import KINDS
from ...models.people.person import Person
from ...models.people.remembered import RememberedRecogniser
from ...models.port.encoders import FaceRecogniser
from ..encoders.image_encoder import find_clip_vision, image_embedder, image_encoder
from ..face_files import recogniser_file
from ..files import AUTO, NONE, choose_file, model_folder, resolve
from ..memory import attention_dtype, loaded, manage

logger = logging.getLogger(__name__)

NAME = "IP-Adapter"
FOLDER, LORAS = "ipadapter", "loras"
HIDDEN_WIDTHS = {
    1024: 1280,
    1280: 1664,
}  # of the vision model (ViT-H, ViT-bigG) by the width of its projected embedding


@dataclass(frozen=True, eq=False)
class LoadedIPAdapter:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        encoder: patcher of the projection, which runs before sampling.
        attention: patcher of keys and values, loaded together with the MODEL.
        encoders: what looks at pictures and faces; each says what is missing when it is needed.
    """

    adapter: IPAdapter
    encoder: ModelPatcher
    attention: ModelPatcher
    encoders: IPAdapterEncoders

    def encode_people(self, people: Sequence[Person], looking: Looking) -> EncodedPeople:
        """The tokens of some people and of nobody on the CPU, see `models.ip_adapter.encode.encode_people`."""
        with loaded(self.encoder):
            return encode_people(people, self.encoders, self.adapter, looking).on_cpu()

    def encode_pictures(
        self, pictures: Sequence[np.ndarray], looking: Looking, how: Combination
    ) -> tuple[Tensor, Tensor]:
        """The tokens of some pictures, (1, T, D), and those of the negative side, (1, T', D)."""
        with loaded(self.encoder):
            tokens = picture_tokens(pictures, self.encoders, self.adapter, looking, how=how)
            return tokens.cpu(), null_tokens(self.encoders, self.adapter, looking).cpu()

    def encode_embeddings(self, embeddings: Tensor, looking: Looking, how: Combination) -> tuple[Tensor, Tensor]:
        """The tokens of pooled embeddings (N, E) of pictures, (1, T, D), and those of the negative side, (1, T', D)."""
        with loaded(self.encoder):
            tokens = embedding_tokens(embeddings, self.adapter, looking, how=how)
            return tokens.cpu(), null_tokens(self.encoders, self.adapter, looking).cpu()


def new_ip_adapter(
    adapter: IPAdapter, *, clip_vision: Any = None, recogniser: FaceRecogniser | None = None
) -> LoadedIPAdapter:
    """Put an adapter under ComfyUI's memory management, with its encoders, none of which looks at a picture twice.

    Args:
        adapter: the weights.
        clip_vision: a CLIP_VISION of the kind that it was trained with, or None; not looked at where it reads none.
        recogniser: gives face vectors, or None.

    Raises:
        IncompatibleBaseModelError: if the CLIP vision model is another one.
    """
    clip, embedder, width = None, None, adapter.image_width
    if clip_vision is not None and width is not None:
        if adapter.reads_pooled:
            embedder = image_embedder(clip_vision, width=width, size=CLIP_SIZE)
        else:
            clip = image_encoder(clip_vision, width=width, size=CLIP_SIZE)
    encoders = IPAdapterEncoders(
        clip=clip,
        embedder=embedder,
        recogniser=None if recogniser is None else RememberedRecogniser(recogniser),
        wanted=adapter.encoder or f"{width} wide",
    )
    return LoadedIPAdapter(adapter, manage(adapter.projection), manage(adapter.attention), encoders)


def choose_ip_adapter(
    *,
    ip_adapter: str = AUTO,
    version: str = AUTO,
    lora: str = NONE,
    recogniser: str = AUTO,
    clip_vision_file: str = AUTO,
    clip_vision: Any = None,
) -> LoadedIPAdapter:
    """Load an IP-Adapter with all that it needs.

    Only the adapter's own file must be there; each encoder is missed when it is needed.

    Args:
        ip_adapter: a file of models/ipadapter, or "auto": the first by name that is one.
        version: what the file is, where its keys do not tell, see `models.ip_adapter.kinds`.
        lora: a file of models/loras that was published beside a FaceID file, or "none"; files that hold it need none.
        recogniser: an ONNX file of models/insightface, or "auto": the one that the published files were trained with.
        clip_vision_file: a file of models/clip_vision, or "auto": one of the width that the adapter was trained with.
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file that is named, or the adapter's, is not there.
        UnknownCheckpointError: if a named file is something else.
        InvalidSettingError: if the version contradicts the file, or the LoRA has no place.
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
    """
    path = _find(ip_adapter)
    adapter = load(
        path,
        lora=None if lora == NONE else resolve(LORAS, lora),
        version=version,
        dtype=attention_dtype(),
        dim_head=None,
    )
    logger.info("%s: %s", NAME, " ".join(adapter.notes))
    found = recogniser_file(recogniser, RECOGNISER) if adapter.needs_face else None
    if clip_vision is None and adapter.image_width is not None:
        width = adapter.image_width
        if adapter.reads_pooled:
            width = HIDDEN_WIDTHS.get(width, width)
        clip_vision = find_clip_vision(clip_vision_file, width=width)
    return new_ip_adapter(adapter, clip_vision=clip_vision, recogniser=None if found is None else ArcFace(found))


def _find(choice: str) -> Path:
    if choice != AUTO:
        return resolve(FOLDER, choice)
    found = (choose_file(AUTO, FOLDER, kind) for kind in KINDS)
    path = min((each for each in found if each is not None), key=lambda each: each.name, default=None)
    if path is None:
        raise MissingModelFileError(
            f"No IP-Adapter file was found in {model_folder(FOLDER)}; put one there (published: ip-adapter-faceid-plusv2_sd15.bin "
            "for faces, ip-adapter-plus_sd15.safetensors for pictures, and others for SDXL) and reload the page."
        )
    return path
