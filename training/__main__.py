"""Command: train an adapter as a configuration file says. `accelerate launch -m likeness.training CONFIG.toml`."""

from __future__ import annotations

import argparse
import logging
import os
import shutil
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from accelerate import Accelerator
from tqdm.contrib.logging import logging_redirect_tqdm

from ..models.errors import InvalidSettingError, LikenessError
from .assembled import Assembled, check_data
from .assembly import assemble, export_details
from .batches.feed import PictureFeed
from .config.file import read_config
from .config.run import TrainingConfig
from .export import export, use_average
from .loop import Run, begin, new_accelerator, train
from .methods import CONFIGS
from .run_folder import checkpoints, clean
from .run_lock import only_run
from .samples import SampleSheet, write_samples
from .whole_file import whole_file

logger = logging.getLogger(__name__)

ADAPTER = "adapter.safetensors"
STORED_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def main(arguments: Sequence[str] | None = None) -> int:
    """Train from the beginning, or from the newest checkpoint on, to the end.

    Args:
        arguments: the command line; that of the process by default.

    Returns:
        0 if the adapter is finished or there is a row to train on, 1 after a fault that is told on standard error or in the
        report of a check, 130 after an interruption.
    """
    parser = argparse.ArgumentParser(prog="accelerate launch -m likeness.training", description=__doc__)
    parser.add_argument("config", type=Path, help="TOML file, see docs/training.md")
    parser.add_argument(
        "--check", action="store_true", help="check the data, say what this method passes over, and train nothing"
    )
    options = parser.parse_args(arguments)
    is_first = os.environ.get("RANK", "0") == "0"
    logging.basicConfig(level=logging.INFO if is_first else logging.ERROR, format="%(message)s", stream=sys.stderr)
    logging.getLogger("accelerate").setLevel(logging.WARNING)
    config = None
    try:
        config = read_config(options.config, CONFIGS)
        if options.check:
            return check_data(config)
        with logging_redirect_tqdm():
            run_training(config, options.config)
    except LikenessError as error:
        if is_first:
            sys.stderr.write(f"{error}\n")
        return 1
    except OSError as error:  # of a file that nobody asked for by name: logs, or data that went away
        if is_first:
            place = f'"{error.filename}"' if error.filename else "A file"
            sys.stderr.write(
                f"{place} cannot be read or written ({error.strerror or error}); mend that and start again.\n"
            )
        return 1
    except KeyboardInterrupt:
        if is_first and config:
            sys.stderr.write(f"Interrupted; {_where_to_go_on(config)}\n")
        return 130
    return 0


def run_training(config: TrainingConfig, source_file: Path) -> None:
    """Train as a configuration says.

    Args:
        config: what to do.
        source_file: where it was read; a copy goes beside the results.

    Raises:
        LikenessError: for everything that can be mended by the user.
    """
    accelerator = new_accelerator(config)
    parts = assemble(config, accelerator.device)
    cache = config.data.cache if isinstance(config.data.cache, Path) else None
    with hold_folder(accelerator, config.run.output, cache):
        _train(accelerator, config, parts, source_file)


@contextmanager
def hold_folder(accelerator: Accelerator, output: Path, cache: Path | None = None) -> Generator[None, None, None]:
    """Keep other runs out of a folder, and clear away what killed ones left there; the first process does so for all.

    Raises:
        InvalidSettingError: see `only_run`; in all processes.
    """
    with ExitStack() as held:
        refusal: InvalidSettingError | None = None
        if accelerator.is_main_process:
            try:
                held.enter_context(only_run(output))
                clean(output, cache)
            except InvalidSettingError as error:
                refusal = error
        told = torch.tensor([0 if refusal is None else 1], device=accelerator.device)
        if int(cast(torch.Tensor, accelerator.reduce(told))):
            raise refusal or InvalidSettingError(
                "The first process may not write to the folder of the run; see what it says."
            )
        yield


def _train(accelerator: Accelerator, config: TrainingConfig, parts: Assembled, source_file: Path) -> None:
    run = begin(config, parts.method, accelerator)
    feed = PictureFeed(
        dataset=parts.dataset,
        encode=parts.encode,
        batch_size=config.data.batch_size,
        end=config.batches,
        workers=config.data.workers,
        rank=accelerator.process_index,
        processes=accelerator.num_processes,
    )
    if accelerator.is_main_process:
        with whole_file(config.run.output / f"{source_file.stem}-used.toml") as copy:
            shutil.copyfile(source_file, copy)
    train(
        run,
        feed,
        at_step=partial(_sample, run, parts.sheet),
        at_save=lambda folder: _export(run, parts, folder / ADAPTER),
    )
    if accelerator.is_main_process:
        name = config.export.name or config.name
        for ending in config.export.endings:
            logger.info("The adapter: %s", _export(run, parts, config.run.output / f"{name}{ending}"))


def _export(run: Run, parts: Assembled, path: Path) -> Path:
    """Write the trained weights, or their running average."""
    details = export_details(run.config, parts, run.step)
    with use_average(run.method, run.average):
        return export(run.method.weights(), path, details=details, dtype=STORED_TYPES[run.config.export.dtype])


def _sample(run: Run, sheet: SampleSheet | None, step: int) -> None:
    """Draw a grid if it is time for one; the other processes wait."""
    accelerator, config = run.accelerator, run.config
    if sheet is None or step % config.samples.every:
        return
    if accelerator.is_main_process:
        with use_average(run.method, run.average), accelerator.autocast():
            grid = sheet.draw()
        logger.info("Samples: %s", write_samples(config.run.output / "samples", step, grid))
        if config.logging.tensorboard:
            tracker: Any = accelerator.get_tracker("tensorboard")
            tracker.log_images({"samples": grid[None]}, step, dataformats="NHWC")
    accelerator.wait_for_everyone()


def _where_to_go_on(config: TrainingConfig) -> str:
    found = checkpoints(config.run.output)
    if not found:
        return "no checkpoint was written yet."
    return f"the same command goes on from step {found[-1][0]}."


if __name__ == "__main__":
    sys.exit(main())
