"""Whole runs on the tiny networks, in this process or, as a program, in processes of their own."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from accelerate.state import AcceleratorState
from likeness.tests.training.small_world import nobody, small_base, small_batch, small_networks
from likeness.training.batches.batch import Batch
from likeness.training.config.run import TrainingConfig
from likeness.training.config.sections import (
    DataConfig,
    EMAConfig,
    LoggingConfig,
    OptimizerConfig,
    PrecisionConfig,
    RunConfig,
)
from likeness.training.loop import Run, begin, new_accelerator, train
from likeness.training.uniportrait.config import (
    FaceBaseConfig,
    StageOneConfig,
    StageOneMethodConfig,
    StageTwoConfig,
    StageTwoMethodConfig,
)
from likeness.training.uniportrait.people import Dropping
from likeness.training.uniportrait.stage1 import StageOne
from likeness.training.uniportrait.stage2 import Routing, StageTwo


def config_for(
    output: Path,
    *,
    stage=1,
    steps=2,
    seed=0,
    batch_size=2,
    accumulate=1,
    ema=0.0,
    save_every=100,
    keep=3,
    warmup=0,
    mixed="no",
    gradient_checkpointing=False,
    tensorboard=False,
    dropping=False,
) -> TrainingConfig:
    nowhere = Path("nowhere")
    drops = {} if dropping else {"drop_token": 0.0, "drop_path": 0.0, "drop_face": 0.0}
    kind, method = (
        (StageOneConfig, StageOneMethodConfig(**drops))
        if stage == 1
        else (StageTwoConfig, StageTwoMethodConfig(init_from=nowhere, drop_face=0.05 if dropping else 0.0))
    )
    return kind(
        run=RunConfig(output=output, seed=seed, steps=steps, save_every=save_every, keep=keep, log_every=1),
        base=FaceBaseConfig(checkpoint=nowhere, clip_vision=nowhere, backbone=nowhere),
        method=method,
        data=DataConfig(batch_size=batch_size),
        optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=warmup, accumulate=accumulate),
        precision=PrecisionConfig(mixed=mixed, gradient_checkpointing=gradient_checkpointing),
        ema=EMAConfig(decay=ema),
        logging=LoggingConfig(tensorboard=tensorboard),
    )


class SmallFeed:
    """Rows of random pictures; what a row shows depends on its place in the run alone."""

    def __init__(self, run: Run, *, broken=False):
        self.run, self.broken = run, broken

    def batch(self, read: Batch) -> Batch:
        return read

    def read(self, first: int) -> Iterator[Batch]:
        accelerator, size = self.run.accelerator, self.run.config.data.batch_size
        people = 2 if isinstance(self.run.method, StageTwo) else 1
        number = first
        while True:
            batch = small_batch(
                size, people, first=(number * accelerator.num_processes + accelerator.process_index) * size
            )
            if self.broken:
                batch.latents.fill_(torch.nan)
            yield batch
            number += 1


def new_run(config: TrainingConfig) -> Run:
    AcceleratorState._reset_state(True)
    accelerator = new_accelerator(config, cpu=True)
    base, method = small_base(), config.method
    if isinstance(config, StageOneConfig):
        dropping = Dropping(token=method.drop_token, path=method.drop_path, face=method.drop_face)
        made = StageOne(base, small_networks(base), nobody(), dropping=dropping, seed=config.run.seed)
    else:
        routing = Routing(
            weight=method.route_weight, form=method.route_loss, tau=method.tau, drop_face=method.drop_face
        )
        made = StageTwo(base, small_networks(base, routers=True), nobody(), routing=routing, seed=config.run.seed)
    return begin(config, made, accelerator)


def trained(config: TrainingConfig, losses: list[float] | None = None) -> Run:
    run = new_run(config)
    if losses is not None:
        run.method.register_forward_hook(lambda module, args, output: losses.append(output["loss"].item()))
    train(run, SmallFeed(run))
    return run


def final_state(run: Run) -> dict[str, torch.Tensor]:
    """Weights, the optimizer's two averages and the running average."""
    state = {f"weight.{number}": parameter.detach() for number, parameter in enumerate(run.parameters)}
    for number, parameter in enumerate(run.parameters):
        for name, value in run.optimizer.state[parameter].items():
            state[f"{name}.{number}"] = value
    for number, shadow in enumerate(run.average.shadow_params if run.average else ()):
        state[f"average.{number}"] = shadow
    return state


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("output", type=Path)
    parser.add_argument("--steps", type=int)
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--batch-size", type=int, default=2)
    parser.add_argument("--dropping", action="store_true")
    parser.add_argument("--stop-after", type=int, default=0)
    given = parser.parse_args()
    torch.set_num_threads(1)
    config = config_for(
        given.output,
        steps=given.steps,
        save_every=given.save_every,
        batch_size=given.batch_size,
        dropping=given.dropping,
    )
    run, losses = new_run(config), []
    run.method.register_forward_hook(lambda module, args, output: losses.append(output["loss"].detach()))

    def wait(step: int) -> None:
        if step == given.stop_after:
            sys.stdout.write("waiting to be killed\n")
            sys.stdout.flush()
            time.sleep(60)

    train(run, SmallFeed(run), at_step=wait)
    means = run.accelerator.gather(torch.stack(losses)[None]).mean(dim=0)
    if run.accelerator.is_main_process:
        content = {"processes": run.accelerator.num_processes, "losses": means.tolist()}
        (given.output / "losses.json").write_text(json.dumps(content), encoding="utf-8")


if __name__ == "__main__":
    main()
