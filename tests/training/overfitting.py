"""Whether a method can learn a few pictures by heart, for the tests of every method."""

from __future__ import annotations

import torch


def overfit(method, batch, *, steps, rate=5e-3) -> list[float]:
    """Train on one batch with the same noise every time; gives the losses."""
    optimizer = torch.optim.AdamW(method.trained(), lr=rate)
    losses = []
    for _ in range(steps):
        loss = method(batch)["loss"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses
