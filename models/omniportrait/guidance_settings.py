"""How strongly and when faces are pulled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..errors import InvalidSettingError, require_range
from ..placement.windows import SigmaWindow

StrengthMode = Literal["relative", "paper_mean", "paper_sum"]
StepMode = Literal["eps", "x0_only"]
DEFAULT_STRENGTH = 1.0  # of "relative" [choice: docs/ablations/guidance.md]


@dataclass(frozen=True, slots=True, kw_only=True)
class GuidanceSettings:
    """How strongly and when.

    Attributes:
        mode: "relative" moves by a share of what classifier-free guidance does; "paper_mean" and "paper_sum" are Eq. 10
            with the mean or the sum of the similarities.
        strength: s of "relative", 1 moves a face as far as classifier-free guidance does; p of the others, 8.5 in the
            paper; 0–1000.
        window: noise levels at which it acts; the paper's u is 1 minus its start.
        every: how many evaluations of the model share one gradient; 1–100, the paper takes a new one each.
        step_mode: "eps" moves the noise that the sampler goes on with, as Eq. 11 does; "x0_only" moves the finished latent
            of each step alone, which carries further.
        reference_percent: how far the noise on the references has come down, 0–1; the paper's t0 of 671 is 0.329.
        seeds: K, with how much different noise features are read, their mean is taken; 1–64 [choice, as DIFT].
        keeps_background: whether everybody's gradient acts inside their own mask alone; without, it acts everywhere.
        together: whether the gradient of all people's summed energies acts inside all masks, which needs one backward pass
            instead of one per person and lets people pull at each other.

    Raises:
        InvalidSettingError: if a number is out of range.
    """

    mode: StrengthMode = "relative"
    strength: float = DEFAULT_STRENGTH
    window: SigmaWindow
    every: int = 1
    step_mode: StepMode = "eps"
    reference_percent: float = 1 - 671 / 1000
    seeds: int = 4
    keeps_background: bool = True
    together: bool = False

    def __post_init__(self) -> None:
        require_range("strength", self.strength, 1000)
        require_range("reference_percent", self.reference_percent, 1)
        if not 1 <= self.seeds <= 64:
            raise InvalidSettingError(f"seeds is {self.seeds}; choose 1 to 64.")
        if not 1 <= self.every <= 100:
            raise InvalidSettingError(f"every_k is {self.every}; choose 1 to 100.")

    @property
    def does_nothing(self) -> bool:
        """Whether nobody can be pulled: no strength, or no noise level in the window."""
        return self.strength == 0 or self.window.start <= self.window.end
