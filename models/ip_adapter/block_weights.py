"""How strongly an adapter acts in each block of the UNet: the weight types of ComfyUI_IPAdapter_plus, or numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Literal, get_args

from ..errors import InvalidSettingError
from ..port.attention import AttentionSite

Preset = Literal[
    "linear",
    "ease in",
    "ease out",
    "ease in-out",
    "reverse in-out",
    "weak input",
    "weak output",
    "weak middle",
    "strong middle",
    "style transfer",
    "composition",
]
PRESETS: tuple[Preset, ...] = get_args(Preset)
LEAST, WEAK = 0.05, 0.2
STAGES = ("input", "middle", "output")  # in the order of execution
# Factors of transformers by their place in the order of execution, all others 0; by how many transformers the UNet has.
CHOSEN: dict[str, dict[int, dict[int, float]]] = {
    "style transfer": {
        16: dict.fromkeys((*range(4), *range(9, 16)), 1.0),
        11: {6: 1.0},
    },
    "composition": {16: {4: 0.25, 5: 1.0}, 11: {3: 1.0}},
}


def block_factors(choice: Preset | Sequence[float], sites: Iterable[AttentionSite]) -> dict[int, float]:
    """The factor on the strength of an adapter at every cross-attention layer.

    Args:
        choice: a preset, or numbers in the order of execution: one for each transformer (16 in SD1.5, 11 in SDXL) or one for
            each layer (16 and 70).
        sites: attention layers of the UNet, in any order; those of self-attention are passed over.

    Returns:
        By site index.

    Raises:
        InvalidSettingError: if there is no such preset, this UNet has no blocks for it, or the numbers are too many or too few.
    """
    layers = sorted((site for site in sites if site.kind == "cross"), key=lambda site: _execution(site.block))
    transformers = list(dict.fromkeys(site.block[:2] for site in layers))
    if not isinstance(choice, str):
        if len(choice) == len(layers):
            return {site.index: float(factor) for site, factor in zip(layers, choice, strict=True)}
        if len(choice) != len(transformers):
            raise InvalidSettingError(
                f"{len(choice)} block weights are given; this UNet takes {len(transformers)}, one for each of its "
                f"transformers, or {len(layers)}, one for each of their layers."
            )
        by_transformer = dict(zip(transformers, map(float, choice), strict=True))
        return {site.index: by_transformer[site.block[:2]] for site in layers}
    count = len(transformers)
    if choice in CHOSEN and count not in CHOSEN[choice]:
        raise InvalidSettingError(
            f'"{choice}" is known for SD1.5 and SDXL, and this UNet has {count} transformers; choose other block weights.'
        )
    places = {block: place for place, block in enumerate(transformers)}
    return {site.index: _factor(choice, site.block[0], places[site.block[:2]], count) for site in layers}


def read_numbers(text: str) -> tuple[float, ...]:
    """Numbers that a user wrote, separated by commas, spaces or new lines; none of an empty text.

    Raises:
        InvalidSettingError: if one of them is no finite number.
    """
    found: list[float] = []
    for word in text.replace(",", " ").split():
        try:
            found.append(float(word))
        except ValueError:
            found.append(math.nan)
        if not math.isfinite(found[-1]):
            raise InvalidSettingError(
                f'block_weights holds "{word}", which is no number; write numbers with commas between them, or nothing.'
            )
    return tuple(found)


def _execution(block: tuple[str, int, int]) -> tuple[int, int, int]:
    stage, number, transformer = block
    return STAGES.index(stage), number, transformer


def _factor(preset: str, stage: str, place: int, count: int) -> float:
    """The factor at the transformer that is executed as number `place` of `count`, in a stage of the UNet."""
    if preset in CHOSEN:
        return CHOSEN[preset][count].get(place, 0.0)
    off_middle = abs(place - count / 2) / (count / 2)
    match preset:
        case "linear":
            return 1.0
        case "ease in":
            return _eased(1 - place / count)
        case "ease out":
            return _eased(place / count)
        case "ease in-out":
            return _eased(1 - off_middle)
        case "reverse in-out":
            return _eased(off_middle)
        case "weak input" | "weak middle" | "weak output":
            return WEAK if preset.endswith(stage) else 1.0
        case "strong middle":
            return 1.0 if stage == "middle" else WEAK
        case _:
            raise InvalidSettingError(f'There are no block weights "{preset}"; choose one of {", ".join(PRESETS)}.')


def _eased(share: float) -> float:
    return LEAST + (1 - LEAST) * share
