"""UniPortrait in ComfyUI: the adapter and its encoders under ComfyUI's memory management, and the files that a loader means."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

from comfy.model_patcher import ModelPatcher
from torch import nn

from ...models.adapters.identity_attention import EncodedPeople
from ...models.errors import MissingModelFileError
from ...models.people.person import Person
from ...models.placement.placements import Placement
from ...models.port.encoders import FaceBackbone, ImageEncoder
from ...models.uniportrait.application import Routed, lora_for, structure_for
from ...models.uniportrait.checkpoint import BACKBONE, FACEID, ROUTER, UniPortraitAdapter, load, load_backbone
from ...models.uniportrait.encode import CROP_SIZE, UniPortraitEncoders, encode_people
from ..encoders.backbone import manage_backbone
from ..encoders.image_encoder import find_clip_vision, image_encoder
from ..files import AUTO, NONE, choose_file, load_once, model_folder, resolve
from ..memory import attention_dtype, loaded, manage
from ..unet.sites import require_fit

NAME = "UniPortrait"
FOLDER = "uniportrait"
PUBLISHED = {
    FACEID: "uniportrait-faceid_sd15.bin",
    BACKBONE: "glint360k_curricular_face_r101_backbone.bin",
}


@dataclass(frozen=True, eq=False)
class LoadedUniPortrait:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        encoder: patcher of the networks that run before sampling.
        attention: patcher of keys, values and routers, loaded together with the MODEL.
        backbone: of face recognition.
        clip: the image encoder; None where none was found.
    """

    adapter: UniPortraitAdapter
    encoder: ModelPatcher
    attention: ModelPatcher
    backbone: FaceBackbone
    clip: ImageEncoder | None

    @property
    def encoders(self) -> UniPortraitEncoders:
        """What looks at people's faces.

        Raises:
            MissingModelFileError: without an image encoder.
        """
        if self.clip is None:
            raise MissingModelFileError(
                f"UniPortrait needs the CLIP vision model that it was trained with ({self.clip_width} wide; for the "
                "published files OpenCLIP ViT-H/14), and none was found; put it into models/clip_vision, or connect "
                "clip_vision to Load UniPortrait."
            )
        return UniPortraitEncoders(clip=self.clip, backbone=self.backbone)

    @property
    def clip_width(self) -> int:
        """Width of the CLIP vision model that the adapter was trained with."""
        return clip_width(self.adapter, self.backbone)

    def encode(self, people: Sequence[Person], structure_scale: float) -> EncodedPeople:
        """The tokens of some people on the CPU, see `encode_people`."""
        encoders = self.encoders
        with loaded(self.encoder):
            return encode_people(people, encoders, self.adapter.id_embedding, structure_scale).on_cpu()


@dataclass(frozen=True, eq=False)
class UniPortraitRouter:
    """UniPortrait's routers as a `Router` for any method.

    Attributes:
        uniportrait: with its router file.
        structure_scale: of the people's tokens that the routers compare, 0–1; below 0 it is chosen.
        every: noise levels from one choice to the next, 1–100; in between the last one is kept.
    """

    uniportrait: LoadedUniPortrait
    structure_scale: float
    every: int = 1

    @property
    def weights(self) -> ModelPatcher:
        """What is loaded together with the MODEL."""
        return self.uniportrait.attention

    def require_fit(self, model: ModelPatcher) -> None:
        """Refuse a MODEL of another architecture than the router was trained for.

        Raises:
            IncompatibleBaseModelError: see `sites.require_fit`.
        """
        adapter = self.uniportrait.adapter
        require_fit(model, adapter.widths, adapter.context_dim, name=NAME)

    def route(self, people: Sequence[Person], *, is_soft: bool = False) -> Placement:
        """The placement of people by the routers, see `Routed`.

        Raises:
            InvalidSettingError: if several people have no router.
        """
        lora_for(self.uniportrait.adapter, len(people))  # its file holds the routers too
        encoded = self.uniportrait.encode(people, structure_for(len(people), self.structure_scale))
        return Routed(self.uniportrait.adapter.routers, encoded.tokens, is_soft, self.every)


def load_uniportrait(
    faceid: PathLike[str],
    backbone: PathLike[str],
    router: PathLike[str] | None = None,
    image_prompt: PathLike[str] | None = None,
    clip_vision: Any = None,
) -> LoadedUniPortrait:
    """Read the adapter's files and put their networks under ComfyUI's memory management."""
    adapter = load(faceid, router, image_prompt=image_prompt, dtype=attention_dtype())
    return new_uniportrait(adapter, manage_backbone(load_backbone(backbone)), clip_vision)


def new_uniportrait(adapter: UniPortraitAdapter, backbone: FaceBackbone, clip_vision: Any = None) -> LoadedUniPortrait:
    """Put an adapter under ComfyUI's memory management, with its encoders.

    Args:
        adapter: the weights.
        backbone: of face recognition.
        clip_vision: a CLIP_VISION of the width that it was trained with, or None.

    Raises:
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
    """
    encoder = nn.ModuleDict({"id_embedding": adapter.id_embedding})
    attention = nn.ModuleDict({"face": adapter.face_attention, "routers": adapter.routers})
    if adapter.image_prompt is not None:
        encoder["image_prompt"] = adapter.image_prompt.projection
        attention["image_prompt"] = adapter.image_prompt.attention
    width = clip_width(adapter, backbone)
    clip = None if clip_vision is None else image_encoder(clip_vision, width=width, size=CROP_SIZE)
    return LoadedUniPortrait(adapter, manage(encoder), manage(attention), backbone, clip)


def clip_width(adapter: UniPortraitAdapter, backbone: FaceBackbone) -> int:
    """Width of the CLIP vision model that an adapter was trained with."""
    return adapter.id_embedding.structure_width - sum(backbone.channels[:-1])


def choose_uniportrait(
    *,
    faceid: str = AUTO,
    router: str = AUTO,
    backbone: str = AUTO,
    clip_vision_file: str = AUTO,
    image_prompt: str = "none",
    clip_vision: Any = None,
) -> LoadedUniPortrait:
    """Load UniPortrait with all that it needs.

    Args:
        faceid, router, backbone: files of models/uniportrait, or "auto"; router may be "none".
        clip_vision_file: a file of models/clip_vision, or "auto": one of the width that the adapter was trained with.
        image_prompt: a file of models/ipadapter, or "none".
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file is not there; naming the published one and its folder.
        UnknownCheckpointError: if a named file is something else.
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
    """
    adapter = load(
        _required(faceid, FACEID),
        choose_file(router, FOLDER, ROUTER),
        image_prompt=None if image_prompt == NONE else resolve("ipadapter", image_prompt),
        dtype=attention_dtype(),
    )
    path = _required(backbone, BACKBONE)
    network = manage_backbone(load_once(path, "face backbone", lambda: load_backbone(path)))
    if clip_vision is None:
        clip_vision = find_clip_vision(clip_vision_file, width=clip_width(adapter, network))
    return new_uniportrait(adapter, network, clip_vision)


def _required(choice: str, kind: str) -> Path:
    path = choose_file(choice, FOLDER, kind)
    if path is None:
        raise MissingModelFileError(
            f"No {kind} file of UniPortrait was found in {model_folder(FOLDER)}; put one there (the published one is "
            f"{PUBLISHED[kind]}) and reload the page."
        )
    return path
