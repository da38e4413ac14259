"""ConsistentID in ComfyUI: people into a MODEL."""

from __future__ import annotations

import logging
from functools import partial

from comfy.model_patcher import ModelPatcher

from ...models.consistentid.application import STRENGTH, consistentid_residual
from ...models.people.person import People
from ..people import AppliedPeople, acting_places, placed_lines
from ..placement import MASKS_ONLY, LoadedPlacement
from ..sampling.runs import sigma_window
from ..unet.attention import inject
from ..unet.lora import add_lora
from ..unet.sites import require_fit
from .adapter import NAME, LoadedConsistentID

logger = logging.getLogger(__name__)


def apply(
    model: ModelPatcher,
    consistentid: LoadedConsistentID,
    people: People,
    *,
    where: LoadedPlacement | None = None,
    strength: float = STRENGTH,
    lora_strength: float = 1.0,
) -> AppliedPeople:
    """Put people into a MODEL.

    Args:
        model: stays as it is.
        consistentid: the adapter.
        people: everybody; those who are off or left out do not count.
        where: how they are placed; None is by their masks.
        strength: of a person whose own strength is 1, 0–2.
        lora_strength: 0–2; the LoRA is on for the whole run.

    Returns:
        A clone with the people; without anybody who acts it is a plain clone.

    Raises:
        IncompatibleBaseModelError: if the adapter was trained for another architecture.
        InvalidSettingError: if nothing says where somebody is, or the published behaviour does not know such people.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    adapter = consistentid.adapter
    require_fit(model, adapter.widths, adapter.context_dim, name=NAME)
    places = acting_places(people, without_face=True)
    if not places:
        logger.info("%s: nobody is active, the model is passed through", NAME)
        return AppliedPeople(model.clone(), False, placed_lines(people, None, without_face=True))
    active = [people[place] for place in places]
    consistentid.flavour.check_people(active)
    where = where or MASKS_ONLY
    where.require_fit(model)
    placed = where.of(active, places)
    residual = consistentid_residual(
        adapter,
        active,
        consistentid.encode(active),
        placed.placement,
        places=places,
        window=partial(sigma_window, model),
        strength=strength,
    )
    weights = tuple(dict.fromkeys((consistentid.attention, *placed.weights)))
    clone = inject(model, [residual], name=NAME, weights=weights)
    placed.watch(clone)
    if lora_strength > 0:
        add_lora(clone, adapter.lora, lora_strength)
    return AppliedPeople(clone, True, placed_lines(people, placed, without_face=True))
