"""What a run is at a step, as files that are read without running code: tensors as safetensors, numbers as JSON."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from ..models.errors import LikenessError
from ..models.weights.reading import read_state_dict
from ..models.weights.safetensors_file import read_tensors
from .run import Run

MODEL, OPTIMIZER, NUMBERS = "model.safetensors", "optimizer.safetensors", "state.json"
MOST_NUMBERS = 10_000_000  # bytes of JSON
RATE = ("base_lrs", "last_epoch", "_step_count", "_last_lr")  # of LambdaLR
AVERAGE = ("decay", "min_decay", "optimization_step", "update_after_step", "use_ema_warmup", "inv_gamma", "power")
MOMENTS = {"step", "exp_avg", "exp_avg_sq"}  # of AdamW, for each parameter that it has moved
AVERAGED, STATE = "average.", "state."  # before the numbers of parameters
PYTHON, NUMPY, CPU, CUDA = "python", "numpy", "torch", "cuda."  # generators of random numbers
KEPT = "MT19937"  # numpy's kind of generator


def write_state(run: Run, folder: Path) -> None:
    """Write a run into a folder; every process calls it and writes its own part.

    Raises:
        OSError, SafetensorError: if the disk does not take it.
    """
    save_file(_random_states(), folder / _random_file(run))
    if not run.accelerator.is_main_process:
        return
    save_file(_apart(cast(nn.Module, run.method).state_dict()), folder / MODEL)
    optimizer: dict[str, Any] = run.optimizer.state_dict()
    tensors = {
        f"{STATE}{number}.{name}": torch.as_tensor(value)
        for number, values in optimizer["state"].items()
        for name, value in values.items()
    }
    averaged = run.average.shadow_params if run.average else []
    tensors |= {f"{AVERAGED}{number}": tensor for number, tensor in enumerate(averaged)}
    save_file(_apart(tensors), folder / OPTIMIZER)
    average: Any = run.average
    said = {
        "groups": optimizer["param_groups"],
        "rate": {name: getattr(run.rate, name) for name in RATE},
        "average": {name: getattr(average, name) for name in AVERAGE} if average else None,
        "scaler": None if run.accelerator.scaler is None else run.accelerator.scaler.state_dict(),
    }
    (folder / NUMBERS).write_text(json.dumps(said), encoding="utf-8")


def read_state(run: Run, folder: Path) -> None:
    """Make a run what it was when `write_state` wrote it.

    Args:
        run: of the same method, rank and base.
        folder: of `write_state`.

    Raises:
        LikenessError: if a file cannot be read.
        ValueError: if the files are of another run, saying how.
    """
    _fill_model(run.method, read_state_dict(folder / MODEL))
    said, tensors = _read_numbers(folder / NUMBERS), read_tensors(folder / OPTIMIZER)
    try:
        _fill_optimizer(run.optimizer, said["groups"], tensors)
        _set_numbers(run.rate, said["rate"], RATE)
        if (said["average"] is None) != (run.average is None):
            raise ValueError("one of the two has an average")
        if run.average is not None:
            _set_numbers(run.average, said["average"], AVERAGE)
            _fill(run.average.shadow_params, tensors)
        if run.accelerator.scaler is not None and said["scaler"] is not None:
            run.accelerator.scaler.load_state_dict(said["scaler"])
    except (KeyError, IndexError, TypeError, AttributeError, RuntimeError) as error:
        raise ValueError(f"its numbers are not those of this run: {error!r}") from error
    mine = folder / _random_file(run)
    if not mine.is_file():
        raise ValueError(f"it was written by fewer processes: {mine.name} is not there")
    _set_random_states(read_tensors(mine))


def _random_file(run: Run) -> str:
    return f"random-{run.accelerator.process_index:05d}.safetensors"


def _apart(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Tensors on the CPU of which no two share memory, as safetensors has to have them."""
    found: dict[str, Tensor] = {}
    places: set[int] = set()
    for key, tensor in tensors.items():
        held = tensor.detach().cpu().contiguous()
        place = held.untyped_storage().data_ptr()
        found[key] = held.clone() if place in places else held
        places.add(place)
    return found


def _fill_model(method: Any, weights: Mapping[str, Tensor]) -> None:
    wanted: dict[str, Tensor] = method.state_dict()
    strange = sorted(wanted.keys() ^ weights.keys())
    strange += [key for key in wanted if key in weights and wanted[key].shape != weights[key].shape]
    if strange:
        raise ValueError(f'"{strange[0]}" and {len(strange) - 1} more are not there, or of another shape')
    method.load_state_dict(weights, strict=True)


