"""What a piece of code does: operations that it launches, and floating point operations of its matrix products."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode, sdpa_flop_count

VIEWS = frozenset(  # they only look at a tensor in another way
    [
        "view",
        "_unsafe_view",
        "reshape",
        "permute",
        "transpose",
        "t",
        "expand",
        "slice",
        "select",
        "squeeze",
        "unsqueeze",
        "split",
        "split_with_sizes",
        "chunk",
        "alias",
        "detach",
        "unbind",
        "as_strided",
        "narrow",
        "movedim",
        "_reshape_alias",
        "lift_fresh",
    ]
)


def count_operations(call: Callable[[], object]) -> Counter[str]:
    """How often each operation runs in a call, by its name; in inference mode composite ones count as one, as they are written."""
    with _Counting() as counting:
        call()
    return counting.found


def count_flops(call: Callable[[], object]) -> int:
    """Floating point operations of a call's matrix products, convolutions and attention."""
    with FlopCounterMode(display=False, custom_mapping=ATTENTION_OF_THE_CPU) as counter:
        call()
    return counter.get_total_flops()


def _attention_flops(query: Any, key: Any, value: Any, *rest: Any, out_shape: Any = None, **named: Any) -> int:
    del rest, out_shape, named
    return sdpa_flop_count(query, key, value)


ATTENTION_OF_THE_CPU: dict[Any, Any] = {  # which torch's counter takes for nothing
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention_flops
}


class _Counting(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.found: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        if name not in VIEWS:
            self.found[name] += 1
        return func(*args, **(kwargs or {}))
