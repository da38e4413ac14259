"""The numbers of the recipe: sizes, seeds, courses, and the ways in which the adapter's stages are trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...models.miniature.sizes import BaseSizes
from ...training.omniportrait.method import PivotTraining
from ...training.uniportrait.people import Dropping
from ...training.uniportrait.stage2 import Routing
from .course import Course
from .people import PeoplePool

SIZES = BaseSizes()
SEED = 0  # of base model and adapters; every other network has its own
PICTURES = 20_480  # that UNet and text encoder learn from in each of their two courses
FACE_WEIGHT = 4.0  # in the second, see `train_base`
PEOPLE = (1, 2)  # in one of them
PORTRAYED = 6_144  # pictures that each stage of UniPortrait, and OmniPortrait, learn from
PARSED = 3_072  # pictures that ConsistentID learns from; six portraits of each are encoded
COURSES = {
    "vae": Course(seed=0, steps=4000, batch=8, learning_rate=2e-3, decay=0.995, save_every=500),
    "base": Course(seed=0, steps=6000, batch=24, learning_rate=1.5e-3, decay=0.998, save_every=250),
    "base with faces": Course(seed=1, steps=5000, batch=24, learning_rate=1e-3, decay=0.998, save_every=250),
    "backbone": Course(seed=10, steps=1200, batch=32, learning_rate=2e-3, decay=0.0),
    "image encoder": Course(seed=11, steps=1500, batch=48, learning_rate=1e-3, decay=0.995),
    "finder": Course(seed=12, steps=1600, batch=16, learning_rate=2e-3, decay=0.995),
    "pivot's image encoder": Course(seed=14, steps=2000, batch=64, learning_rate=1e-3, decay=0.995),
    "parser": Course(seed=13, steps=800, batch=16, learning_rate=2e-3, decay=0.995),
    "judge's finder": Course(seed=20, steps=1600, batch=16, learning_rate=2e-3, decay=0.995),
    "judge of persons": Course(seed=21, steps=3000, batch=16, learning_rate=2e-3, decay=0.995),
    "judge of backdrops": Course(seed=22, steps=1000, batch=16, learning_rate=2e-3, decay=0.995),
    "reader of expressions": Course(seed=23, steps=1500, batch=16, learning_rate=2e-3, decay=0.995),
    "uniportrait stage I": Course(seed=1, steps=3000, batch=24, learning_rate=1e-3, decay=0.995),
    "uniportrait stage II": Course(seed=2, steps=2500, batch=16, learning_rate=1e-3, decay=0.995),
    "consistentid": Course(seed=3, steps=3000, batch=16, learning_rate=1e-3, decay=0.995),
    "omniportrait": Course(seed=4, steps=1500, batch=16, learning_rate=5e-3, decay=0.995),
}


PAPERS_DROPPING, PAPERS_ROUTING = Dropping(), Routing()
# The image encoder tells people apart before this course, whose rate is for one linear layer; and the base reads so little from
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

    def look(self, pool: PeoplePool) -> PeoplePool:
        """The pool as this arm sees it."""
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
    routing: Routing = PAPERS_ROUTING


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
