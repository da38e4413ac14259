"""OmniPortrait's examples to batches: latents, text, and faces as if from other photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from ...diffusers_host.base import Base
from ...diffusers_host.text_encoders import encode_prompts
from ..batches.draws import Draws
from ..batches.examples import Example
from ..batches.feature_store import FeatureStore
from ..batches.latents import sample_latents
from .batch import PivotBatch
from .crops import augment
from .pictures import Portrayed


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PortraitEncoder:
    """Encodes examples on the device that the networks are on.

    Attributes:
        base: its VAE and text encoders are used.
        store: keeps latents; None encodes every picture whenever it comes.
        seed: of the run.
    """

    base: Base
    store: FeatureStore | None
    seed: int

    def __call__(self, examples: Sequence[Example[Portrayed]]) -> PivotBatch:
        """The batch of some examples."""
        text = encode_prompts(self.base.text_encoders, ["", *(example.caption for example in examples)])
        device, people = text.tokens.device, [example.people for example in examples]
        positions = tuple(example.position for example in examples)
        wide = _pad([[one.wide for one in row] for row in people], device).movedim(-1, 2).float() / 255
        heads = _pad([[one.head for one in row] for row in people], device).float() / 255
        return PivotBatch(
            positions=positions,
            latents=sample_latents(self.base, examples, self.store, seed=self.seed),
            text=text.tokens[1:],
            empty=text.tokens[:1],
            pooled=None if text.pooled is None else text.pooled[1:],
            empty_pooled=None if text.pooled is None else text.pooled[:1],
            sizes=torch.tensor([example.sizes for example in examples], device=device),
            crops=augment(wide, heads, Draws(self.seed, positions)),
            rows=_pad([[np.array(one.row) for one in row] for row in people], device),
            faces=_pad([[one.face for one in row] for row in people], device).float() / 255,
            present=_pad([[np.array(True) for _ in row] for row in people], device),
        )


def _pad(rows: Sequence[Sequence[np.ndarray]], device: torch.device) -> Tensor:
    """(B, N, ...), the rows with fewer than N filled up with zeros."""
    stacked = [torch.from_numpy(np.stack(list(row))).to(device) for row in rows]
    return pad_sequence(stacked, batch_first=True)
