"""The core's nodes on CLIP and on CONDITIONING: hooks, places, times and mixtures.

Left out: `CreateHookModelAsLora`, which reads a checkpoint of a published kind, and the miniature's is none. The same hooks
carry a LoRA here.
"""

from __future__ import annotations

from collections.abc import Callable

from ...workflows.miniature import SIZE
from ...workflows.node import Socket
from .node import CoreNode, Place
from .stage import OTHER, Stage, out
from .weights import LORA

HALF = (0, 0, SIZE // 2, SIZE)  # x, y, width and height in pixels of the left half


def _hooks(stage: Stage) -> Socket:
    """A LoRA that is on all the time."""
    return out(stage.add("CreateHookLora", lora_name=LORA))


def _scheduled_hooks(stage: Stage) -> Socket:
    """A LoRA that is off from the middle of the run on."""
    first = stage.add("CreateHookKeyframe", strength_mult=1.0, start_percent=0.0)
    second = stage.add("CreateHookKeyframe", strength_mult=0.0, start_percent=0.5, prev_hook_kf=out(first))
    return out(stage.add("SetHookKeyframes", hooks=_hooks(stage), hook_kf=out(second)))


def _lora(stage: Stage) -> None:
    loaded = stage.add("LoraLoader", model=stage.model, clip=stage.clip, lora_name=LORA)
    stage.model, stage.clip = out(loaded), out(loaded, 1)


def _clip_hooks(hooks: Callable[[Stage], Socket], *, is_scheduled: bool) -> Callable[[Stage], None]:
    def add(stage: Stage) -> None:
        given = stage.add("SetClipHooks", clip=stage.clip, hooks=hooks(stage), schedule_clip=is_scheduled)
        stage.clip = out(given)

    return add


def _layer(stage: Stage) -> None:
    stage.clip = out(stage.add("CLIPSetLastLayer", clip=stage.clip, stop_at_clip_layer=-2))


def _text_attention(stage: Stage) -> None:
    stage.clip = out(stage.add("CLIPAttentionMultiply", clip=stage.clip, q=2.0))


def _hooks_on_one(stage: Stage) -> None:
    stage.positive = out(stage.add("ConditioningSetProperties", cond_NEW=stage.positive, hooks=_hooks(stage)))


def _hooks_on_both(stage: Stage) -> None:
    pair = {"positive_NEW": stage.positive, "negative_NEW": stage.negative}
    given = stage.add("PairConditioningSetProperties", **pair, hooks=_scheduled_hooks(stage))
    stage.positive, stage.negative = out(given), out(given, 1)


def _default(stage: Stage) -> None:
    """The prompt in the left half under a LoRA; another one where it leaves room."""
    left = stage.add("ConditioningSetProperties", cond_NEW=stage.positive, hooks=_hooks(stage), mask=stage.mask(*HALF))
    filled = stage.add("ConditioningSetDefaultCombine", cond=out(left), cond_DEFAULT=stage.encode(OTHER))
    stage.positive = out(filled)


def _times(stage: Stage) -> None:
    """The prompt in the first half of the run, another one in the second."""
    first = stage.add("ConditioningSetTimestepRange", conditioning=stage.positive, start=0.0, end=0.5)
    second = stage.add("ConditioningSetTimestepRange", conditioning=stage.encode(OTHER), start=0.5, end=1.0)
    stage.positive = stage.combine(out(first), out(second))


def _areas(stage: Stage) -> None:
    """The prompt in the left half, another one everywhere."""
    left = stage.add("ConditioningSetAreaPercentage", conditioning=stage.positive, width=0.5)
    stage.positive = stage.combine(out(left), stage.encode(OTHER))


def _masks(stage: Stage) -> None:
    """The same with a mask."""
    left = stage.add("ConditioningSetMask", conditioning=stage.positive, mask=stage.mask(*HALF))
    stage.positive = stage.combine(out(left), stage.encode(OTHER))


def _average(stage: Stage) -> None:
    mixed = stage.add(
        "ConditioningAverage",
        conditioning_to=stage.positive,
        conditioning_from=stage.encode(OTHER),
        conditioning_to_strength=0.7,
    )
    stage.positive = out(mixed)


def _longer(stage: Stage) -> None:
    joined = stage.add("ConditioningConcat", conditioning_to=stage.positive, conditioning_from=stage.encode(OTHER))
    stage.positive = out(joined)


def _nothing(stage: Stage) -> None:
    stage.negative = out(stage.add("ConditioningZeroOut", conditioning=stage.negative))


def _inpainting(stage: Stage) -> None:
    picture = stage.add("EmptyImage", width=SIZE, height=SIZE, batch_size=2, color=0x8080C0)
    given = stage.add(
        "InpaintModelConditioning",
        **stage.prompts(),
        vae=stage.miniature["vae"],
        pixels=out(picture),
        mask=stage.mask(*HALF),
    )
    stage.positive, stage.negative, stage.latent = out(given), out(given, 1), out(given, 2)


def _on(place: Place, name: str, add: Callable[[Stage], None], *others: str) -> CoreNode:
    """A row with the name of its most telling node."""
    return CoreNode(name=" with ".join((name, *others)), kinds=(name, *others), place=place, add=add)


NODES: tuple[CoreNode, ...] = (
    _on(Place.CLIP, "LoraLoader", _lora),
    _on(Place.CLIP, "CLIPSetLastLayer", _layer),
    _on(Place.CLIP, "CLIPAttentionMultiply", _text_attention),
    _on(Place.CLIP, "SetClipHooks", _clip_hooks(_hooks, is_scheduled=False), "CreateHookLora"),
    _on(Place.CLIP, "SetClipHooks", _clip_hooks(_scheduled_hooks, is_scheduled=True), "SetHookKeyframes"),
    _on(Place.PROMPT, "ConditioningSetProperties", _hooks_on_one, "CreateHookLora"),
    _on(Place.PROMPT, "PairConditioningSetProperties", _hooks_on_both, "SetHookKeyframes"),
    _on(Place.PROMPT, "ConditioningSetDefaultCombine", _default, "CreateHookLora"),
    _on(Place.PROMPT, "ConditioningSetTimestepRange", _times),
    _on(Place.PROMPT, "ConditioningSetAreaPercentage", _areas),
    _on(Place.PROMPT, "ConditioningSetMask", _masks),
    _on(Place.PROMPT, "ConditioningAverage", _average),
    _on(Place.PROMPT, "ConditioningConcat", _longer),
    _on(Place.PROMPT, "ConditioningZeroOut", _nothing),
    _on(Place.PROMPT, "InpaintModelConditioning", _inpainting),
)
