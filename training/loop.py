"""The training loop, one for all methods: accelerate's processes and precisions, checkpoints, averages, the log."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol, TypeVar, cast

import torch
from accelerate import Accelerator
from accelerate.utils import ProjectConfiguration
from diffusers.training_utils import EMAModel
from torch import Tensor, nn
from tqdm.auto import tqdm

from ..models.errors import ConfigError, InvalidSettingError, LikenessError, first_line
from .batches.batch import AnyBatch
from .config.run import TrainingConfig
from .method import Learner, Pace, Paced
from .run import Run
from .run_folder import checkpoint_to_resume, read_step, write_checkpoint
from .run_state import read_state, write_state

logger = logging.getLogger(__name__)

T = TypeVar("T")


class Feed(Protocol[T]):
    """Where batches come from."""

    def read(self, first: int) -> Iterator[T]:
        """What this process' batches are made of, beginning with number `first` (an optimizer step takes `accumulate`)."""
        ...

    def batch(self, read: T) -> AnyBatch:
        """A batch of what was read."""
        ...


def new_accelerator(config: TrainingConfig, *, cpu: bool = False) -> Accelerator:
    """Processes, precision, accumulation and log of a configuration.

    Raises:
        ConfigError: if it asks for float16 on the CPU, or several processes were started that do not know of each other.
    """
    accelerator = Accelerator(
        cpu=cpu,
        mixed_precision=config.precision.mixed,
        gradient_accumulation_steps=config.accumulate,
        log_with="tensorboard" if config.logging.tensorboard else None,
        project_config=ProjectConfiguration(
            project_dir=str(config.run.output), logging_dir=str(config.run.output / "logs")
        ),
    )
    started = int(os.environ.get("WORLD_SIZE", "1"))
    if started != accelerator.num_processes:  # each would train alone and write to the same folder
        raise ConfigError(
            f"{started} processes were started and accelerate knows of {accelerator.num_processes}; start them with "
            "`accelerate launch`, or on CPUs with ACCELERATE_USE_CPU=true and torchrun."
        )
    # accelerate would train in float32 and say nothing
    if config.precision.mixed == "fp16" and accelerator.device.type == "cpu":
        raise ConfigError(
            '[precision] mixed is "fp16", which needs a GPU, and this run is on the CPU; set it to "bf16" or "no".'
        )
    return accelerator


def begin(config: TrainingConfig, method: Learner[Any], accelerator: Accelerator) -> Run:
    """Prepare a run and, where the configuration says so, go on from a checkpoint.

    Raises:
        InvalidSettingError: if the checkpoint to go on from does not exist, is damaged or is another method's.
    """
    parameters = list(method.trained())
    paces = method.paces() if isinstance(method, Paced) else [Pace(1.0, parameters)]
    made = torch.optim.AdamW(
        [{"params": pace.parameters, "lr": config.learning_rate * pace.factor} for pace in paces],
        lr=config.learning_rate,
        betas=config.optimizer.betas,
        weight_decay=config.optimizer.weight_decay,
        fused=config.precision.mixed != "fp16",  # fused, accelerate does not notice the steps that its scaler skips
    )
    # not prepared: accelerate would step it once per process
    rate = torch.optim.lr_scheduler.LambdaLR(made, _warm_up(config.optimizer.warmup_steps))
    average = EMAModel(parameters, decay=config.ema.decay) if config.ema.decay else None
    wrapped, optimizer = accelerator.prepare(cast(nn.Module, method), made)
    if average:
        average.to(accelerator.device)
    if config.precision.gradient_checkpointing and method.base is not None:
        method.base.unet.enable_gradient_checkpointing()
    run = Run(config, accelerator, method, wrapped, optimizer, rate, average)
    folder = checkpoint_to_resume(config.run.output, config.run.resume)
    if folder is not None:
        _load(run, folder)
    if config.logging.tensorboard:
        accelerator.init_trackers("run")
    return run


def train(
    run: Run,
    feed: Feed[Any],
    *,
    at_step: Callable[[int], None] | None = None,
    at_save: Callable[[Path], object] | None = None,
) -> None:
    """Train until the configured number of steps is done.

    Args:
        run: from `begin`.
        feed: this process' batches.
        at_step: called after every optimizer step with its number, in all processes.
        at_save: called with the folder of every checkpoint before it takes its name, in the first process; may add files.

    Raises:
        InvalidSettingError: if the loss is no number any more; what was saved before stays.
    """
    accelerator, config = run.accelerator, run.config
    pending = feed.read(run.step * config.accumulate)
    bar = tqdm(
        total=config.steps,
        initial=run.step,
        unit="step",
        disable=not accelerator.is_local_main_process,
        dynamic_ncols=True,
        smoothing=0.05,
    )
    log = _Log(run)
    with bar:
        while run.step < config.steps:
            _step(run, feed, pending, log)
            bar.update()
            to_save = run.step % config.run.save_every == 0 or run.step == config.steps
            if run.step % config.run.log_every == 0 or to_save:  # a loss that is no number must not be saved
                bar.set_postfix(log.write())
            stopped = time.perf_counter()
            if to_save:
                save(run, at_save)
            if at_step is not None:
                at_step(run.step)
            log.since += time.perf_counter() - stopped
    if config.logging.tensorboard:
        accelerator.end_training()


