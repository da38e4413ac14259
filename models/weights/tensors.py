"""What a tensor of a file must be before anything is built on it: of a type and a layout that networks have, and finite."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ..errors import CorruptModelFileError, UnknownCheckpointError

SHOWN = 80  # letters of a key
MOST_SHARED = 4  # times the file's size that its tensors may have together: some are written once and named twice
FLOATS = (
    *(torch.float64, torch.float32, torch.float16, torch.bfloat16),
    *(torch.float8_e4m3fn, torch.float8_e5m2),
)
OTHERS = (torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool)  # counters, positions, masks
MASKS = ("attn_mask", "attention_mask")  # constants of text towers, whose -infinity is meant


def require_usable(tensors: Mapping[str, Tensor], name: str, *, size: int | None = None) -> None:
    """Check type, layout and size of every tensor.

    Args:
        tensors: flat.
        name: what messages call the file.
        size: of the file, bytes; None where there is none.

    Raises:
        UnknownCheckpointError: naming a tensor that is meta, sparse, complex, quantised, of a foreign type, or larger than its file.
    """
    total = 0
    for key, tensor in tensors.items():
        reason = _unusable(tensor, size)
        if reason:
            raise UnknownCheckpointError(
                f'{name} holds "{shortened(key)}" {reason}, which no network here can use; choose another file.'
            )
        total += tensor.numel() * tensor.element_size()
    if size is not None and total > MOST_SHARED * size:
        raise UnknownCheckpointError(
            f"{name} has {size:,} bytes and names tensors of {total:,} bytes, the same ones again and again; choose another file."
        )


def require_finite(tensors: Mapping[str, Tensor], name: str) -> None:
    """Check the values of every tensor.

    Raises:
        CorruptModelFileError: naming one that holds NaN or infinity.
    """
    for key, tensor in tensors.items():
        if not key.endswith(MASKS) and not is_finite(tensor):
            raise CorruptModelFileError(f'{name} holds NaN or infinity in "{shortened(key)}"; download it again.')


def is_finite(tensor: Tensor) -> bool:
    """Whether all values are numbers; one pass without a copy, for the smallest and largest are NaN where any value is."""
    if not tensor.is_floating_point() or not tensor.numel() or tensor.is_meta:
        return True
    tensor = tensor.detach()
    if tensor.element_size() == 1:
        tensor = tensor.float()  # float8 has no arithmetic
    return bool(torch.stack(torch.aminmax(tensor)).isfinite().all())


def converted(key: str, tensor: Tensor, dtype: torch.dtype | None, name: str) -> Tensor:
    """A tensor in the type in which it is used.

    Args:
        key: of the tensor.
        tensor: finite.
        dtype: None keeps the tensor's; what float32 cannot hold is too large all the same, for nothing is computed in float64.
        name: what messages call the file.

    Raises:
        UnknownCheckpointError: if it holds whole numbers, or numbers that are too large for the type.
    """
    if not tensor.is_floating_point():
        raise UnknownCheckpointError(
            f'{name} holds "{shortened(key)}" as {short(tensor.dtype)}, and weights are fractions; choose another file.'
        )
    wanted = dtype or (torch.float32 if tensor.dtype == torch.float64 else tensor.dtype)
    if wanted == tensor.dtype:
        return tensor
    made = tensor.to(wanted)
    if torch.finfo(wanted).max < torch.finfo(tensor.dtype).max and not is_finite(made):
        raise UnknownCheckpointError(
            f'{name} holds numbers in "{shortened(key)}" that are too large for {short(wanted)} (above '
            f"{torch.finfo(wanted).max:g}); choose another file, or let ComfyUI use float32."
        )
    return tensor if dtype is None else made


def shortened(key: str) -> str:
    """A key as a message shows it: cut in the middle where it is long."""
    return key if len(key) <= SHOWN else f"{key[: SHOWN // 2]}…{key[-SHOWN // 2 :]}"


def short(dtype: torch.dtype) -> str:
    """A type's name."""
    return str(dtype).removeprefix("torch.")


def _unusable(tensor: Tensor, size: int | None) -> str:
    """Why a tensor cannot be used, completing "holds it …"; empty where it can."""
    if type(tensor) not in (Tensor, nn.Parameter):
        return f"as a {type(tensor).__name__}"
    if tensor.is_meta:
        return 'without values (it was saved on the device "meta")'
    if tensor.layout != torch.strided:
        return f"in a sparse layout ({short_layout(tensor.layout)})"
    if tensor.dtype not in (*FLOATS, *OTHERS):
        kind = "complex numbers" if tensor.is_complex() else "quantised" if tensor.is_quantized else "the foreign type"
        return f"as {kind} ({short(tensor.dtype)})"
    stored = tensor.untyped_storage().nbytes()
    if tensor.numel() * tensor.element_size() > stored:
        return f"as {stored:,} bytes that stand for {tensor.numel():,} numbers"
    if size is not None and stored > size:
        return f"as {stored:,} bytes, more than the file's {size:,}"
    return ""


def short_layout(layout: torch.layout) -> str:
    """A layout's name."""
    return str(layout).removeprefix("torch.")
