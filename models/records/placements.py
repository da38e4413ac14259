"""What placements did during a run: one map per person, averaged over layers and steps."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import torch
from einops import rearrange
from torch import Tensor
from torch.nn import functional

from ..port.attention import AttentionCall, AttentionSite

CPU = torch.device("cpu")
NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, eq=False, slots=True)
class PartOfRun:
    """Where people were placed in one step or in one layer.

    Attributes:
        label: which it was.
        maps: (S, N, h, w) float32 on the CPU, N as in the whole run.
    """

    label: str
    maps: Tensor


@dataclass(frozen=True, eq=False, slots=True)
class PlacementMaps:
    """Where people were placed in one run.

    Attributes:
        names: N people, all different.
        maps: (S, N, h, w) float32 on the CPU for the S pictures of the latent batch; at every position the maps of
            people placed together sum to at most 1.
        missing: the pictures in which somebody was looked for and never found, by their name.
        steps, layers: the same step by step, and layer by layer in the order in which the UNet runs.
        words: the attention to everybody's words, its mean over steps, (S, h, w) by name; empty where nobody read them.
        equal_choices: the share of positions that a router gave to the same person as the time before, 0–1; None where none chose twice.
    """

    names: tuple[str, ...]
    maps: Tensor
    missing: Mapping[str, frozenset[int]] = field(default_factory=dict)
    steps: tuple[PartOfRun, ...] = ()
    layers: tuple[PartOfRun, ...] = ()
    words: Mapping[str, Tensor] = field(default_factory=dict)
    equal_choices: float | None = None

    def is_missing(self, name: str, picture: int) -> bool:
        """Whether somebody was looked for in a picture and never found."""
        return picture in self.missing.get(name, ())

    @property
    def shares(self) -> tuple[dict[str, float], ...]:
        """The share of all positions that each person got, 0–1, picture by picture."""
        return tuple(dict(zip(self.names, row, strict=True)) for row in self.maps.mean(dim=(2, 3)).tolist())


@dataclass(eq=False, slots=True)
class _Sum:
    """Weights added up for one grid size."""

    total: Tensor  # (S, N, h, w)
    calls: Tensor  # (S, 1, h, w)


@dataclass(eq=False, slots=True)
class PlacementRecord:
    """Adds up the weights of one run, per group of people and grid size.

    Attributes:
        sums: of the whole run.
        steps: the same for each noise level.
        layers: the same for each layer.
        current: the noise level that was recorded last.
        equal, compared: see `compare`.
    """

    sums: dict[tuple[str, ...], dict[tuple[int, int], _Sum]] = field(default_factory=dict)
    steps: dict[float, PlacementRecord] = field(default_factory=dict)
    layers: dict[AttentionSite, PlacementRecord] = field(default_factory=dict)
    current: float | None = None
    equal: Tensor | int = 0
    compared: int = 0

    @torch.inference_mode(
        False
    )  # a run may leave inference mode for some of its steps, and what is added to must not be of it
    @torch.no_grad()
    def record(
        self, names: tuple[str, ...], call: AttentionCall, weights: Tensor, site: AttentionSite | None = None
    ) -> None:
        """Take the weights (B, L, N) of one call; rows that show a part of the picture count only there.

        Args:
            names: of N people.
            call: whose weights they are.
            weights: who is where.
            site: the layer, by which and by whose step they are kept too; None for the sum alone.
        """
        if site is not None:
            self.current = call.sigma
            for part in (
                self.steps.setdefault(call.sigma, PlacementRecord()),
                self.layers.setdefault(site, PlacementRecord()),
            ):
                part.record(names, call, weights)
        height, width = call.grid
        maps = rearrange(weights.detach().float(), "b (h w) n -> b n h w", h=height)
        top = left = 0
        full = call.grid
        if call.crop is not None:
            vertical, horizontal = height / call.crop.height, width / call.crop.width
            full = (round(call.crop.full_height * vertical), round(call.crop.full_width * horizontal))
            top, left = round(call.crop.top * vertical), round(call.crop.left * horizontal)
            height, width = min(height, full[0] - top), min(width, full[1] - left)
        grids = self.sums.setdefault(names, {})
        kept = grids.get(full)
        pictures = max(call.samples) + 1
        if kept is None or kept.total.shape[0] < pictures:
            kept = grids[full] = _grow(kept, pictures, len(names), full, maps.device)
        for row, sample in enumerate(call.samples):
            area = (sample, slice(None), slice(top, top + height), slice(left, left + width))
            kept.total[area] += maps[row, :, :height, :width]
            kept.calls[area] += 1

    @torch.inference_mode(False)
    @torch.no_grad()
    def compare(self, before: Tensor, now: Tensor) -> None:
        """Count the positions, (B, L), that were given to the same person twice running."""
        self.equal = self.equal + (before == now).sum()
        self.compared += now.numel()

    @torch.inference_mode(False)
    @torch.no_grad()
    def latest(self) -> tuple[tuple[str, ...], Tensor] | None:
        """Who was placed where in the step that was recorded last, of the first picture; None before the first.

        Nothing is read back from the device.

        Returns:
            Names of N people, and their weights (N, h, w) on the finest grid, where they were recorded.
        """
        if self.current is None:
            return None
        sums = self.steps[self.current].sums
        finest = _finest(sums)
        groups = [_average(grids, 1, finest, _device_of(grids)) for grids in sums.values()]
        return _distinct(name for group in sums for name in group), torch.cat(groups, dim=1)[0]

    def maps(
        self, missing: Mapping[str, frozenset[int]] = NOTHING, words: Mapping[str, Tensor] = NOTHING
    ) -> PlacementMaps | None:
        """The averages, on the finest grid that was seen; None if nothing was recorded.

        Args:
            missing, words: see `PlacementMaps`.
        """
        if not self.sums:
            return None
        steps = [
            (f"step {number}", self.steps[sigma]) for number, sigma in enumerate(sorted(self.steps, reverse=True), 1)
        ]
        layers = [(_name_of(site), self.layers[site]) for site in sorted(self.layers, key=_order)]
        return replace(
            self._average(),
            missing=missing,
            words=words,
            steps=tuple(PartOfRun(label, part._average().maps) for label, part in steps),
            layers=tuple(PartOfRun(label, part._average().maps) for label, part in layers),
            equal_choices=float(self.equal) / self.compared if self.compared else None,
        )

    def _average(self) -> PlacementMaps:
        finest = _finest(self.sums)
        pictures = max(kept.total.shape[0] for grids in self.sums.values() for kept in grids.values())
        groups = [_average(grids, pictures, finest, CPU) for grids in self.sums.values()]
        return PlacementMaps(_distinct(name for group in self.sums for name in group), torch.cat(groups, dim=1))


def _name_of(site: AttentionSite) -> str:
    """What a layer is called in ComfyUI's numbering."""
    stage, block, transformer = site.block
    return f"{stage} {block}.{transformer}"