def save(run: Run, also: Callable[[Path], object] | None = None) -> None:
    """Write a checkpoint that `begin` can go on from; `also` may add files to its folder."""

    def write(folder: Path) -> None:
        write_state(run, folder)
        if also is not None and run.accelerator.is_main_process:
            also(folder)

    write_checkpoint(
        run.config.run.output,
        run.step,
        run.config.run.keep,
        write,
        is_main=run.accelerator.is_main_process,
        wait=run.accelerator.wait_for_everyone,
    )


def _load(run: Run, folder: Path) -> None:
    try:
        read_state(run, folder)
    except ValueError as error:
        if isinstance(error, LikenessError):
            raise
        raise InvalidSettingError(
            f'The checkpoint "{folder}" does not fit this configuration ({first_line(error)}); it has to be of the same method, rank '
            "and base, and of as many processes: choose another output folder, or the configuration that it was written with."
        ) from error
    run.step = read_step(folder)
    logger.info("Going on from %s", folder)


def _step(run: Run, feed: Feed[T], pending: Iterator[T], log: _Log) -> None:
    """One optimizer step."""
    accelerator, limit = run.accelerator, run.config.optimizer.max_grad_norm
    for _ in range(run.config.accumulate):
        asked = time.perf_counter()
        read = next(pending)
        come = time.perf_counter()
        batch = feed.batch(read).to(accelerator.device)
        log.note_times(come - asked, time.perf_counter() - come)
        with accelerator.accumulate(run.wrapped):
            losses = run.wrapped(batch)
            accelerator.backward(losses["loss"])
            if accelerator.sync_gradients and limit:
                accelerator.clip_grad_norm_(run.parameters, limit)
            run.optimizer.step()
            run.optimizer.zero_grad()
        log.add(losses)
    if not accelerator.optimizer_step_was_skipped:
        run.rate.step()
        if run.average:
            run.average.step(run.parameters)
    run.step += 1


class _Log:
    """Means since the last entry of the log."""

    def __init__(self, run: Run):
        self.run = run
        self._reset()

    def add(self, losses: dict[str, Tensor]) -> None:
        """Count one batch; nothing is fetched from the device."""
        for name, value in losses.items():
            self.sums[name] = self.sums.get(name, 0.0) + value.detach()
        self.count += 1

    def note_times(self, waited: float, encoded: float) -> None:
        """Count the seconds that one batch was waited for, and those in which it was encoded."""
        self.waited += waited
        self.encoded += encoded

    def write(self) -> dict[str, str]:
        """Write the means of all processes and begin anew; gives what the progress bar shows.

        Raises:
            InvalidSettingError: if the loss is no number any more.
        """
        accelerator, step = self.run.accelerator, self.run.step
        means = {name: _mean(accelerator, total / self.count) for name, total in self.sums.items()}
        seconds = time.perf_counter() - self.since
        values = means | {
            "learning_rate": self.run.rate.get_last_lr()[0],
            "seconds_per_step": seconds * self.run.config.accumulate / self.count,
            "waiting_for_data": self.waited / seconds,
            "encoding": self.encoded / seconds,
        }
        accelerator.log(values, step=step)
        if not math.isfinite(means["loss"]):
            raise InvalidSettingError(
                f"The loss at step {step} is {means['loss']}; lower [optimizer] learning_rate, or set [precision] mixed to "
                '"bf16" or "no".'
            )
        self._reset()
        return {"loss": f"{means['loss']:.4f}", "waiting": f"{values['waiting_for_data']:.0%}"}

    def _reset(self) -> None:
        self.sums: dict[str, Any] = {}
        self.count, self.waited, self.encoded, self.since = 0, 0.0, 0.0, time.perf_counter()


def _mean(accelerator: Accelerator, value: Tensor) -> float:
    return float(cast(Tensor, accelerator.gather(value.reshape(1))).mean())


def _warm_up(steps: int) -> Callable[[int], float]:
    """Factor on the learning rate: a straight rise, then constant."""
    return lambda done: min(1.0, (done + 1) / (steps + 1))
