"""Gradients with and without checkpointing, for the tests of every method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from torch import Tensor


def checkpointed_gradients(
    new_method: Callable[[], Any], batch: Any, *, passes: int = 1
) -> Iterator[tuple[Tensor, Tensor]]:
    """The gradient of every weight, without and with checkpointing, of the last of some passes over a batch.

    That the UNet's last block runs a second time with it, and only then, is asserted: else both would be the same by themselves.
    """
    plain, checkpointed = (_gradients(new_method(), batch, passes, is_thrifty=thrifty) for thrifty in (False, True))
    return zip(plain, checkpointed, strict=True)


def _gradients(method: Any, batch: Any, passes: int, *, is_thrifty: bool) -> list[Tensor]:
    if is_thrifty:
        method.base.unet.enable_gradient_checkpointing()
    runs = []
    method.base.unet.up_blocks[-1].resnets[-1].register_forward_pre_hook(lambda *_: runs.append(1))
    for _ in range(passes):
        method.zero_grad()
        method(batch)["loss"].backward()
    assert len(runs) == passes * (2 if is_thrifty else 1)
    return [weight.grad for weight in method.parameters()]
