"""The recipe step by step: every network is trained once and kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from ...diffusers_host.base import Base
from ...diffusers_host.face_encoder import FaceEncoder
from ...models.face.iresnet import IResNet
from ...models.face.parsing import FaceParser
from ...models.miniature.finder import FaceFinder
from ...models.miniature.parser import MiniatureParser
from ...models.omniportrait.checkpoint import adapter_weights
from ...models.omniportrait.image_encoder import PivotImageEncoder
from ...models.uniportrait.checkpoint import load
from ...models.weights.state_dict import flatten
from ...models.weights.whole_file import whole_file
from ...training.consistentid.networks import consistentid_weights
from ...training.uniportrait.networks import faceid_weights, networks_of, router_weights
from ..judge.judge import Judge
from ..judge.readers import Reader, new_backdrop_reader, new_expression_reader, new_person_reader
from ..networks.untrained import new_base
from ..networks.vae import DiffusersVAE
from ..world.world import World
from .course import Course
from .facial_people import FacialPool, read_facial_people
from .latents import read_pool
from .people import PeoplePool, read_people
from .pivot_people import PivotPool, read_pivot_people
from .plan import (
    COURSES,
    FACE_WEIGHT,
    PARSED,
    PEOPLE,
    PICTURES,
    PORTRAYED,
    SEED,
    SHIPPED_ONE,
    SHIPPED_PIVOT,
    SHIPPED_TWO,
    SIZES,
    PivotArm,
    StageOneArm,
    StageTwoArm,
)
from .steps.backbone import new_backbone, train_backbone
from .steps.base_model import train_base
from .steps.consistentid import new_consistentid, train_consistentid
from .steps.finder import train_finder
from .steps.image_encoder import new_image_encoder, train_image_encoder
from .steps.omniportrait import CONFIG, new_pivot, train_pivot, train_pivot_image_encoder
from .steps.parser import train_parser
from .steps.readers import train_backdrop_reader, train_expression_reader, train_person_reader
from .steps.uniportrait import new_stage_one, train_stage_one, train_stage_two
from .steps.vae import train_vae

logger = logging.getLogger(__name__)

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Kitchen:
    """Where a recipe is followed.

    Attributes:
        folder: of everything that is kept on the way; whatever is finished there is not made again.
    """

    folder: Path

    def make(self, name: str, new: Callable[[], nn.Module], train: Callable[..., None]) -> nn.Module:
        """A trained network.

        Args:
            name: one of `COURSES`.
            new: makes it untrained.
            train: takes it, its course and a folder.

        Raises:
            InvalidSettingError: if the folder holds what another recipe left, or a loss is no number any more.
        """
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(COURSES[name].seed)
            network = new()

        def trained() -> Weights:
            train(network, COURSES[name], self.folder / name)
            return network.state_dict()

        network.load_state_dict(self._kept(name, trained))
        return network.requires_grad_(False).eval()

    def finder(self) -> FaceFinder:
        """Finds faces for the adapters."""
        return cast(FaceFinder, self.make("finder", FaceFinder, train_finder))

    def base(self) -> Base:
        """VAE, UNet and text encoder."""
        base = new_base(SIZES, seed=SEED)
        self.make("vae", lambda: cast(DiffusersVAE, base.vae).network, train_vae)
        networks = nn.ModuleDict({"unet": base.unet, "text": base.text_encoders[0].module})

        def train(first: int, face_weight: float) -> Callable[[nn.Module, Course, Path], None]:
            def follow_course(network: nn.Module, course: Course, folder: Path) -> None:
                del network  # that of the base
                pictures = range(first, first + PICTURES)
                pool = read_pool(base, World(seed=SEED), self.folder / "latents", pictures=pictures, people=PEOPLE)
                train_base(base, pool, course, folder, face_weight=face_weight)

            return follow_course

        self.make("base", lambda: networks, train(0, 0.0))
        self.make("base with faces", lambda: networks, train(PICTURES, FACE_WEIGHT))
        return base

    def faces(self) -> FaceEncoder:
        """Backbone and image encoder."""
        backbone = cast(IResNet, self.make("backbone", new_backbone, train_backbone))
        return FaceEncoder(
            backbone=backbone, image_encoder=self.make("image encoder", new_image_encoder, train_image_encoder)
        )

    def parser(self) -> FaceParser:
        """Tells the parts of faces apart."""
        return FaceParser(self.make("parser", MiniatureParser, train_parser)).eval()

    def judge(self) -> Judge:
        """Networks that nothing else uses."""
        return Judge(
            finder=cast(FaceFinder, self.make("judge's finder", FaceFinder, train_finder)),
            persons=cast(Reader, self.make("judge of persons", new_person_reader, train_person_reader)),
            backdrops=cast(Reader, self.make("judge of backdrops", new_backdrop_reader, train_backdrop_reader)),
        )

    def expressions(self) -> Reader:
        """Reads expressions; for experiments."""
        return cast(Reader, self.make("reader of expressions", new_expression_reader, train_expression_reader))

    def people(self, base: Base, faces: FaceEncoder, people: int) -> PeoplePool:
        """Pictures of so many people each."""
        folder, count = self.folder / "people", (people, people)
        return read_people(base, faces, World(seed=SEED, with_regions=True), folder, pictures=PORTRAYED, people=count)

    def facial_people(self, base: Base, faces: FaceEncoder) -> FacialPool:
        """Pictures of one person each, with facial regions."""
        world = World(seed=SEED, with_regions=True)
        return read_facial_people(base, faces, self.parser(), world, self.folder / "facial people", pictures=PARSED)

    def consistentid(self, base: Base, faces: FaceEncoder) -> Weights:
        """ConsistentID's file, flat."""
        name = "consistentid"

        def train() -> Weights:
            pool = self.facial_people(base, faces)
            networks = new_consistentid(base, pool, seed=SEED)
            train_consistentid(base, faces, networks, pool, COURSES[name], self.folder / name)
            return flatten(consistentid_weights(networks))

        return self._kept(name, train)

    def stage_one(self, base: Base, faces: FaceEncoder, arm: StageOneArm = SHIPPED_ONE) -> Weights:
        """UniPortrait's faceid file, flat."""
        name = f"uniportrait stage I{arm.suffix}"

        def train() -> Weights:
            networks = new_stage_one(base, faces, seed=SEED)
            pool = arm.look(self.people(base, faces, 1))
            course = COURSES["uniportrait stage I"]
            train_stage_one(base, faces, networks, pool, course, self.folder / name, dropping=arm.dropping)
            return flatten(faceid_weights(networks))

        return self._kept(name, train)

    def stage_two(
        self, base: Base, faces: FaceEncoder, arm: StageTwoArm = SHIPPED_TWO, first: Weights | None = None
    ) -> Weights:
        """UniPortrait's router file, flat; begun from a faceid file, by default that of `stage_one`."""
        name = f"uniportrait stage II{arm.suffix}"

        def train() -> Weights:
            networks = networks_of(load(first or self.stage_one(base, faces)), base.unet)
            pool, course = self.people(base, faces, 2), COURSES["uniportrait stage II"]
            train_stage_two(base, faces, networks, pool, course, self.folder / name, routing=arm.routing)
            return flatten(router_weights(networks))

        return self._kept(name, train)

    def pivot_people(self, base: Base) -> PivotPool:
        """Pictures of one person each, with the square around their face in a portrait."""
        world = World(seed=SEED, with_regions=True)
        return read_pivot_people(base, world, self.folder / "pivot people", pictures=PORTRAYED)

    def pivot_image_encoder(self, base: Base) -> PivotImageEncoder:
        """What OmniPortrait's training begins with: it can tell people apart."""

        def train(encoder: PivotImageEncoder, course: Course, folder: Path) -> None:
            train_pivot_image_encoder(encoder, self.pivot_people(base), course, folder)

        name = "pivot's image encoder"
        return cast(PivotImageEncoder, self.make(name, lambda: PivotImageEncoder(CONFIG), train))

    def omniportrait(self, base: Base, arm: PivotArm = SHIPPED_PIVOT) -> Weights:
        """OmniPortrait's file, flat."""
        name = f"omniportrait{arm.suffix}"

        def train() -> Weights:
            pivot, encoder = new_pivot(base, seed=SEED), self.pivot_image_encoder(base)
            pool, course = self.pivot_people(base), COURSES["omniportrait"]
            train_pivot(base, pivot, encoder, pool, course, self.folder / name, training=arm.training)
            return flatten(adapter_weights(pivot, encoder))

        return self._kept(name, train)

    def _kept(self, name: str, train: Callable[[], Weights]) -> Weights:
        done = self.folder / f"{name}.safetensors"
        if not done.is_file():
            logger.info("Training: %s", name)
            weights = train()
            with whole_file(done) as partial:
                save_file({key: tensor.contiguous() for key, tensor in weights.items()}, partial)
        return load_file(done)
