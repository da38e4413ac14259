"""Rows of a prompt that name people: written into CONDITIONING, and looked for in the prompts of a run that begins."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cosine_similarity

from ..models.errors import InvalidSettingError
from ..models.port.attention import Polarity
from .sampling.conds import POLARITIES
from .sampling.delayed_conditioning import Conditioning
from .unet import keys

Rows = tuple[tuple[int, int], ...]  # place of the person in the chain, row of the CONDITIONING
NOTHING: Mapping[str, Any] = MappingProxyType({})
SAME = 0.999  # cosine of a row with what it was; a prompt whose rows are only scaled still says the same


@dataclass(frozen=True, eq=False, slots=True)
class NamedText:
    """What a text was when its rows were named.

    Attributes:
        length: number of its rows.
        vectors: of the named ones, (R, D).
    """

    length: int
    vectors: Tensor

    def is_in(self, text: Tensor, rows: Rows) -> bool:
        """Whether the rows of a text (1, S, D) still say the same."""
        if text.shape[1] != self.length or text.shape[-1] != self.vectors.shape[-1]:
            return False
        now = text[0, [row for _, row in rows]].to(self.vectors)
        return bool((cosine_similarity(now, self.vectors, dim=-1) > SAME).all())


def name_rows(entries: Conditioning, rows: Rows, options: Mapping[str, Any] = NOTHING) -> Conditioning:
    """CONDITIONING whose rows name people; the given one stays as it is.

    Args:
        entries: each with as many rows as the text has.
        rows: which are whom.
        options: what else every entry notes.
    """
    numbers = [row for _, row in rows]
    return [
        [
            text,
            {
                **noted,
                **options,
                keys.NAMED_ROWS: rows,
                keys.NAMED_TEXT: NamedText(text.shape[1], text[0, numbers].detach().to("cpu", torch.float32)),
            },
        ]
        for text, noted in entries
    ]


def require_names(conds: Mapping[str, Iterable[Mapping[str, Any]] | None], names: Mapping[int, str]) -> None:
    """Refuse a run whose prompts do not say where people's words are.

    Args:
        conds: the guider's, by the name of their side.
        names: of those who are to be found at their words, by their place in the chain.

    Raises:
        InvalidSettingError: naming who is not in a prompt, or that the prompt was changed after it was encoded.
    """
    entries = [
        entry
        for side, each in conds.items()
        if POLARITIES.get(side, Polarity.POSITIVE) is not Polarity.NEGATIVE
        for entry in each or ()
        if entry.get(keys.NAMED_ROWS)
    ]
    for entry in entries:
        noted, text = entry.get(keys.NAMED_TEXT), entry.get(keys.ENCODED)
        if isinstance(noted, NamedText) and isinstance(text, Tensor) and not noted.is_in(text, entry[keys.NAMED_ROWS]):
            raise InvalidSettingError(
                "People are to be found at their words, and after Encode People Prompt another node has moved or mixed the rows of "
                "the prompt (Conditioning Average or Concat); join prompts with Conditioning Combine, or write all in one."
            )
    named = {place for entry in entries for place, _ in entry[keys.NAMED_ROWS]}
    missing = [place for place in names if place not in named]
    if missing:
        raise InvalidSettingError(_not_named(missing, names, is_any=bool(named)))


def _not_named(missing: Sequence[int], names: Mapping[int, str], *, is_any: bool) -> str:
    """The sentence about those whom no word stands for."""
    listed = ", ".join(f'"{names[place]}" (@id{place + 1})' for place in missing)
    if is_any:
        return f"People are to be found at their words, and no word of the prompt is {listed}; write the marker behind one."
    return (
        f"People are to be found at their words, and no prompt names {listed}; encode the positive prompt with Encode People Prompt, "
        'as in "a man @id1 and a woman @id2", or place people in another way.'
    )
