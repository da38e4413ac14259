"""From a configuration to what the loop needs, whatever the method."""

from __future__ import annotations

from typing import Any

import torch

from .assembled import Assembled
from .config.run import TrainingConfig
from .methods import METHODS


def assemble(config: TrainingConfig, device: torch.device) -> Assembled:
    """Return the method of a configuration, with data, frozen networks and sample sheet.

    Args:
        config: of the run.
        device: that is trained on.

    Raises:
        LikenessError: for everything that can be mended by the user.
    """
    [method] = [one for one in METHODS if one.config is type(config)]
    return method.assemble(config, device)


def export_details(config: TrainingConfig, parts: Assembled, step: int) -> dict[str, Any]:
    """Return what an adapter says about its training after some optimizer steps."""
    data = config.data.manifest.name if config.data.manifest else ", ".join(config.data.shards)
    base, (fewest, most) = parts.method.base, config.people
    return {
        "method": config.name,
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