def _fill_optimizer(optimizer: Any, groups: list[dict[str, Any]], tensors: Mapping[str, Tensor]) -> None:
    mine: dict[str, Any] = optimizer.state_dict()
    if [group["params"] for group in groups] != [group["params"] for group in mine["param_groups"]]:
        raise ValueError("its optimizer moves other parameters")
    parameters: list[Tensor] = [each for group in optimizer.param_groups for each in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        if key.startswith(STATE):
            number, name = key.removeprefix(STATE).split(".", 1)
            if tensor.ndim and tensor.shape != parameters[int(number)].shape:
                raise ValueError(f"its optimizer has {tuple(tensor.shape)} for parameter {number}")
            state[int(number)] = {**state.get(int(number), {}), name: tensor}
    if any(values.keys() != MOMENTS for values in state.values()):
        raise ValueError("its optimizer is another")
    optimizer.load_state_dict(
        {"state": state, "param_groups": [_group(*pair) for pair in zip(groups, mine["param_groups"], strict=True)]}
    )


def _group(said: Mapping[str, Any], mine: Mapping[str, Any]) -> dict[str, Any]:
    """The numbers of one group of parameters; those that this optimizer has, each of its kind."""
    if said.keys() != mine.keys() or not all(_is_like(said[name], mine[name]) for name in mine if name != "params"):
        raise ValueError("its optimizer is another")
    return {name: tuple(value) if isinstance(mine[name], tuple) else value for name, value in said.items()}


def _fill(tensors: list[Tensor], held: Mapping[str, Tensor]) -> None:
    """Copy the averages into their places."""
    wanted = {f"{AVERAGED}{number}": tensor for number, tensor in enumerate(tensors)}
    if {key for key in held if key.startswith(AVERAGED)} != wanted.keys():
        raise ValueError("its average is of other parameters")
    for key, tensor in wanted.items():
        if held[key].shape != tensor.shape:
            raise ValueError(f"its average has {tuple(held[key].shape)} for parameter {key.removeprefix(AVERAGED)}")
        tensor.copy_(held[key])


def _set_numbers(target: Any, said: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in names:
        mine, value = getattr(target, name), said[name]
        if not _is_like(value, mine):
            raise ValueError(f"{name} is not a number of this run")
        setattr(target, name, value)


def _is_like(said: Any, mine: Any) -> bool:
    """Whether a value of JSON is of the kind of another: finite numbers, flags, words, and lists as long of them."""
    if isinstance(mine, (list, tuple)):
        own: list[Any] = list(cast("list[Any]", mine))
        given: list[Any] = said if isinstance(said, list) else []
        return len(given) == len(own) and all(map(_is_like, given, own))
    if isinstance(mine, (bool, str)) or mine is None:
        return said is None or type(said) in (type(mine), bool)
    return type(said) in (int, float) and math.isfinite(said)


def _read_numbers(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MOST_NUMBERS:
            raise ValueError(f"it has more than {MOST_NUMBERS:,} bytes")
        said = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError, RecursionError) as error:
        raise LikenessError(f'"{path}" cannot be read ({error}); go on from another checkpoint.') from error
    if not isinstance(said, dict):
        raise ValueError(f"{path.name} is no table")
    return said


def _random_states() -> dict[str, Tensor]:
    """What decides about the next random numbers of this process."""
    _, numbers, gauss = random.getstate()
    kind, keys, place, has_gauss, cached = cast(Any, np.random.get_state())
    if kind != KEPT:
        raise ValueError(f"numpy's generator is {kind}, of which nothing is known here")
    states = {
        PYTHON: torch.tensor(numbers),
        f"{PYTHON}.gauss": torch.tensor([] if gauss is None else [gauss], dtype=torch.float64),
        NUMPY: torch.from_numpy(keys.astype(np.int64)),
        f"{NUMPY}.place": torch.tensor([place, has_gauss]),
        f"{NUMPY}.gauss": torch.tensor([cached], dtype=torch.float64),
        CPU: torch.get_rng_state(),
    }
    if torch.cuda.is_available():
        states |= {f"{CUDA}{number}": state for number, state in enumerate(torch.cuda.get_rng_state_all())}
    return states


def _set_random_states(states: Mapping[str, Tensor]) -> None:
    """Raises ValueError if they are not what `_random_states` gives."""
    try:
        gauss = states[f"{PYTHON}.gauss"].tolist()
        random.setstate((3, tuple(states[PYTHON].tolist()), gauss[0] if gauss else None))
        place, has_gauss = states[f"{NUMPY}.place"].tolist()
        keys = states[NUMPY].numpy().astype(np.uint32)
        np.random.set_state((KEPT, keys, place, has_gauss, float(states[f"{NUMPY}.gauss"][0])))
        torch.set_rng_state(states[CPU])
        if torch.cuda.is_available():
            for number in range(torch.cuda.device_count()):
                if f"{CUDA}{number}" in states:
                    torch.cuda.set_rng_state(states[f"{CUDA}{number}"], number)
    except (KeyError, IndexError, TypeError, RuntimeError, OverflowError) as error:
        raise ValueError(f"its random numbers cannot be gone on with: {error!r}") from error
