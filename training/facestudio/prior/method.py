"""A prior learns to predict the clean picture embedding from a noisy one and a text."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from ....models.clip.posterior import TIMESTEPS, alphas_cumprod
from ....models.clip.prior import EmbeddingPrior
from ...adapter_networks import Weights
from ...batches.draws import Draws
from .batch import PairBatch

DROP = 0.1  # of the texts, for guidance; unCLIP's


class PriorMethod(nn.Module):
    """The training of a prior; it needs no base model and no UNet.

    Args:
        prior: new or read from a file; all but the mean and spread of embeddings are trained.
        seed: of the random numbers.
        drop: how often the text is the empty one, 0–1.

    Reference: unCLIP (arXiv:2204.06125), section 2.2: the mean squared error of the clean embedding, predicted at once.
    """

    def __init__(self, prior: EmbeddingPrior, *, seed: int, drop: float = DROP):
        super().__init__()
        self.prior, self.seed, self.drop = prior, seed, drop
        prior.requires_grad_(True)
        for measured in (prior.clip_mean, prior.clip_std):
            measured.requires_grad_(False)

    def forward(self, batch: PairBatch) -> dict[str, Tensor]:
        """The mean squared error of a batch, of normalised embeddings."""
        prior, draws = self.prior, Draws(self.seed, batch.positions)
        clean = (batch.embedding.float() - prior.clip_mean) / prior.clip_std
        noise = draws.normal("noise", clean.shape[1:]).to(clean)
        timesteps = draws.integers("timestep", TIMESTEPS)
        kept = alphas_cumprod()[timesteps].to(clean)[:, None]
        noisy = kept.sqrt() * clean + (1 - kept).sqrt() * noise
        wordless = (draws.uniform("drop") < self.drop).to(clean.device)
        hidden = torch.where(wordless[:, None, None], batch.empty_hidden, batch.hidden)
        pooled = torch.where(wordless[:, None], batch.empty_pooled, batch.pooled)
        mask = torch.where(wordless[:, None], batch.empty_mask, batch.mask)
        predicted = prior(noisy, timesteps.to(clean.device), hidden, pooled, mask)
        return {"loss": mse_loss(predicted.float(), clean)}

    @property
    def base(self) -> None:
        """There is none."""

    def trained(self) -> Iterator[nn.Parameter]:
        """All but the mean and spread of embeddings."""
        return (parameter for parameter in self.parameters() if parameter.requires_grad)

    def weights(self) -> Weights:
        """The file's contents, under the names of published priors."""
        return {"": {key: tensor.detach() for key, tensor in self.prior.state_dict().items()}}
