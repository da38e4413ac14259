"""Training from a seed, in one process, that goes on bit for bit where it was interrupted.

The trainer's own loop is made for adapters: its rate is constant, its base frozen and its batches hold people's features.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from ...models.errors import InvalidSettingError
from ...training.batches.draws import Draws
from ...training.run_folder import checkpoint_to_resume, read_step, write_checkpoint
from .train_config import TrainConfig

logger = logging.getLogger(__name__)

STATE = "state.pt"
STATED = "course"  # key of the settings in a checkpoint; another name, and no checkpoint would be gone on from
LOG_EVERY = 50  # steps
MOST_GRADIENT = 1.0  # norm


def train(config: TrainConfig, network: nn.Module, loss: Callable[[Draws], Tensor], folder: Path) -> None:
    """Train a network, from the newest checkpoint where there is one, and leave it with its averaged weights.

    Args:
        config: how.
        network: what is trained; all of its parameters.
        loss: of the rows of one step, a scalar.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: if the folder holds another training's checkpoints, or the loss is no number any more.
    """
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(
        parameters, lr=config.learning_rate
    )  # no decay: rows of words never seen stay as they are
    average = EMAModel(parameters, decay=config.decay)
    step = _resume(config, network, optimizer, average, folder)
    network.requires_grad_(True).train()
    log = _Log(config)
    while step < config.steps:
        for group in optimizer.param_groups:
            group["lr"] = config.rate(step)
        value = loss(config.draws(step))
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT)
        optimizer.step()
        average.step(parameters)
        step += 1
        log.note(step, float(value.detach()))
        if step % config.save_every == 0 or step == config.steps:
            _save(config, step, network, optimizer, average, folder)
    average.copy_to(parameters)
    network.requires_grad_(False).eval()


def _save(
    config: TrainConfig,
    step: int,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: EMAModel,
    folder: Path,
) -> None:
    state = {
        STATED: asdict(config),
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.state_dict(),
    }
    write_checkpoint(folder, step, 1, lambda place: torch.save(state, place / STATE), is_main=True, wait=lambda: None)


def _resume(
    config: TrainConfig, network: nn.Module, optimizer: torch.optim.Optimizer, average: EMAModel, folder: Path
) -> int:
    """Load the newest checkpoint; gives the steps done."""
    found = checkpoint_to_resume(folder, "auto")
    if found is None:
        return 0
    state: dict[str, Any] = torch.load(found / STATE, weights_only=True)
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if state[STATED] != asdict(config) or {name: each.shape for name, each in state["network"].items()} != shapes:
        raise InvalidSettingError(f'The checkpoint "{found}" is of another training or network; choose another folder.')
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    average.load_state_dict(state["average"])
    step = read_step(found)
    logger.info("Going on from step %d", step)
    return step


class _Log:
    """Means since the last line."""

    def __init__(self, config: TrainConfig) -> None:
        self._config = config
        self._losses: list[float] = []
        self._since = time.perf_counter()

    def note(self, step: int, loss: float) -> None:
        """Count a step.

        Raises:
            InvalidSettingError: if its loss is no number.
        """
        if not math.isfinite(loss):
            raise InvalidSettingError(f"The loss of step {step} is {loss}; lower the learning rate.")
        self._losses.append(loss)
        if len(self._losses) == LOG_EVERY or step == self._config.steps:
            seconds = (time.perf_counter() - self._since) / len(self._losses)
            mean = sum(self._losses) / len(self._losses)
            logger.info("Step %d of %d: loss %.4f, %.2f s a step", step, self._config.steps, mean, seconds)
            self._losses, self._since = [], time.perf_counter()
