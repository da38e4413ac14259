"""A prior's examples to batches: what the text tower says of captions, and CLIP of their pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ....diffusers_host.text_encoders import TextEncoder
from ....diffusers_host.text_tower import read_texts
from ...batches.examples import Crop, Example
from ...batches.feature_store import FeatureStore
from ..encode import encode_styles
from ..style_network import StyleNetwork
from .batch import PairBatch


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class PairEncoder:
    """Encodes examples where the networks are.

    Attributes:
        tower: reads captions.
        network: looks at pictures.
        store: keeps what it says; None looks at every picture whenever it comes.
    """

    tower: TextEncoder
    network: StyleNetwork
    store: FeatureStore | None

    def __call__(self, examples: Sequence[Example[Crop]]) -> PairBatch:
        """The batch of some examples."""
        said = read_texts(self.tower, ["", *(example.caption for example in examples)])
        return PairBatch(
            positions=tuple(example.position for example in examples),
            hidden=said.hidden[1:],
            pooled=said.pooled[1:],
            mask=said.mask[1:],
            empty_hidden=said.hidden[:1],
            empty_pooled=said.pooled[:1],
            empty_mask=said.mask[:1],
            embedding=encode_styles(self.network, [example.people[0] for example in examples], self.store),
        )
