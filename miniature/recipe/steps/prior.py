"""Training of the miniature's prior by the trainer's own method."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn

from ....models.clip.prior import EmbeddingPrior, PriorSizes
from ....models.clip.prior_file import PriorDescription
from ....training.batches.draws import Draws
from ....training.facestudio.prior.method import PriorMethod
from ....training.facestudio.prior.networks import new_prior
from ..loop import train
from ..styles.captioned_pictures import CaptionedPictures
from ..train_config import TrainConfig

WIDTH, HEAD, DEPTH = 128, 32, 3
SPACE = "miniature"
DESCRIPTION = PriorDescription(clamp=5.0, dim_head=HEAD, space=SPACE, projected=False)


def new_miniature_prior(pairs: CaptionedPictures, *, seed: int) -> EmbeddingPrior:
    """Return an untrained prior for the miniature's spaces."""
    tokens, text = pairs.hidden.shape[1:]
    sizes = PriorSizes(
        width=WIDTH, dim_head=HEAD, depth=DEPTH, embedding=pairs.embedding.shape[-1], text=text, text_tokens=tokens
    )
    return new_prior(sizes, pairs.embedding.mean(0), pairs.embedding.std(0), seed=seed)


def train_prior(prior: EmbeddingPrior, pairs: CaptionedPictures, config: TrainConfig, folder: Path) -> None:
    """Train on captions and pictures; raises as `train`."""
    method = PriorMethod(prior, seed=config.seed)
    learned = nn.ParameterList(method.trained())  # mean and spread of embeddings stay as they were measured

    def loss(draws: Draws) -> Tensor:
        return method(pairs.batch(draws))["loss"]

    train(config, learned, loss, folder)