def _order(site: AttentionSite) -> tuple[int, int, int]:
    """By which the layers of a UNet run one after another."""
    stage, block, transformer = site.block
    return ("input", "middle", "output").index(stage), block, transformer


def _distinct(names: Iterable[str]) -> tuple[str, ...]:
    """The names, those that stand in an earlier group too with a number behind."""
    found: list[str] = []
    for name in names:
        numbered = (name if number == 1 else f"{name} ({number})" for number in itertools.count(1))
        found.append(next(candidate for candidate in numbered if candidate not in found))
    return tuple(found)


def _grow(kept: _Sum | None, pictures: int, people: int, grid: tuple[int, int], device: torch.device) -> _Sum:
    total = torch.zeros(pictures, people, *grid, device=device)
    calls = torch.zeros(pictures, 1, *grid, device=device)
    if kept is not None:
        total[: kept.total.shape[0]] = kept.total
        calls[: kept.calls.shape[0]] = kept.calls
    return _Sum(total, calls)


def _finest(sums: Mapping[tuple[str, ...], Mapping[tuple[int, int], _Sum]]) -> tuple[int, int]:
    return max((grid for grids in sums.values() for grid in grids), key=lambda grid: grid[0] * grid[1])


def _device_of(grids: Mapping[tuple[int, int], _Sum]) -> torch.device:
    return next(iter(grids.values())).total.device


def _average(
    grids: Mapping[tuple[int, int], _Sum], pictures: int, finest: tuple[int, int], device: torch.device
) -> Tensor:
    """The mean weights of the first pictures, (S, N, h, w)."""
    people = next(iter(grids.values())).total.shape[1]
    total = torch.zeros(pictures, people, *finest, device=device)
    calls = torch.zeros(pictures, 1, *finest, device=device)
    for kept in grids.values():
        size = min(kept.total.shape[0], pictures)
        total[:size] += functional.interpolate(kept.total.to(device)[:size], finest, mode="nearest-exact")
        calls[:size] += functional.interpolate(kept.calls.to(device)[:size], finest, mode="nearest-exact")
    return total / calls.clamp(min=1)
