"""What the assembly of every method shares: how it makes itself known, the data, the base, and what the loop is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from ..dataset.rows import ManifestRows, RowSource, ShardRows
from ..diffusers_host.base import Base, load_base
from .batches.batch import AnyBatch
from .batches.examples import Example
from .batches.row_dataset import RowDataset
from .config.run import TrainingConfig
from .method import Method
from .samples import SampleSheet

FROZEN_TYPES = {"no": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Assembled:
    """A method with everything that it needs.

    Attributes:
        method: attached to the base's UNet.
        dataset: the pictures that it trains on.
        encode: examples to a batch, where the networks are.
        sheet: the sample grid of the run, or None where none is wanted.
        details: what an adapter says about its training beside what all of them say.
    """

    method: Method[Any]
    dataset: RowDataset[Any]
    encode: Callable[[Sequence[Example[Any]]], AnyBatch]
    sheet: SampleSheet | None
    details: Mapping[str, Any]


C = TypeVar("C", bound=TrainingConfig)


@dataclass(frozen=True, slots=True)
class Registration(Generic[C]):
    """A method that files can name.

    Attributes:
        config: the class of its configurations, which holds its name.
        assemble: a configuration and the device that is trained on, to what the loop needs; raises LikenessError for
            everything that can be mended by the user.
    """

    config: type[C]
    assemble: Callable[[C, torch.device], Assembled]


def open_data(config: TrainingConfig) -> RowSource:
    """The rows of the manifest or of the shards.

    Raises:
        MissingModelFileError: if there are none.
    """
    if config.data.manifest:
        return ManifestRows(config.data.manifest)
    return ShardRows(config.data.shards)


def new_base(config: TrainingConfig, device: torch.device) -> Base:
    """The frozen base model on a device; raises as `load_base`."""
    asked = config.base
    dtype = FROZEN_TYPES[config.precision.mixed]
    return load_base(asked.checkpoint, vae=asked.vae, family=asked.family, prediction=asked.prediction, dtype=dtype).to(
        device
    )
