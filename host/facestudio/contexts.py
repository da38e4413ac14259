"""A MODEL that was taught to read FaceStudio's contexts, and is given no other prompt."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from comfy.model_patcher import ModelPatcher
from comfy.patcher_extension import WrappersMP

from ...models.errors import InvalidSettingError
from ..unet import keys


def refuse_other_prompts(clone: ModelPatcher) -> None:
    """Let a run of this MODEL begin only where every prompt is a context of FaceStudio; changed in place.

    A text would be read without an error, and give a picture of nothing that was asked for.
    """
    if keys.CONTEXTS not in clone.wrappers.get(WrappersMP.OUTER_SAMPLE, {}):
        clone.add_wrapper_with_key(WrappersMP.OUTER_SAMPLE, keys.CONTEXTS, _check)


def marked(noted: Mapping[str, object]) -> dict[str, object]:
    """The entry of a CONDITIONING that is a context of FaceStudio; nodes of the core hand the mark on."""
    return {**noted, keys.CONTEXTS: True}


def _check(executor: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    conds: Mapping[str, Any] = executor.class_obj.conds  # type: ignore[attr-defined]
    others = [name for name, entries in conds.items() if any(keys.CONTEXTS not in entry for entry in entries or ())]
    if others:
        raise InvalidSettingError(
            f"This model was taught to read FaceStudio's contexts, and the sampler's {' and '.join(others)} "
            f"{'is another prompt' if len(others) == 1 else 'are other prompts'}: connect positive and negative of Apply FaceStudio."
        )
    return executor(*args, **kwargs)
