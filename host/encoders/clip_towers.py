"""CLIP's picture towers of open_clip under ComfyUI's memory management."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ...models.clip.towers import Activation, Towers, from_state_dicts, tower_weights
from ...models.weights.fingerprint import fingerprint
from ...models.weights.reading import read_flat
from ..memory import loaded, manage


@dataclass(frozen=True, eq=False)
class ManagedTowers:
    """CLIP's picture towers under ComfyUI's memory management; an `ImageEmbedder`.

    Attributes:
        patcher: loads and offloads them.
    """

    patcher: ModelPatcher

    @property
    def key(self) -> str:
        """Hash of the weights, and the activation."""
        return f"open_clip {fingerprint(self._towers)} {self._towers.activation}"

    @property
    def width(self) -> int:
        """Length of all embeddings joined."""
        return self._towers.width

    @property
    def _towers(self) -> Towers:
        return self.patcher.model  # type: ignore[return-value]

    def embeddings(self, pixels: Tensor) -> Tensor:
        """Embeddings of pictures, (R, width) float32 on the CPU, see `ImageEmbedder`."""
        with loaded(self.patcher):
            return self._towers(pixels.to(next(self._towers.parameters()))).to("cpu", torch.float32)


def load_towers(paths: Sequence[Path], activation: Activation) -> ManagedTowers:
    """Read the picture towers of CLIP files in open_clip's layout.

    Args:
        paths: in the order in which the embeddings are joined.
        activation: of all of them, which no weight tells.

    Raises:
        UnknownCheckpointError: if a file is something else.
        MissingPackageError: if open_clip_torch is not there.
    """
    weights = [tower_weights(read_flat(path)[0]) for path in paths]
    names = [f'"{path.name}"' for path in paths]
    return ManagedTowers(manage(from_state_dicts(weights, activation=activation, names=names)))
