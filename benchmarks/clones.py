"""What clones of a MODEL add to memory."""

from __future__ import annotations

import gc
import tracemalloc
from typing import Any

import torch

CLONES = 10


def growth(model: Any) -> tuple[int, int]:
    """Memory of ten clones, each of the one before: bytes of tensors, and of everything that Python allocated."""
    gc.collect()
    tensors_before = tensor_bytes()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    chain = [model]
    for _ in range(CLONES):
        chain.append(chain[-1].clone())
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return tensor_bytes() - tensors_before, after - before


def tensor_bytes() -> int:
    """Bytes of all storages that live tensors share."""
    gc.collect()
    storages = {
        tensor.untyped_storage().data_ptr(): tensor.untyped_storage().nbytes()
        for tensor in gc.get_objects()
        if issubclass(type(tensor), torch.Tensor) and tensor.device.type == "cpu" and tensor.layout == torch.strided
    }
    return sum(storages.values())
