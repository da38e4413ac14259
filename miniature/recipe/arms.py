"""Ways to train the adapters: the one that ships and those that the ablations compare it with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...training.omniportrait.method import PivotTraining
from ...training.uniportrait.people import Dropping
from ...training.uniportrait.stage2 import Routing
from .people import PeoplePool

PAPERS_DROPPING, PAPERS_ROUTING = Dropping(), Routing()
SHIPPED_ROUTING = replace(PAPERS_ROUTING, form="mean")  # what the weights that ship were made with [choice]
# The image encoder tells people apart before this training, whose rate is for one linear layer; and the base reads so little from
# a noun's row that the paper's weight of 0.002 leaves it unread [choice].
FUSION = PivotTraining(visual="linear", eta=1.0)


@dataclass(frozen=True, slots=True)
class StageOneArm:
    """A way to train stage I; the ablations have others than the one that ships.

    Attributes:
        suffix: to its name.
        dropping: see `Dropping`.
        is_global: whether the backbone's deepest map is replaced by its mean.
    """

    suffix: str = ""
    dropping: Dropping = PAPERS_DROPPING
    is_global: bool = False

    def select_features(self, pool: PeoplePool) -> PeoplePool:
        """Return the pool with the features that this arm learns from."""
        if not self.is_global:
            return pool
        return replace(pool, intrinsic=pool.intrinsic.mean(2, keepdim=True).expand_as(pool.intrinsic))


@dataclass(frozen=True, slots=True)
class StageTwoArm:
    """A way to train stage II.

    Attributes:
        suffix: to its name.
        routing: see `Routing`.
    """

    suffix: str = ""
    routing: Routing = SHIPPED_ROUTING


@dataclass(frozen=True, slots=True)
class PivotArm:
    """A way to train OmniPortrait's pivot.

    Attributes:
        suffix: to its name.
        training: see `PivotTraining`.
    """

    suffix: str = ""
    training: PivotTraining = FUSION


SHIPPED_ONE, SHIPPED_TWO, SHIPPED_PIVOT = StageOneArm(), StageTwoArm(), PivotArm()
