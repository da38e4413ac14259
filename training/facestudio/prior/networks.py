"""New priors."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ....models.clip.prior import EmbeddingPrior, PriorSizes

STD = 0.02  # of what is learned per position
LEAST = 1e-3  # of the embeddings' largest standard deviation; a value that never changes would be divided by 0


def new_prior(sizes: PriorSizes, mean: Tensor, std: Tensor, *, seed: int) -> EmbeddingPrior:
    """An untrained prior, float32 on the CPU.

    Args:
        sizes: of it.
        mean, std: of the picture embeddings that it is going to predict, (E,) each.
        seed: of the random weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        prior = EmbeddingPrior(sizes)
        nn.init.normal_(prior.positional_embedding, std=STD)
        nn.init.normal_(prior.prd_embedding, std=STD)
    with torch.no_grad():
        prior.clip_mean.copy_(mean[None])
        prior.clip_std.copy_(std.clamp_min(LEAST * std.max().item())[None])
    return prior


def measure(count: int, at_once: int, embed: Callable[[range], Tensor]) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of picture embeddings, (E,) float32 on the CPU each.

    Args:
        count: of pictures, at least 2.
        at_once: how many are asked for together.
        embed: places of pictures to their embeddings (R, E).
    """
    starts = range(0, count, at_once)
    found = [embed(range(start, min(start + at_once, count))).double().cpu() for start in starts]
    embeddings = torch.cat(found)
    return embeddings.mean(0).float(), embeddings.std(0).float()
