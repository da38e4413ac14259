"""A models folder with files that have the keys and widths of published ones, and next to nothing in them."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor


def weights(**shapes: tuple[int, ...]) -> dict[str, Tensor]:
    """Zeros; of a key's dots each is written as two underscores."""
    return {key.replace("__", "."): torch.zeros(shape, dtype=torch.float16) for key, shape in shapes.items()}


def checkpoint(width: int) -> dict[str, Tensor]:
    """A Stable Diffusion checkpoint whose text is so wide."""
    layer = "model__diffusion_model__input_blocks__1__1__transformer_blocks__0__attn2__to_k__weight"
    return weights(**{layer: (2, width), "first_stage_model__a": (1,)})


def plain_adapter(width: int, pictures: int) -> dict[str, Tensor]:
    """A plain IP-Adapter."""
    return weights(image_proj__proj__weight=(2, pictures), ip_adapter__1__to_k_ip__weight=(2, width))


def face_adapter(width: int, pictures: int) -> dict[str, Tensor]:
    """A FaceID Plus file."""
    return weights(
        image_proj__perceiver_resampler__proj_in__weight=(2, pictures), ip_adapter__1__to_k_ip__weight=(2, width)
    )


def clip_vision(width: int) -> dict[str, Tensor]:
    """An image encoder."""
    return weights(vision_model__embeddings__class_embedding=(width,))


def faceid() -> dict[str, Tensor]:
    """UniPortrait's adapter."""
    return weights(faceid_proj__latents=(1, 2, 3), faceid_adapter__1__to_k_faceid__weight=(2, 768))


def backbone() -> dict[str, Tensor]:
    """UniPortrait's face backbone."""
    return weights(input_layer__0__weight=(1,), body__0__res_layer__1__weight=(1,))


def consistentid(width: int) -> dict[str, Tensor]:
    """ConsistentID's adapter."""
    return weights(
        image_proj__perceiver_resampler__proj_in__weight=(2, 1280),
        FacialEncoder__a=(1,),
        adapter_modules__1__to_k_ip__weight=(2, width),
    )


def put(models: Path, name: str, tensors: dict[str, Tensor]) -> Path:
    """Write a file below a models folder, in the format that its name says."""
    path = models / name
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".safetensors":
        save_file(tensors, path)
    else:
        torch.save(tensors, path)
    return path
