"""Whether the positive cond gives the same by itself: layers of other packs may read one cond's rows for another's."""

from __future__ import annotations

import logging
from typing import Any

import torch
from torch import Tensor

from ...models.port.attention import Run
from ..unet import keys
from .conds import CondBatch
from .other_packs import around_network, in_layers, is_ours

logger = logging.getLogger(__name__)

# Of what the network tells, on average; rounding in a batch of another size comes to less.
NOTICED, NOTICED_IN_HALF = 1e-3, 2e-2
TOGETHER = (keys.GUIDANCE, "together")  # what was found out, in the memo of a run


def needs_company(batch: CondBatch, place: int, run: Run) -> bool:
    """Whether the positive cond has to be asked about among the others, or that is still to be found out.

    It can be so where other conds are asked about too and layers have code of other packs. Code around the whole network, as
    caches of its results are, would take one question more for a step of its own.

    Args:
        batch: what is asked of the UNet.
        place: of the positive cond.
        run: knows what was found out.
    """
    if not run.memo.get(TOGETHER, True):
        return False
    is_alone = not any(cond for number, cond in enumerate(batch.conds) if number != place)
    return not is_alone and _has_others(batch.model_options)


def look(run: Run, x: Tensor, together: Tensor, alone: Tensor, dtype: torch.dtype) -> None:
    """Find out once in a run, from the first step that asks both ways.

    Args:
        run: keeps it.
        x: noisy latents, (B, C, H, W); what the network tells is their noise or the rest, whichever is less.
        together: the positive cond's output, (B, C, H, W), from a call that was about all conds.
        alone: the same from a call of its own.
        dtype: in which the network calculates.
    """
    if TOGETHER in run.memo:
        return
    gap = float((together - alone).abs().mean())
    share = NOTICED if dtype == torch.float32 else NOTICED_IN_HALF
    told = min(float(together.std()), float((x - together).std()))
    run.memo[TOGETHER] = gap > share * told
    if run.memo[TOGETHER]:
        logger.info(
            "Guidance: another node gives the positive prompt something of the negative one; guided steps ask once more"
        )


def _has_others(model_options: dict[str, Any]) -> bool:
    """Whether layers have code of other packs, and the network has none around it."""
    in_others = any(not is_ours(each) for each in in_layers(model_options))
    return in_others and all(is_ours(each) for each in around_network(model_options))
