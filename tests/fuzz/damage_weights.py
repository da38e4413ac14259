"""Damage to weights: their tensors, their names, the header of safetensors and the pickle of torch."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from .damage_bytes import damage_bytes, put_elsewhere

Weights = dict[str, Any]
NUMBERS = ("999999999", "-1", "x", "1e9", "00", "9" * 400, "१")
HUGE = (10**12, 1e308, -1, 0, 10**400, "many", None, float("nan"), [1] * 99, {"a": 1}, 2**31, True)


class Running:
    """Something that runs code where it is unpickled freely."""

    def __init__(self, path: Path):
        self.path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self.path, "w"))


def _key(random: Random, weights: Weights) -> str:
    return random.choice([key for key, value in weights.items() if isinstance(value, Tensor)] or list(weights))


def drop(random: Random, weights: Weights) -> None:
    """A tensor is missing."""
    del weights[_key(random, weights)]


def add(random: Random, weights: Weights) -> None:
    """A tensor is there that belongs nowhere."""
    weights[random.choice(("what", "", "a" * 100_000, "a.b" * 3000, "\ud7ff.weight"))] = torch.zeros(
        random.choice((0, 1, 9))
    )


def rename(random: Random, weights: Weights) -> None:
    """A number in a name is another."""
    key = _key(random, weights)
    weights[re.sub(r"\d+", random.choice(NUMBERS), key, count=1)] = weights[key]


def swap(random: Random, weights: Weights) -> None:
    """Two tensors stand at each other's name."""
    one, other = _key(random, weights), _key(random, weights)
    weights[one], weights[other] = weights[other], weights[one]


def spoil(random: Random, weights: Weights) -> None:
    """A number is none."""
    key = _key(random, weights)
    tensor = weights[key].clone()
    if tensor.is_floating_point() and tensor.numel():
        tensor.view(-1)[random.randrange(tensor.numel())] = random.choice((torch.nan, torch.inf, -torch.inf))
    weights[key] = tensor


def overflow(random: Random, weights: Weights) -> None:
    """A number that is one only as it is stored."""
    key = _key(random, weights)
    weights[key] = weights[key].double() * random.choice((1e300, 1e39))


def retype(random: Random, weights: Weights) -> None:
    """Another kind of number."""
    key = _key(random, weights)
    kinds = (
        torch.int8,
        torch.uint8,
        torch.bool,
        torch.int64,
        torch.float64,
        torch.float16,
        torch.bfloat16,
        torch.complex64,
    )
    weights[key] = weights[key].to(random.choice((*kinds, torch.float8_e4m3fn)))


def reshape(random: Random, weights: Weights) -> None:
    """Another shape."""
    key = _key(random, weights)
    tensor = weights[key]
    shapes = (
        tensor.reshape(-1),
        tensor[None],
        torch.zeros(()),
        torch.zeros(0, 3),
        tensor.flatten()[:1],
        tensor.transpose(0, -1).contiguous() if tensor.ndim else tensor,
    )
    weights[key] = random.choice(shapes).clone()


TENSORS = (drop, add, rename, rename, swap, spoil, spoil, overflow, retype, retype, reshape, reshape)


def unusual(random: Random, weights: Weights) -> None:
    """A tensor that only torch's own format can hold."""
    key = _key(random, weights)
    tensor = weights[key].float()
    weights[key] = random.choice(
        (
            lambda: tensor.to("meta"),
            lambda: tensor.to_sparse(),
            lambda: torch.zeros(1).expand(1 << 34),
            lambda: torch.zeros(1).expand(tensor.shape),
            lambda: torch.quantize_per_tensor(tensor, 0.1, 0, torch.quint8),
            lambda: tensor.requires_grad_(),
            lambda: torch.nn.Parameter(tensor),
            lambda: tensor.to(torch.complex64).conj(),
        )
    )()


def nest(random: Random, weights: Weights) -> None:
    """Something else than a tensor."""
    key = _key(random, weights)
    deep: Weights = {}
    place = deep
    for _ in range(random.choice((2, 300, 5000))):
        place["a"] = {}
        place = place["a"]
    ring: Weights = {}
    ring["a"] = ring
    weights[key] = random.choice(
        (None, 7, "text", [1, 2], (), b"bytes", 1.5, {}, deep, ring, {7: torch.ones(1)}, {key: 1})
    )


OBJECTS = (unusual, unusual, nest)


def damage_weights(random: Random, base: Path, path: Path) -> str:
    """Write weights changed in some way; the way.

    Args:
        random: where all chance comes from.
        base: a safetensors file.
        path: what is written.
    """
    ways = (_of_bytes, _of_tensors, _of_tensors, _of_objects, _of_header, _of_pickle, _of_place)
    return random.choice(ways)(random, base, path)


def _of_bytes(random: Random, base: Path, path: Path) -> str:
    form = random.choice(("safetensors", "zip", "legacy"))
    _write(form, load_file(base), _metadata(base), path)
    content, way = damage_bytes(random, path.read_bytes())
    path.write_bytes(content)
    return f"{form} {way}"


def _of_tensors(random: Random, base: Path, path: Path) -> str:
    weights: Weights = dict(load_file(base))
    way = random.choice(TENSORS)
    way(random, weights)
    form = random.choice(("safetensors", "zip", "legacy"))
    _write(form, weights, _metadata(base), path)
    return f"{form} {way.__name__}"


