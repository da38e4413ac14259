"""People where the prompt's words for them are drawn: Eq. 6 on the attention of the running step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..errors import InvalidSettingError
from ..port.guidance import GuidedStep
from .guided_person import GuidedPerson
from .region_mask import clean_mask, is_credible, refine_with


@dataclass(frozen=True, slots=True)
class AttentionMasks:
    """Finds people by their words.

    Attributes:
        gamma, alpha, beta: of Eq. 6, see `region_mask.refine`.
    """

    gamma: int = 3
    alpha: float = 2.0
    beta: float = 0.5

    @property
    def wants_attention(self) -> bool:
        """Always."""
        return True

    def find(self, people: Sequence[GuidedPerson], step: GuidedStep) -> Tensor:
        """See `MaskSource`; where a mask cannot be a face, that of the step before stays.

        Raises:
            InvalidSettingError: if no word of the prompt stands for somebody.
        """
        return torch.stack([self._person(person, step) for person in people])

    def _person(self, person: GuidedPerson, step: GuidedStep) -> Tensor:
        attention = step.attention
        if attention is None or person.place not in attention.columns:
            raise InvalidSettingError(
                f'No word of the prompt stands for "{person.name}"; write @id{person.place + 1} behind a noun and encode it '
                "with Encode People Prompt, or give a mask."
            )
        cross = interpolate(attention.columns[person.place][:, None], attention.grid, mode="bilinear")[:, 0].flatten(1)
        rows: list[Tensor] = []
        for row, column in enumerate(cross):

            def spread(values: Tensor, row: int = row) -> Tensor:
                return attention.row(row).spread(values[None])[0]

            soft, hard = refine_with(column, spread, gamma=self.gamma, alpha=self.alpha, beta=self.beta)
            hard = clean_mask(hard.unflatten(0, attention.grid))
            key = (self, person.place, row)
            if is_credible(hard.flatten(), column):
                # the cells that cleaning added were below the threshold
                step.memory[key] = torch.where(hard, 0.5 + soft.unflatten(0, attention.grid) / 2, 0.0)
            rows.append(step.memory.get(key, torch.zeros(attention.grid, device=column.device)))
        return torch.stack(rows)
