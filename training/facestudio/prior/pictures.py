"""The data set of a prior: pictures as styles, by their captions."""

from __future__ import annotations

import numpy as np

from ....dataset.rows import RowSource
from ...batches.examples import Crop
from ...batches.index import Wanted
from ...batches.row_dataset import RowDataset, Seen
from ..pictures import StyleSquare, style_crop


class PairDataset(RowDataset[Crop]):
    """Pictures as CLIP sees them; the only entry of an example's people. The training picture itself is not needed.

    Args:
        source, wanted, seed: see `RowDataset`.
        square: what CLIP sees.
        hide: whether faces are hidden, as in FaceStudio's styles.
    """

    def __init__(self, source: RowSource, wanted: Wanted, *, seed: int, square: StyleSquare, hide: bool) -> None:
        super().__init__(source, wanted, seed=seed)
        self._square, self._hide = square, hide

    def _people(self, seen: Seen) -> tuple[Crop]:
        return (style_crop(seen, self._square, self.is_cached, hide=self._hide),)

    def _pixels(self, seen: Seen, key: str) -> np.ndarray | None:
        del seen, key
        return None
