"""Weights and stored cases of the reference runs: random weights made from key names, inputs and outputs on disk."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from likeness.tests.parity.folder import Folder
from torch import Tensor

_SLOPE = re.compile(r"(input_layer\.2|body\.\d+\.res_layer\.3)\.weight")


def weight(namespace: str, key: str, shape: Sequence[int]) -> Tensor:
    """The tensor that the reference run had under a key.

    Args:
        namespace: the group that the key belongs to, e.g. "faceid_proj".
        key: name inside the group.
        shape: of the tensor.

    Returns:
        float32, or int64 for a counter.
    """
    size = tuple(int(n) for n in shape)
    if key.endswith(".num_batches_tracked"):
        return torch.zeros(size, dtype=torch.int64)
    generator = np.random.RandomState(zlib.crc32(f"{namespace}/{key}".encode()))
    z = generator.standard_normal(int(np.prod(size, dtype=np.int64))).reshape(size)
    return torch.from_numpy(np.ascontiguousarray(_scaled(key, z).astype(np.float32)))


def weights(namespace: str, shapes: Mapping[str, Sequence[int]]) -> dict[str, Tensor]:
    """All tensors of a group."""
    return {key: weight(namespace, key, shape) for key, shape in shapes.items()}


def _scaled(key: str, z: np.ndarray) -> np.ndarray:
    """Standard normal values brought to a size that suits the kind of parameter."""
    if key.endswith(".running_mean"):
        return 0.1 * z
    if key.endswith(".running_var"):
        return 1 + 0.1 * np.abs(z)
    if _SLOPE.fullmatch(key):
        return 0.25 + 0.05 * z
    if z.ndim == 1 and key.endswith("weight"):
        return 1 + 0.1 * z
    if key.endswith("bias"):
        return 0.1 * z
    fan = {1: 4.0, 3: z.shape[-1], 4: float(np.prod(z.shape[1:])) / 0.49}
    return z / np.sqrt(fan.get(z.ndim) or z.shape[1])


@dataclass(frozen=True)
class Case:
    """One stored case.

    Attributes:
        about: shapes of the weights, variants, tolerances.
        tensors: inputs and expected outputs.
    """

    about: dict[str, Any]
    tensors: dict[str, Tensor]

    @classmethod
    def read(cls, folder: Folder, name: str) -> Case:
        """Read `<name>.json` and `<name>.safetensors`."""
        about = json.loads((folder.path / f"{name}.json").read_text(encoding="utf-8"))
        return cls(about, folder.read(name))

    def weights(self, namespace: str) -> dict[str, Tensor]:
        """The weights of one group."""
        return weights(namespace, self.about["weights"][namespace])

    @property
    def tolerance(self) -> dict[str, float]:
        """`atol` and `rtol` of the case."""
        return {name: self.about["suggested_tolerance"][name] for name in ("atol", "rtol")}


@dataclass(frozen=True)
class Comparison:
    """What we computed beside what the reference computed."""

    label: str
    got: Tensor
    expected: Tensor
    atol: float
    rtol: float

    @property
    def worst(self) -> float:
        """Largest absolute difference."""
        return (self.got.double() - self.expected.double()).abs().max().item()

    @property
    def share_of_tolerance(self) -> float:
        """Largest difference in units of what is allowed; at most 1 passes."""
        allowed = self.atol + self.rtol * self.expected.double().abs()
        difference = (self.got.double() - self.expected.double()).abs()
        return torch.where(difference == 0, 0.0, difference / allowed).max().item()

    @property
    def is_within(self) -> bool:
        """Whether shapes are equal and no value is further off than allowed (NaN is)."""
        return self.got.shape == self.expected.shape and self.share_of_tolerance <= 1


def report(comparisons: Iterable[Comparison]) -> list[str]:
    """The comparisons that fail, one line each."""
    return [
        f"{c.label}: worst difference {c.worst:.3g}, {c.share_of_tolerance:.2f} of the tolerance"
        for c in comparisons
        if not c.is_within
    ]
