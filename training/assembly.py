"""From a configuration to what the loop needs, whatever the method."""

from __future__ import annotations

from typing import Any

import torch

from .assembled import Assembled
from .config.run import TrainingConfig
from .config.sections import BaseConfig
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
    fewest, most = config.people
    return {
        "method": config.name,
        **_base_details(config, parts),
        "step": step,
        "seed": config.run.seed,
        "size": config.data.size,
        "people": [fewest, most],
        "data": data,
        **parts.details,
    }


def _base_details(config: TrainingConfig, parts: Assembled) -> dict[str, Any]:
    base, asked = parts.method.base, config.base
    if base is None or not isinstance(asked, BaseConfig):
        return {}
    return {"base": base.family, "prediction": base.prediction, "base_checkpoint": asked.checkpoint.name}
