"""One adapter put into a MODEL by ComfyUI_IPAdapter_plus and by Apply IP-Adapter, inside a ComfyUI's process.

Both are given the same file, the same picture and, for FaceID, the same face: `OneFace` stands for insightface's networks,
whose weights cannot be made at random, and what that pack cuts out around the face is the crop of our person.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...models.clip import CLIP_SIZE
from ...models.face.types import Face
from ...models.ip_adapter.block_weights import read_numbers
from ...models.ip_adapter.checkpoint import load
from ...models.ip_adapter.encode import Looking
from ...models.ip_adapter.layers import SD15
from ...models.ip_adapter.lora import stems
from ...models.people.person import People, Person, PersonSettings
from ...models.people.photo import Photo
from ..portraits import astronaut
from ..weights.write import WeightFile, make

BLOCKS = ", ".join(["1"] * 6 + ["0"] + ["1"] * 9)  # all but the middle one, under whose name that pack is never called
VECTOR = 512


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What both are told.

    Attributes:
        file: the adapter.
        strength: factor on the attention to what it shows.
        structure: of the face, beside who it is; PlusV2 alone knows it.
        lora: strength of the LoRA inside the file, which that pack takes from a file beside it.
        start: share of the sampling after which it acts, 0–1.
    """

    file: WeightFile
    strength: float = 1.0
    structure: float = 1.0
    lora: float = 0.0
    start: float = 0.0

    @property
    def shows_face(self) -> bool:
        """Whether it is a FaceID."""
        return "faceid" in self.file.name


class OneFace:
    """Stands for insightface's analysis: the astronaut's face with a random vector, whatever the picture."""

    def __init__(self) -> None:
        self.det_model = SimpleNamespace(input_size=None)
        self.points = np.array(astronaut().points, np.float32)
        self.vector = torch.randn(VECTOR, generator=torch.Generator().manual_seed(3))

    def get(self, picture: np.ndarray) -> list[SimpleNamespace]:
        """The face: its box and points in pixels, and its vector as it is and with length 1."""
        del picture
        embedding = self.vector.numpy()
        box = np.concatenate((self.points.min(0), self.points.max(0)))
        return [
            SimpleNamespace(
                bbox=box, kps=self.points, embedding=embedding, normed_embedding=embedding / np.linalg.norm(embedding)
            )
        ]


class OneVector:
    """Stands for a face recogniser: gives the vector of `OneFace` for every face."""

    key = "the one face of tools/peers"
    width = VECTOR

    def vectors(self, faces: Sequence[Face], pictures: Sequence[np.ndarray]) -> Tensor:
        """The vector, (R, 512), of R faces."""
        del pictures
        return OneFace().vector.repeat(len(faces), 1)


def load_clip_vision(file: Path) -> Any:
    """A CLIP_VISION as its loader node gives it."""
    import comfy.clip_vision

    return comfy.clip_vision.load(str(file))


def picture_of(setting: Setting) -> Tensor:
    """What both see, (1, H, W, 3) float, 0–1: a photo with a face, or the size that nobody has to resize or crop."""
    portrait = astronaut().picture
    seen = portrait if setting.shows_face else portrait.resize((CLIP_SIZE, CLIP_SIZE))
    return torch.from_numpy(np.array(seen)).float()[None] / 255


def apply_theirs(pack: ModuleType, model: Any, clip_vision: Any, setting: Setting) -> tuple[Any, Tensor | None]:
    """Put the adapter into a MODEL with that pack's own nodes.

    Returns:
        The MODEL, and the crops of the faces, (1, 224, 224, 3) float, 0–1, where it is a FaceID.
    """
    adapter = sys.modules[f"{pack.__name__}.utils"].ipadapter_model_loader(str(make(setting.file)))
    given = {
        "image": picture_of(setting),
        "clip_vision": clip_vision,
        "weight": setting.strength,
        "weight_type": "linear",
        "start_at": setting.start,
        "end_at": 1.0,
    }
    if not setting.shows_face:
        return pack.NODE_CLASS_MAPPINGS["IPAdapterAdvanced"]().apply_ipadapter(model, adapter, **given)
    if setting.lora:
        from comfy.sd import load_lora_for_models

        model, _ = load_lora_for_models(model, None, lora_beside(adapter["ip_adapter"]), setting.lora, 0)
    given |= {"weight_faceidv2": setting.structure, "insightface": OneFace()}
    return pack.NODE_CLASS_MAPPINGS["IPAdapterFaceID"]().apply_ipadapter(model, adapter, **given)


def apply_ours(model: Any, clip_vision: Any, setting: Setting, crop: Tensor | None, *, blocks: str = BLOCKS) -> Any:
    """Put the adapter into a MODEL with Apply IP-Adapter's code.

    Args:
        model: a MODEL.
        clip_vision: a CLIP_VISION.
        setting: what both are told.
        crop: of the face, (1, 224, 224, 3) float, 0–1, where it is a FaceID.
        blocks: weights of the blocks in the order of execution; "" is 1 everywhere.
    """
    from ...host.ip_adapter.adapter import new_ip_adapter
    from ...host.ip_adapter.application import Pictures, apply
    from ...host.memory import attention_dtype

    picture = picture_of(setting)
    adapter = new_ip_adapter(
        load(make(setting.file), dtype=attention_dtype()), clip_vision=clip_vision, recogniser=OneVector()
    )
    people, pictures = People(), None
    if crop is None:
        pictures = Pictures(pictures=picture, strength=setting.strength, start_percent=setting.start)
    else:
        people = people.add(_person(_bytes(picture), _bytes(crop), setting))
    return apply(
        model,
        adapter,
        people,
        pictures=pictures,
        strength=setting.strength,
        lora_strength=setting.lora,
        blocks=read_numbers(blocks) or "linear",
        looking=Looking(s_scale=setting.structure, negative="black"),
    ).model


def lora_beside(layers: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The LoRA of an adapter for SD1.5 under the names of the file that is published beside it.

    Args:
        layers: the adapter's `ip_adapter` group.
    """
    return {
        f"{theirs}.lora_{half}.weight": layers[f"{ours}.{half}.weight"]
        for theirs, ours in stems(SD15).items()
        for half in ("down", "up")
    }


def _person(picture: np.ndarray, crop: np.ndarray, setting: Setting) -> Person:
    """Somebody with the one face and a crop of it."""
    (found,) = OneFace().get(picture)
    face = Face(
        box=found.bbox, points=found.kps, score=1.0, crop=crop, index=0, image_index=0, image_size=picture.shape[:2]
    )
    photo = Photo(picture=picture, faces=(face,), taken=face)
    return Person(name="", photos=(photo,), settings=PersonSettings(start_percent=setting.start))


def _bytes(pictures: Tensor) -> np.ndarray:
    """The first of pictures (B, H, W, 3) float, 0–1, as uint8."""
    return (pictures[0] * 255).round().to(torch.uint8).numpy()
