"""Training from a seed, in one process, that goes on bit for bit where it was interrupted.

The trainer's own loop is made for adapters: its rate is constant, its base frozen and its batches hold people's features.
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.training_utils import EMAModel
from torch import Tensor, nn

from ...models.errors import InvalidSettingError
from ...training.batches.draws import Draws
from ...training.run_folder import checkpoint_to_resume, read_step, write_checkpoint

logger = logging.getLogger(__name__)

STATE = "state.pt"
LOG_EVERY = 50  # steps
MOST_GRADIENT = 1.0  # norm


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """How something is trained.

    Attributes:
        seed: of everything random.
        steps: optimizer steps.
        batch: rows per step.
        learning_rate: at its highest; it rises in a straight line and falls as a cosine to 0.
        warmup: steps until then.
        decay: of the running average of the weights.
        save_every: steps from one checkpoint to the next.

    Raises:
        InvalidSettingError: if the rate would never get to its highest.
    """

    seed: int
    steps: int
    batch: int
    learning_rate: float
    warmup: int = 100
    decay: float = 0.998
    save_every: int = 250

    def __post_init__(self) -> None:
        if not 0 <= self.warmup < self.steps:
            raise InvalidSettingError(
                f"A course of {self.steps} steps cannot warm up for {self.warmup}; choose fewer steps of warm-up."
            )

    def rate(self, step: int) -> float:
        """The learning rate of a step."""
        if step < self.warmup:
            return self.learning_rate * (step + 1) / (self.warmup + 1)
        share = (step - self.warmup) / (self.steps - self.warmup)
        return self.learning_rate * (1 + math.cos(math.pi * share)) / 2

    def draws(self, step: int) -> Draws:
        """The random numbers of a step; its rows are counted over the whole course."""
        return Draws(self.seed, tuple(range(step * self.batch, (step + 1) * self.batch)))


def follow(course: Course, network: nn.Module, loss: Callable[[Draws], Tensor], folder: Path) -> None:
    """Train a network, from the newest checkpoint where there is one, and leave it with its averaged weights.

    Args:
        course: how.
        network: what is trained; all of its parameters.
        loss: of the rows of one step, a scalar.
        folder: of the checkpoints.

    Raises:
        InvalidSettingError: if the folder holds another course's checkpoints, or the loss is no number any more.
    """
    parameters = list(network.parameters())
    optimizer = torch.optim.Adam(
        parameters, lr=course.learning_rate
    )  # no decay: rows of words never seen stay as they are
    average = EMAModel(parameters, decay=course.decay)
    step = _resume(course, network, optimizer, average, folder)
    network.requires_grad_(True).train()
    log = _Log(course)
    while step < course.steps:
        for group in optimizer.param_groups:
            group["lr"] = course.rate(step)
        value = loss(course.draws(step))
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(parameters, MOST_GRADIENT)
        optimizer.step()
        average.step(parameters)
        step += 1
        log.note(step, float(value.detach()))
        if step % course.save_every == 0 or step == course.steps:
            _save(course, step, network, optimizer, average, folder)
    average.copy_to(parameters)
    network.requires_grad_(False).eval()


def _save(
    course: Course, step: int, network: nn.Module, optimizer: torch.optim.Optimizer, average: EMAModel, folder: Path
) -> None:
    state = {
        "course": asdict(course),
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "average": average.state_dict(),
    }
    write_checkpoint(folder, step, 1, lambda place: torch.save(state, place / STATE), is_main=True, wait=lambda: None)


def _resume(
    course: Course, network: nn.Module, optimizer: torch.optim.Optimizer, average: EMAModel, folder: Path
) -> int:
    """Load the newest checkpoint; gives the steps done."""
    found = checkpoint_to_resume(folder, "auto")
    if found is None:
        return 0
    state: dict[str, Any] = torch.load(found / STATE, weights_only=True)
    shapes = {name: tensor.shape for name, tensor in network.state_dict().items()}
    if state["course"] != asdict(course) or {name: each.shape for name, each in state["network"].items()} != shapes:
        raise InvalidSettingError(f'The checkpoint "{found}" is of another course or network; choose another folder.')
    network.load_state_dict(state["network"])
    optimizer.load_state_dict(state["optimizer"])
    average.load_state_dict(state["average"])
    step = read_step(found)
    logger.info("Going on from step %d", step)
    return step


class _Log:
    """Means since the last line."""

    def __init__(self, course: Course) -> None:
        self._course = course
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
        if len(self._losses) == LOG_EVERY or step == self._course.steps:
            seconds = (time.perf_counter() - self._since) / len(self._losses)
            mean = sum(self._losses) / len(self._losses)
            logger.info("Step %d of %d: loss %.4f, %.2f s a step", step, self._course.steps, mean, seconds)
            self._losses, self._since = [], time.perf_counter()
