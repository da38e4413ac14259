"""What the assembly of every method shares: how it makes itself known, the data, the base, and what the loop is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import torch

from ..dataset.check_command import report
from ..dataset.manifest import PERSON_KEYS, ROW_KEYS
from ..dataset.rows import ManifestRows, RowSource, ShardRows
from ..diffusers_host.base import Base, load_base
from .batches.batch import AnyBatch
from .batches.examples import Example
from .batches.index import Wanted
from .batches.row_dataset import RowDataset
from .config.run import COMMON_KEYS, AdapterConfig, TrainingConfig
from .method import Learner
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

    method: Learner[Any]
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


def wanted_rows(config: TrainingConfig) -> Wanted:
    """What rows a configuration trains on; a method that reads nouns needs one for everybody."""
    data, (fewest, most) = config.data, config.people
    return Wanted(
        split=data.split,
        size=data.size,
        fewest=fewest,
        most=most,
        with_nouns="nouns" in config.reads,
        min_aes=data.min_aes,
        max_wm=data.max_wm,
        min_score=data.min_score,
    )


def check_data(config: TrainingConfig) -> int:
    """Check the data of a configuration as `dataset.check_command` does, and tell what its method passes over.

    Returns:
        0 if there is a row to train on, else 1.

    Raises:
        MissingModelFileError: if there are no data.
    """
    read = {*COMMON_KEYS, *config.reads}
    name = str(config.data.manifest or ", ".join(config.data.shards))
    unread = [key for key in (*ROW_KEYS, *(f"persons.{key}" for key in PERSON_KEYS)) if key not in read]
    return report(open_data(config), name, reader=config.name, unread=unread, refusal=wanted_rows(config).refusal)


def new_base(config: AdapterConfig, device: torch.device, *, dtype: torch.dtype | None = None) -> Base:
    """The frozen base model on a device, in the type of the configuration unless another is given; raises as `load_base`."""
    asked = config.base
    dtype = dtype or FROZEN_TYPES[config.precision.mixed]
    return load_base(asked.checkpoint, vae=asked.vae, family=asked.family, prediction=asked.prediction, dtype=dtype).to(
        device
    )
