"""A run that has begun: what moves, and how far it has come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from diffusers.training_utils import EMAModel
from torch import nn

from .config.run import TrainingConfig
from .method import Learner


@dataclass(eq=False, slots=True)
class Run:
    """A run that has begun.

    Attributes:
        config: what was asked for.
        accelerator: the processes.
        method: what is trained, as it was built.
        wrapped: the same, as accelerate prepared it.
        optimizer: moves the trained parameters.
        rate: schedule of the learning rate.
        average: running average of the trained parameters, or None.
        step: optimizer steps so far.
    """

    config: TrainingConfig
    accelerator: Accelerator
    method: Learner[Any]
    wrapped: nn.Module
    optimizer: Any
    rate: torch.optim.lr_scheduler.LambdaLR
    average: EMAModel | None
    step: int = 0

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The trained parameters."""
        return list(self.method.trained())
