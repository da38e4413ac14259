"""A small card for ComfyUI on a machine without one: a second device of torch whose memory is counted tensor by tensor.

Tensors on it hold their values on the CPU and say that they lie elsewhere; an operation on tensors of both places is the error
that it is on a real card. ComfyUI is told 1024 bytes for every one, so that networks of a few channels are as large as real ones.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from weakref import finalize

import pytest
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

CARD = torch.device("lazy", 0)  # the one kind that torch lets Python hold without a driver, and autograd runs on
SCALE = 1024
GB = 1024**3
BETWEEN = (
    "aten::copy_",
    "aten::_to_copy",
    "aten::_has_compatible_shallow_copy_type",
)  # operations that may read one place and write the other


@dataclass(eq=False)
class SmallCard(TorchDispatchMode):
    """A card while it is entered as a context.

    Attributes:
        size: its bytes, as ComfyUI is told.
        peak: the most that lay on it at once.
    """

    size: int
    peak: int = 0
    _used: int = 0
    _bytes: dict[int, int] = field(default_factory=dict)
    _holders: Counter[int] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        super().__init__()

    @property
    def used(self) -> int:
        """Bytes of all tensors that lie on it now, as ComfyUI is told."""
        return SCALE * self._used

    @property
    def left(self) -> int:
        """Bytes that lie on it once nobody but those who hold a tensor for good has any."""
        gc.collect()
        return self.used

    def free(self, device: Any = None, torch_free_too: bool = False) -> Any:
        """ComfyUI's `get_free_memory`."""
        free = self.size - self.used if device is None or is_card(device) else 64 * GB
        return (free, 0) if torch_free_too else free

    def hold(self, tensor: OnCard) -> None:
        """Count a tensor until it is gone."""
        storage = tensor.held.untyped_storage()
        place = storage.data_ptr()
        if not self._holders[place]:
            self._bytes[place] = storage.nbytes()
            self._used += storage.nbytes()
        self._holders[place] += 1
        self.peak = max(self.peak, self.used)
        finalize(tensor, self._let_go, place).atexit = False

    def _let_go(self, place: int) -> None:
        self._holders[place] -= 1
        if not self._holders[place]:
            del self._holders[place]
            self._used -= self._bytes.pop(place)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run an operation where its tensors are."""
        given = kwargs or {}
        if func._schema.name == "aten::to":  # whole in inference mode alone; what it is made of says the place
            with self:
                return func.decompose(*args, **given)
        tensors = [each for each in _leaves((*args, *given.values())) if isinstance(each, Tensor)]
        there = [each for each in tensors if isinstance(each, OnCard)]
        device = given.get("device")
        is_there = bool(there) if device is None else is_card(device)
        if there and func._schema.name not in BETWEEN:
            _require_one_place(func, tensors)
        if device is not None and is_there:
            given = {**given, "device": torch.device("cpu")}
        own = {id(each.held): each for each in there}

        def wrapped(value: Any) -> Any:
            if not isinstance(value, Tensor) or not (is_there or id(value) in own):
                return value
            return own[id(value)] if id(value) in own else OnCard(value, self)

        values = {name: _mapped(_inner, value) for name, value in given.items()}
        return _mapped(wrapped, func(*(_mapped(_inner, value) for value in args), **values))


class _Written(TorchFunctionMode):
    """Tensors that are written down: torch makes these on the CPU and brings them over where no mode sees it."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of torch."""
        given = dict(kwargs or {})
        if func is Tensor.new_tensor:
            like, *args = args
            return torch.tensor(*args, dtype=given.pop("dtype", like.dtype)).to(given.pop("device", like.device))
        if func is Tensor.tolist:
            return args[0].cpu().tolist()
        if func in (torch.tensor, torch.as_tensor) and given.get("device") is not None:
            device = given.pop("device")
            return func(*args, **given).to(device)
        return func(*args, **given)


class OnCard(Tensor):
    """A tensor on the card.

    Attributes:
        held: its values.
    """

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor, card: SmallCard) -> OnCard:
        own: OnCard = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]
            cls,
            held.shape,
            strides=held.stride(),
            storage_offset=held.storage_offset(),
            dtype=held.dtype,
            device=CARD,
        )
        own.held = held
        card.hold(own)
        return own

    def __init__(self, held: Tensor, card: SmallCard) -> None:
        del held, card

    __torch_function__ = torch._C._disabled_torch_function_impl  # type: ignore[assignment]

    @classmethod
    def __torch_dispatch__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Nobody touches the card's tensors without the card."""
        raise RuntimeError(f"{func} on a card that is gone")


def is_card(device: Any) -> bool:
    """Whether a device is the card."""
    return torch.device(device).type == CARD.type


def _leaves(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _leaves(value)
        else:
            yield value


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    return type(value)(_mapped(change, each) for each in value) if isinstance(value, list | tuple) else change(value)


def _inner(value: Any) -> Any:
    return value.held if isinstance(value, OnCard) else value


def _require_one_place(func: Any, tensors: list[Tensor]) -> None:
    """Torch's own rule: numbers may lie on the CPU, and what says which rows of a tensor on the card are meant."""
    is_index = func._schema.name.startswith("aten::index") and isinstance(tensors[0], OnCard)
    if not is_index and any(each.ndim and not isinstance(each, OnCard) for each in tensors):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found {CARD} and cpu in {func}")


@contextmanager
def small_card(size: int, state: str = "NORMAL_VRAM") -> Generator[SmallCard, None, None]:
    """While it lasts, ComfyUI has a card.

    Args:
        size: its bytes.
        state: a name of ComfyUI's `VRAMState`: what --lowvram and --novram choose.
    """
    from comfy import model_management

    size_of = model_management.module_size
    with pytest.MonkeyPatch.context() as patched, _Written(), SmallCard(size) as card:
        for name, value in (
            ("get_torch_device", lambda: CARD),
            ("get_free_memory", card.free),
            ("get_total_memory", lambda device=None, torch_total_too=False: (size, size) if torch_total_too else size),
            ("module_size", lambda module: SCALE * size_of(module)),
            ("soft_empty_cache", lambda force=False: None),
            ("should_use_fp16", lambda *_, **__: False),
            ("should_use_bf16", lambda *_, **__: False),
            ("vram_state", model_management.VRAMState[state]),
            ("lowvram_available", True),
            ("current_loaded_models", []),
        ):
            patched.setattr(model_management, name, value)
        # else `Module.to` would write a tensor of the card into another in a way that Python does not see
        patched.setattr(torch.__future__, "_overwrite_module_params_on_conversion", True)
        patched.setattr(torch, CARD.type, torch.cpu, raising=False)  # what checkpoints ask about streams and autocast
        try:
            yield card
        finally:
            model_management.unload_all_models()


def on_card(model: Any) -> Any:
    """A MODEL that ComfyUI moves between the CPU and the card, from one that stays on the CPU."""
    from comfy.model_patcher import ModelPatcher

    return ModelPatcher(model.model, load_device=CARD, offload_device=torch.device("cpu"))


def devices(module: nn.Module) -> set[str]:
    """Where a network's weights and buffers lie."""
    return {each.device.type for each in (*module.parameters(), *module.buffers())}


def loaded_patchers() -> Iterator[Any]:
    """What ComfyUI believes to be loaded."""
    from comfy import model_management

    return (each.model for each in model_management.current_loaded_models)
