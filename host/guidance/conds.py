"""One call of ComfyUI's function that asks the UNet about several conds: which is the positive one, and asking about it alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ...models.port.attention import Polarity
from ..unet import keys
from ..unet.options import known_conds, transformer_options, with_transformer_options

Cond = list[dict[str, Any]]  # entries of one side of guidance


@dataclass(frozen=True, eq=False, slots=True)
class CondBatch:
    """The arguments of a CALC_COND_BATCH wrapper.

    Attributes:
        executor: what the wrapper is around.
        model: ComfyUI's BaseModel.
        conds: one for each side of guidance; None for a side that is not asked about.
        x: noisy latents, (B, C, h, w).
        timestep: their noise level, (B,).
        model_options: of the run.
    """

    executor: Callable[..., list[Tensor]]
    model: Any
    conds: Sequence[Cond | None]
    x: Tensor
    timestep: Tensor
    model_options: dict[str, Any]

    @property
    def options(self) -> dict[str, Any]:
        """The run's `transformer_options`."""
        return transformer_options(self.model_options)

    @property
    def size(self) -> tuple[int, int]:
        """Of the latents, (h, w)."""
        return self.x.shape[-2], self.x.shape[-1]

    @property
    def sigma(self) -> float:
        """The noise level as a number."""
        return float(self.timestep.flatten()[0])

    @property
    def positive(self) -> int | None:
        """The place of the first cond that is positive, of one that names people if there is one; None where there is none."""
        places, known = self._places(Polarity.POSITIVE), known_conds(self.options)
        naming = [
            number
            for number in places
            if any(known[e[keys.UUID]].named_rows for e in self.conds[number] or () if e[keys.UUID] in known)
        ]
        return next(iter((*naming, *places)), None)

    @property
    def negative(self) -> int | None:
        """The place of the first cond that is negative; None where there is none."""
        return next(iter(self._places(Polarity.NEGATIVE)), None)

    def spoken_entry(self, place: int, person: int | None = None) -> dict[str, Any]:
        """The entry of a cond whose words stand for a person, or for the whole picture.

        Of those that are on at this noise level (of all where none is): the first that names the person (anybody, where it
        is nobody's), else the first without area and mask, else the first; one that only fills what others leave comes last.

        Args:
            place: of the cond, which has entries.
            person: their place in the chain; None for nobody's.
        """
        entries, known = self.conds[place] or [], known_conds(self.options)

        def rank(entry: dict[str, Any]) -> tuple[bool, ...]:
            info = known.get(entry[keys.UUID])
            named = set() if info is None else {owner for owner, _ in info.named_rows}
            is_part = entry.get("area") is not None or entry.get("mask") is not None
            return ("default" in entry, not named if person is None else person not in named, is_part)

        return min([entry for entry in entries if is_on(entry, self.sigma)] or entries, key=rank)

    def ask(self) -> list[Tensor]:
        """What the UNet says about all conds."""
        return self.executor(self.model, self.conds, self.x, self.timestep, self.model_options)

    def ask_without(self, place: int) -> list[Tensor]:
        """What the UNet says about all conds but one, for which there are zeros."""
        others = [cond if number != place else None for number, cond in enumerate(self.conds)]
        if not any(others):
            return [torch.zeros_like(self.x)] * len(others)
        return list(self.executor(self.model, others, self.x, self.timestep, self.model_options))

    def ask_alone(self, place: int, x: Tensor, added: dict[str, Any]) -> Tensor:
        """What the UNet says about one cond, with a graph.

        Args:
            place: of the cond.
            x: in place of the noisy latents, with whatever gradient it asks for.
            added: to the `transformer_options`.
        """
        alone = [_leave_inference_mode(self.conds[place] or [])]
        options = with_transformer_options(self.model_options, added)
        [output] = self.executor(self.model, alone, x, self.timestep.clone(), options)
        return output

    def _places(self, polarity: Polarity) -> list[int]:
        known = known_conds(self.options)
        return [
            number
            for number, cond in enumerate(self.conds)
            if any(entry[keys.UUID] in known and known[entry[keys.UUID]].polarity is polarity for entry in cond or ())
        ]


def is_on(entry: dict[str, Any], sigma: float) -> bool:
    """Whether an entry of a cond acts at a noise level."""
    return entry.get("timestep_end", -math.inf) <= sigma <= entry.get("timestep_start", math.inf)


def _leave_inference_mode(cond: Cond) -> Cond:
    """Copies of a cond's entries whose tensors a graph may hold; what a ControlNet adds is taken as given."""
    copies: Cond = []
    for entry in cond:
        copy = {name: value.clone() if isinstance(value, Tensor) else value for name, value in entry.items()}
        copy[keys.MODEL_CONDS] = {
            name: value._copy_with(value.cond.clone()) if isinstance(value.cond, Tensor) else value
            for name, value in entry[keys.MODEL_CONDS].items()
        }
        if "control" in entry:
            copy["control"] = _ConstantControl(entry["control"])
        copies.append(copy)
    return copies


class _Addend(Tensor):
    """A tensor that is added to hidden states without changing these, which a graph holds.

    ComfyUI writes `h += control`, and keeps what this gives.
    """

    @classmethod
    def __torch_function__(cls, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Add in place of adding in place; give plain tensors."""
        plain = [each.as_subclass(Tensor) if isinstance(each, cls) else each for each in args]
        if func in (Tensor.__iadd__, Tensor.add_) and not isinstance(args[0], cls):
            return torch.add(*plain, **(kwargs or {}))
        with torch._C.DisableTorchFunctionSubclass():
            return func(*plain, **(kwargs or {}))


@dataclass(frozen=True, eq=False, slots=True)
class _ConstantControl:
    """A ControlNet whose outputs carry no graph."""

    control: Any

    def get_control(self, x: Tensor, *args: Any) -> Any:
        """The outputs, as the ControlNet gives them without gradients."""
        with torch.no_grad():
            found = self.control.get_control(x.detach().clone(), *args)
        if not isinstance(found, dict):
            return found
        return {name: _addends(given) if isinstance(given, list) else given for name, given in found.items()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self.control, name)


def _addends(given: list[Any]) -> list[Any]:
    return [each.as_subclass(_Addend) if isinstance(each, Tensor) else each for each in given]
