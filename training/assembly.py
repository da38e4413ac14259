"""From a configuration to what the loop needs; a file for every paper."""

from __future__ import annotations

from typing import Any

import torch

from .assembled import Assembled
from .config.run import PIVOT, TrainingConfig
from .omniportrait.assembly import assemble_omniportrait
from .uniportrait.assembly import assemble_uniportrait


def assemble(config: TrainingConfig, device: torch.device) -> Assembled:
    """The method of a configuration, with data, frozen networks and sample sheet.

    Args:
        config: of the run.
        device: that is trained on.

    Raises:
        LikenessError: for everything that can be mended by the user.
    """
    return (assemble_omniportrait if config.method.name == PIVOT else assemble_uniportrait)(config, device)


def export_details(config: TrainingConfig, parts: Assembled, step: int) -> dict[str, Any]:
    """What an adapter says about its training."""
    data = config.data.manifest.name if config.data.manifest else ", ".join(config.data.shards)
    base, (fewest, most) = parts.method.base, config.people
    return {
        "method": config.method.name,
        "base": base.family,
        "prediction": base.prediction,
        "step": step,
        "seed": config.run.seed,
        "size": config.data.size,
        "people": [fewest, most],
        "data": data,
        "base_checkpoint": config.base.checkpoint.name,
        **parts.details,
    }
