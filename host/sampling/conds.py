"""What the conds of a sampling run are, by the uuid that ComfyUI gives each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from torch import Tensor

from ...models.port.attention import Crop, Polarity
from ..unet import keys

POLARITIES = {
    "positive": Polarity.POSITIVE,
    "middle": Polarity.MIDDLE,
    "negative": Polarity.NEGATIVE,
    "empty_negative_prompt": Polarity.NEGATIVE,  # PerpNegGuider
}


@dataclass(frozen=True, slots=True)
class CondInfo:
    """What is known of one cond of a run.

    Attributes:
        polarity: side of the guidance.
        crop: the part of the picture it is for, or None for all of it.
        owners: of every row of its text, the place of a person or -1; empty where nobody owns a row.
        named_rows: rows of its text that name a person: the person's place and the row.
        length: number of rows of a text that names people; 0 where nobody is named.
    """

    polarity: Polarity
    crop: Crop | None = None
    owners: tuple[int, ...] = ()
    named_rows: tuple[tuple[int, int], ...] = ()
    length: int = 0

    def rows_of(self, place: int, count: int) -> list[int]:
        """The rows that name a person, of a text that ComfyUI may have repeated to the length of a longer one in its batch.

        Args:
            place: of the person in the chain.
            count: rows of the text as a layer is given it.
        """
        own = [row for owner, row in self.named_rows if owner == place]
        if not self.length or count % self.length:
            return own
        return [start + row for start in range(0, count, self.length) for row in own]


def conds_by_uuid(conds: dict[str, list[dict[str, Any]]], size: tuple[int, ...]) -> dict[UUID, CondInfo]:
    """Return what every cond of a run is, by its uuid.

    Args:
        conds: the guider's own copies, by the name of their side; an entry that stands on two sides gets a uuid of its own.
        size: (H, W) of the latent.
    """
    known: dict[UUID, CondInfo] = {}
    for name, entries in conds.items():
        polarity = POLARITIES.get(name, Polarity.POSITIVE)
        for entry in entries or ():
            if entry[keys.UUID] in known and known[entry[keys.UUID]].polarity is not polarity:
                # Core copies a positive area cond, uuid and all, to give the negative side the same area.
                entry[keys.UUID] = uuid4()
            crop = _crop(entry.get("area"), size)
            owners, named_rows = entry.get(keys.OWNERS, ()), entry.get(keys.NAMED_ROWS, ())
            length = _text_length(entry) if named_rows else 0
            known[entry[keys.UUID]] = CondInfo(polarity, crop, owners, named_rows, length)
    return known


def texts_by_uuid(conds: dict[str, list[dict[str, Any]]]) -> dict[UUID, Tensor]:
    """Return the text of every cond of a run, (1 or P, T, D), by its uuid; those without one are left out.

    Args:
        conds: the guider's own copies, by the name of their side, ready for the UNet.
    """
    entries = (entry for side in conds.values() for entry in side or ())
    texts = ((entry[keys.UUID], entry.get(keys.MODEL_CONDS, {}).get(keys.TEXT)) for entry in entries)
    return {uuid: text.cond for uuid, text in texts if isinstance(getattr(text, "cond", None), Tensor)}


def _text_length(entry: dict[str, Any]) -> int:
    """The number of rows of an entry's text; 0 where it has none."""
    text = getattr(entry.get(keys.MODEL_CONDS, {}).get(keys.TEXT), "cond", None)
    return text.shape[1] if isinstance(text, Tensor) else 0


def _crop(area: Any, size: tuple[int, ...]) -> Crop | None:
    if area is None or len(area) != 4 or len(size) != 2:
        return None
    height, width, top, left = (int(value) for value in area)
    return Crop(top, left, min(height, size[0] - top), min(width, size[1] - left), size[0], size[1])
