"""People where the picture attends to their words, read from the text's cross-attention as the run goes on.

OmniPortrait (Eq. 6) makes masks of faces of it; here it tells people apart, on any base and without a further model.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..packages import import_package
from ..port.attention import Crop
from ..port.word_attention import WordAttention
from .found import INSIDE, Memory, Regions
from .masks import span
from .region_mask import clean_mask, is_credible, refine_with

AT_EDGE = 0.75  # score at the edge of what is attended to


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class SeenWords:
    """The attention to people's words in one call, of pictures that share a prompt.

    Attributes:
        attention: of B rows.
        sigma: noise level.
        samples: the picture of every row, by its number in the run.
        crop: the part of the picture that the rows show; None for all of it.
    """

    attention: WordAttention
    sigma: float
    samples: tuple[int, ...]
    crop: Crop | None = None


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class WordLook:
    """Finds everybody at their words; a `Look`.

    Attributes:
        gamma, alpha, beta: of Eq. 6, see `region_mask.refine`.
        growth: how far around what is attended to a person reaches, times the square root of its area (the mean
            of all people's): words may be drawn as a shirt or a face, and the person is all of it.
    """

    gamma: int = 3
    alpha: float = 2.0
    beta: float = 0.5
    growth: float = 1.25

    def take(self, memory: Memory, seen: SeenWords) -> None:
        """Note what one call of the UNet attends to.

        Prompts that name different people, several calls of a step and parts of the picture add up to one picture.
        """
        state: _State = memory.setdefault(self, _State())
        state.begin(seen.sigma)
        scores, raw = self._scores(seen.attention)
        for place, score in scores.items():
            state.pending.add(place, score, seen)
            state.attention.add(place, raw[place], seen)

    def regions(self, memory: Memory, sigma: float) -> Regions | None:
        """See `Look`; somebody whose words attend to nothing in particular keeps the last place."""
        state: _State | None = memory.get(self)
        if state is not None:
            state.begin(sigma)
        return None if state is None else state.regions

    def resume(self, memory: Memory, regions: Regions) -> None:
        """See `Look`."""
        memory[self] = _State(regions=regions)

    def attention_maps(self, memory: Memory) -> Mapping[int, Tensor]:
        """The attention to everybody's words over the run so far, (S, h, w) on the CPU by place, its mean over steps."""
        state: _State | None = memory.get(self)
        if state is None:
            return {}
        return {place: state.attention.mean(place).nan_to_num().cpu() for place in state.attention.places}

    @torch.inference_mode(False)
    @torch.no_grad()
    def _scores(self, attention: WordAttention) -> tuple[dict[int, Tensor], dict[int, Tensor]]:
        """Scores of the people who are seen clearly enough, (B, h, w), NaN in rows where they are not, and the plain attention."""
        places = tuple(attention.columns)
        columns = torch.stack([attention.columns[place].float() for place in places], dim=1)
        cross = interpolate(columns, attention.grid, mode="bilinear").flatten(2)  # (B, P, L)
        soft, inside = refine_with(cross, attention.spread, gamma=self.gamma, alpha=self.alpha, beta=self.beta)
        scores = torch.full_like(soft, torch.nan)
        for row in range(len(soft)):
            cores = {
                person: clean_mask(inside[row, person].unflatten(0, attention.grid))
                for person in range(len(places))
                if is_credible(inside[row, person], cross[row, person])
            }
            # one reach for all, or whoever is drawn larger would take a part of the others
            reach = self.growth * sum(float(core.sum()) ** 0.5 for core in cores.values()) / max(len(cores), 1)
            for person, core in cores.items():
                scores[row, person] = grow(soft[row, person].unflatten(0, attention.grid), core, reach).flatten()
        scores, cross = (each.unflatten(-1, attention.grid) for each in (scores, cross))
        return dict(zip(places, scores.unbind(1), strict=True)), dict(zip(places, cross.unbind(1), strict=True))


def grow(soft: Tensor, core: Tensor, reach: float) -> Tensor:
    """Scores of a person around what is attended to.

    Args:
        soft: refined attention, (h, w), 0–1.
        core: where it is surely theirs, (h, w) bool, at least one cell.
        reach: how far around it the person ends, in cells; 0 leaves the core alone.

    Returns:
        (h, w) float32: above `AT_EDGE` in the core, at its edge that, from there down to `INSIDE` where the person ends, and towards
        0 farther out.

    Raises:
        MissingPackageError: if scipy is not installed.
    """
    ndimage: Any = import_package("scipy.ndimage", "distance_transform_edt", purpose="Finding people at their words")
    distance = torch.from_numpy(ndimage.distance_transform_edt(~core.cpu().numpy())).to(soft)
    around = AT_EDGE / (1 + (AT_EDGE / INSIDE - 1) * (distance / reach) ** 2) if reach else torch.zeros_like(soft)
    return torch.where(core, AT_EDGE + (1 - AT_EDGE) * soft, around)


@dataclass(eq=False, slots=True)
class _Canvas:
    """Maps of people added up over the whole picture; a place that nobody has shown stays NaN."""

    size: tuple[int, int] | None = None
    _total: dict[int, Tensor] = field(default_factory=dict)  # (S, h, w) by place
    _count: dict[int, Tensor] = field(default_factory=dict)

    @property
    def places(self) -> tuple[int, ...]:
        """Of everybody who was seen."""
        return tuple(self._total)

    @torch.inference_mode(False)
    @torch.no_grad()
    def add(self, place: int, maps: Tensor, seen: SeenWords) -> None:
        """Take maps (B, h, w) of rows; rows that hold NaN count as not seen."""
        crop = seen.crop
        if self.size is None:
            height, width = maps.shape[-2:]
            self.size = (height, width) if crop is None else _full_size((height, width), crop)
        area = (slice(None), slice(None)) if crop is None else _area(self.size, crop)
        self._grow(place, max(seen.samples) + 1, maps)
        total, count = self._total[place], self._count[place]
        resized = interpolate(maps[:, None], total[0][area].shape, mode="bilinear")[:, 0]
        for row, sample in zip(resized, seen.samples, strict=True):
            known = ~row.isnan()
            total[(sample, *area)] += row.nan_to_num()
            count[(sample, *area)] += known

    def mean(self, place: int) -> Tensor:
        """The mean map of somebody, (S, h, w), NaN where nothing was seen."""
        return self._total[place] / self._count[place]

    def _grow(self, place: int, pictures: int, like: Tensor) -> None:
        for held in (self._total, self._count):
            before = held.get(place)
            if before is None or len(before) < pictures:
                held[place] = torch.zeros(pictures, *(self.size or ()), device=like.device)
                if before is not None:
                    held[place][: len(before)] = before


@dataclass(eq=False, slots=True)
class _State:
    """What a look has seen in one run."""

    sigma: float | None = None
    pending: _Canvas = field(default_factory=_Canvas)
    attention: _Canvas = field(default_factory=_Canvas)
    regions: Regions | None = None

    def begin(self, sigma: float) -> None:
        """Go on to a noise level; what was seen at the one before counts from now on."""
        if self.sigma is not None and sigma != self.sigma and self.pending.places:
            self.regions = _renewed(self.regions, self.pending)
            self.pending = _Canvas(self.pending.size)
        self.sigma = sigma


@torch.inference_mode(False)
@torch.no_grad()
def _renewed(before: Regions | None, seen: _Canvas) -> Regions:
    """The regions after a step: what was seen, and of everybody else what was known."""
    maps = {place: seen.mean(place) for place in seen.places}
    pictures = max(len(each) for each in maps.values())
    people = 1 + max(maps)
    size = next(iter(maps.values())).shape[-2:]
    like = next(iter(maps.values()))
    if before is not None:
        pictures, people = max(pictures, before.found.shape[0]), max(people, before.found.shape[1])
    scores = like.new_zeros(pictures, people, *size)
    found = torch.zeros(pictures, people, dtype=torch.bool, device=like.device)
    if before is not None:
        kept = before.found.shape
        scores[: kept[0], : kept[1]], found[: kept[0], : kept[1]] = before.scores, before.found
    for place, each in maps.items():
        is_seen = (~each.isnan()).flatten(1).any(1)
        pictures_seen = slice(0, len(each))
        new = each.nan_to_num()
        scores[pictures_seen, place] = torch.where(is_seen[:, None, None], new, scores[pictures_seen, place])
        found[pictures_seen, place] |= is_seen
    return Regions(scores, found)


def _full_size(size: tuple[int, int], crop: Crop) -> tuple[int, int]:
    """The size of the whole picture's map, of which a part is so large."""
    return (
        max(1, round(size[0] * crop.full_height / crop.height)),
        max(1, round(size[1] * crop.full_width / crop.width)),
    )


def _area(size: tuple[int, int], crop: Crop) -> tuple[slice, slice]:
    """The rows and columns of a map of the whole picture that a part covers, at least one each."""
    return (
        span(crop.top, crop.height, crop.full_height, size[0]),
        span(crop.left, crop.width, crop.full_width, size[1]),
    )
