"""The part of the recipe that makes FaceStudio: the shared layer with what it changes, a prior, and a plain IP-Adapter beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from ....diffusers_host.base import Base
from ....diffusers_host.face_encoder import FaceEncoder
from ....models.facestudio.description import Description
from ....models.weights.state_dict import flatten
from ....training.facestudio.method import PAPERS, Dropping
from ....training.facestudio.networks import facestudio_weights
from ....training.ip_adapter.networks import faceid_weights
from ...world.world import World
from ..recipe import Recipe, Weights
from ..steps.facestudio import new_facestudio, train_facestudio
from ..steps.prior import SPACE, new_miniature_prior, train_prior
from ..steps.style_adapter import new_style_adapter, train_style_adapter
from .captioned_pictures import CaptionedPictures, read_captioned_pictures
from .people import StylePool, read_style_people


@dataclass(frozen=True, slots=True)
class StyleArm:
    """A way to train FaceStudio.

    Attributes:
        suffix: to its name.
        dropping: see `Dropping`.
        steps: of the training; None for as many as the one that ships has.
    """

    suffix: str = ""
    dropping: Dropping = PAPERS
    steps: int | None = None


SHIPPED_STYLE = StyleArm()
SHORT = 1200  # steps of the trainings that are compared with each other
DROPS = (0.64, 0.1, 0.064)  # of the style: the paper's, that of the face, and what the first may be a misprint of
DROP_ARMS = {drop: StyleArm(f" drop {drop}", Dropping(style=drop), SHORT) for drop in DROPS}


@dataclass(frozen=True)
class StyleRecipe:
    """FaceStudio's trainings in the folder of a recipe.

    Attributes:
        recipe: whose base model and face networks are taken.
    """

    recipe: Recipe

    @cached_property
    def base(self) -> Base:
        """The base model."""
        return self.recipe.base()

    @cached_property
    def faces(self) -> FaceEncoder:
        """Backbone and image encoder."""
        return self.recipe.faces()

    @cached_property
    def pool(self) -> StylePool:
        """Pictures in all styles, with people and without."""
        settings = self.recipe.settings
        world = World(seed=settings.seed, with_regions=True)
        folder = self.recipe.folder / "style people"
        return read_style_people(
            self.base, self.faces, world, folder, pictures=settings.style_pictures, files=settings.files
        )

    @cached_property
    def pairs(self) -> CaptionedPictures:
        """Captions and pictures."""
        settings = self.recipe.settings
        folder = self.recipe.folder / "captioned pictures"
        return read_captioned_pictures(
            self.base,
            self.faces,
            World(seed=settings.seed),
            folder,
            pictures=settings.captioned_pictures,
            files=settings.files,
        )

    @property
    def description(self) -> Description:
        """What FaceStudio's file says of itself: the image encoder has the exact GELU."""
        return Description(
            encoder="other",
            space=SPACE,
            activation="gelu",
            face_width=self.faces.backbone.tap_channels[-1],
            recogniser="the miniature's",
        )

    def facestudio(self, arm: StyleArm = SHIPPED_STYLE) -> Weights:
        """Return FaceStudio's file, flat."""
        name = f"facestudio{arm.suffix}"

        def train() -> Weights:
            networks = new_facestudio(self.base, self.pool, seed=self.recipe.settings.seed)
            config = self.recipe.settings.trainings["facestudio"]
            config = replace(config, steps=arm.steps or config.steps)
            train_facestudio(self.base, networks, self.pool, config, self.recipe.folder / name, dropping=arm.dropping)
            return flatten(facestudio_weights(networks, self.base.unet))

        return self.recipe.keep(name, train)

    def style_adapter(self) -> Weights:
        """Return the plain IP-Adapter's file, flat."""
        name = "style adapter"

        def train() -> Weights:
            networks = new_style_adapter(self.base, self.pool, seed=self.recipe.settings.seed)
            train_style_adapter(
                self.base, networks, self.pool, self.recipe.settings.trainings[name], self.recipe.folder / name
            )
            return flatten(faceid_weights(networks))

        return self.recipe.keep(name, train)

    def prior(self) -> Weights:
        """Return the prior's file."""
        name = "prior"

        def train() -> dict[str, Tensor]:
            prior = new_miniature_prior(self.pairs, seed=self.recipe.settings.seed)
            train_prior(prior, self.pairs, self.recipe.settings.trainings[name], self.recipe.folder / name)
            return prior.state_dict()

        return self.recipe.keep(name, train)