def _of_objects(random: Random, base: Path, path: Path) -> str:
    weights: Weights = dict(load_file(base))
    way = random.choice(OBJECTS)
    way(random, weights)
    form = random.choice(("zip", "legacy"))
    _write(form, weights, {}, path)
    return f"{form} {way.__name__}"


def _of_place(random: Random, base: Path, path: Path) -> str:
    path.write_bytes(base.read_bytes())
    return put_elsewhere(random, path)


def _write(form: str, weights: Weights, metadata: dict[str, str], path: Path) -> None:
    if form == "safetensors":
        save_file({key: tensor.clone() for key, tensor in weights.items()}, path, metadata=metadata)
    else:
        torch.save(weights, path, _use_new_zipfile_serialization=form == "zip")


def _metadata(path: Path) -> dict[str, str]:
    return {str(key): str(value) for key, value in _header(path)[0].get("__metadata__", {}).items()}


def _header(path: Path) -> tuple[dict[str, Any], bytes]:
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length]), content[8 + length :]


def _of_header(random: Random, base: Path, path: Path) -> str:
    """A safetensors file whose header lies."""
    header, body = _header(base)
    way = random.choice(HEADERS)
    text = way(random, header)
    encoded = text.encode("utf-8", "surrogatepass")
    length = random.choice((len(encoded),) * 6 + (len(encoded) + 1, 1 << 40, 99_000_000, 0))
    path.write_bytes(length.to_bytes(8, "little") + encoded + body)
    return f"header {way.__name__} {length - len(encoded)}"


def _entry(random: Random, header: dict[str, Any]) -> dict[str, Any]:
    return header[random.choice([key for key in header if key != "__metadata__"])]


def lie_about_numbers(random: Random, header: dict[str, Any]) -> str:
    """Offsets, shapes and dtypes that are others."""
    entry = _entry(random, header)
    name = random.choice(("dtype", "shape", "data_offsets"))
    values = {
        "dtype": ("F64", "I8", "BOOL", "F8_E4M3", "C64", "X", None, 7),
        "shape": ([10**12], [-1], [0], [], [2**63], [1.5], ["a"], None, [10**400], [1] * 5000),
        "data_offsets": ([0, 0], [-8, 8], [8, 0], [0, 2**62], [0], None, "x", [0.5, 1.5], [0, 10**400]),
    }
    entry[name] = random.choice(values[name])
    return json.dumps(header)


def lie_in_metadata(random: Random, header: dict[str, Any]) -> str:
    """Metadata that are other numbers, other texts, or none."""
    metadata = header.setdefault("__metadata__", {"a": "1"})
    key = random.choice(list(metadata))
    try:
        inner = json.loads(metadata[key])
    except ValueError:
        inner = None
    if isinstance(inner, dict) and inner:
        place = random.choice(list(inner))
        inner[place] = random.choice(HUGE)
        if random.random() < 0.3:
            inner[place] = {"a": random.choice(HUGE)}
        metadata[key] = json.dumps(inner)
    metadata[key] = random.choice((metadata[key],) * 4 + ("[" * 100_000, "{}", "", "1" * 10_000, "\ud800", "NaN"))
    if random.random() < 0.2:
        header["__metadata__"] = random.choice((None, 7, [], "text", {"a": 7}, {"a": None}))
    return json.dumps(header)


def be_deep(random: Random, header: dict[str, Any]) -> str:
    """A header that is nested too deeply."""
    deep = "[" * random.choice((900, 100_000)) + "]" * 3
    return f'{{"a": {deep}, {json.dumps(header)[1:]}'


def be_many(random: Random, header: dict[str, Any]) -> str:
    """More tensors than any network has."""
    empty = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    return json.dumps({**header, **{f"a.{number}": empty for number in range(random.choice((5000, 150_000)))}})


def be_no_header(random: Random, header: dict[str, Any]) -> str:
    """JSON that is something else."""
    del header
    return random.choice(
        ('{"a": 1}', "{}", "{" + " " * 999, '{"a": {}}', '{"a": {"dtype": "F32"}}', '{"a": NaN}', '{"a":{},"a":{}}')
    )


HEADERS: tuple[Callable[[Random, dict[str, Any]], str], ...] = (
    lie_about_numbers,
    lie_about_numbers,
    lie_in_metadata,
    lie_in_metadata,
    lie_in_metadata,
    be_deep,
    be_many,
    be_no_header,
)


def _of_pickle(random: Random, base: Path, path: Path) -> str:
    """A pickle that does something when it is read freely, or whose steps are others."""
    weights: Weights = dict(load_file(base))
    ran = path.parent.parent / "ran"
    way = random.choice(("reduce", "bare reduce", "steps", "list", "function", "module"))
    if way == "steps":
        torch.save(weights, path, _use_new_zipfile_serialization=False)
        content = bytearray(path.read_bytes())
        for _ in range(3):
            content[random.randrange(min(len(content), 4000))] = random.choice(b"cRi\x81\x93bo(.}])\x8a0")
        path.write_bytes(bytes(content))
        return way
    if way == "bare reduce":
        path.write_bytes(pickle.dumps({"a": Running(ran)}, random.choice((2, 4, 5))))
        return way
    held = {
        "reduce": lambda: {**weights, _key(random, weights): Running(ran)},
        "list": lambda: list(weights.values()),
        "function": lambda: {**weights, "a": json.dumps},
        "module": lambda: torch.nn.Linear(1, 1),
    }[way]()
    torch.save(held, path, _use_new_zipfile_serialization=random.random() < 0.5)
    return way
