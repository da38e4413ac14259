"""The recipe step by step: every network is trained once and kept."""

from __future__ import annotations

import logging
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
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
from ...training.consistentid.networks import consistentid_weights
from ...training.ip_adapter.networks import faceid_weights as ip_adapter_weights
from ...training.uniportrait.networks import faceid_weights, networks_of, router_weights
from ...training.whole_file import whole_file
from ..judge.judge import Judge
from ..judge.readers import (
    Reader,
    new_backdrop_reader,
    new_expression_reader,
    new_person_reader,
    new_styled_from,
)
from ..networks.untrained import new_base
from ..networks.vae import DiffusersVAE
from ..world.world import World
from .arms import SHIPPED_ONE, SHIPPED_PIVOT, SHIPPED_TWO, PivotArm, StageOneArm, StageTwoArm
from .face_people import FacePool
from .facial_people import FacialPool, read_facial_people
from .latents import Pool, read_pool
from .people import PeoplePool, read_people
from .pivot_people import PivotPool, read_pivot_people
from .settings import SHIPPED, RecipeSettings
from .steps.backbone import new_backbone, train_backbone
from .steps.base_model import train_base
from .steps.consistentid import new_consistentid, train_consistentid
from .steps.finder import train_finder
from .steps.image_encoder import new_image_encoder, train_image_encoder
from .steps.ip_adapter import new_faceid, train_faceid
from .steps.omniportrait import CONFIG, new_pivot, train_pivot, train_pivot_image_encoder
from .steps.parser import train_parser
from .steps.readers import (
    train_backdrop_reader,
    train_expression_reader,
    train_person_reader,
    train_styled_backdrop_reader,
)
from .steps.uniportrait import new_stage_one, train_stage_one, train_stage_two
from .steps.vae import train_vae
from .train_config import TrainConfig

logger = logging.getLogger(__name__)

Weights = dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Recipe:
    """The miniature made in a folder, network by network.

    Attributes:
        folder: of everything that is kept on the way; whatever is finished there is not made again.
        settings: sizes, seeds, numbers of pictures and how every network is trained.
    """

    folder: Path
    settings: RecipeSettings = SHIPPED

    def make(self, name: str, new: Callable[[], nn.Module], train: Callable[..., None]) -> nn.Module:
        """Return a trained network.

        Args:
            name: one of the settings' trainings.
            new: makes it untrained.
            train: takes it, its `TrainConfig` and a folder.

        Raises:
            InvalidSettingError: if the folder holds what another recipe left, or a loss is no number any more.
        """
        config = self.settings.trainings[name]
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            network = new()

        def trained() -> Weights:
            train(network, config, self.folder / name)
            return network.state_dict()

        network.load_state_dict(self.keep(name, trained))
        return network.requires_grad_(False).eval()

    def finder(self) -> FaceFinder:
        """Return the network that finds faces for the adapters."""
        return cast(FaceFinder, self.make("finder", FaceFinder, train_finder))

    def base(self) -> Base:
        """Return the VAE, UNet and text encoder; the last two learn twice, the second time from faces most of all."""
        settings = self.settings
        base = new_base(settings.sizes, seed=settings.seed)
        vae = cast(DiffusersVAE, base.vae).network
        self.make("vae", lambda: vae, partial(train_vae, measured=settings.spread_pictures))
        networks = nn.ModuleDict({"unet": base.unet, "text": base.text_encoders[0].module})

        def train_from(first: int, face_weight: float) -> Callable[[nn.Module, TrainConfig, Path], None]:
            def train(network: nn.Module, config: TrainConfig, folder: Path) -> None:
                del network  # that of the base
                pool = self._base_pool(base, first)
                train_base(base, pool, config, folder, face_weight=face_weight)

            return train

        self.make("base", lambda: networks, train_from(0, 0.0))
        self.make("base with faces", lambda: networks, train_from(settings.base_pictures, settings.face_weight))
        return base

    def _base_pool(self, base: Base, first: int) -> Pool:
        """Read the pictures of one of the base's trainings, from the first of them on."""
        settings = self.settings
        return read_pool(
            base,
            World(seed=settings.seed),
            self.folder / "latents",
            pictures=range(first, first + settings.base_pictures),
            people=settings.people,
            files=settings.files,
        )

    def faces(self) -> FaceEncoder:
        """Return the backbone and image encoder."""
        backbone = cast(IResNet, self.make("backbone", new_backbone, train_backbone))
        return FaceEncoder(
            backbone=backbone, image_encoder=self.make("image encoder", new_image_encoder, train_image_encoder)
        )

    def parser(self) -> FaceParser:
        """Return the network that tells the parts of faces apart."""
        return FaceParser(self.make("parser", MiniatureParser, train_parser)).eval()

    def judge(self) -> Judge:
        """Return the judge, whose networks nothing else uses."""
        return Judge(
            finder=cast(FaceFinder, self.make("judge's finder", FaceFinder, train_finder)),
            persons=cast(Reader, self.make("judge of persons", new_person_reader, train_person_reader)),
            backdrops=cast(Reader, self.make("judge of backdrops", new_backdrop_reader, train_backdrop_reader)),
        )

    def styled_judge(self) -> Judge:
        """Return the judge of pictures in all styles: it has the other judge's detector, and its readers begin as that one's."""
        judge = self.judge()
        persons = partial(train_person_reader, is_styled=True)

        def backdrops() -> Reader:
            return new_styled_from(judge.backdrops)

        styled = self.make("styled judge of backdrops", backdrops, train_styled_backdrop_reader)
        return Judge(
            finder=judge.finder,
            persons=cast(Reader, self.make("styled judge of persons", lambda: deepcopy(judge.persons), persons)),
            backdrops=cast(Reader, styled),
        )

    def expressions(self) -> Reader:
        """Return the reader of expressions; for experiments."""
        return cast(Reader, self.make("reader of expressions", new_expression_reader, train_expression_reader))

    def people(self, base: Base, faces: FaceEncoder, people: int) -> PeoplePool:
        """Return pictures of so many people each."""
        return read_people(
            base,
            faces,
            self._world,
            self.folder / "people",
            pictures=self.settings.people_pictures,
            people=(people, people),
            files=self.settings.files,
        )

    def facial_people(self, base: Base, faces: FaceEncoder) -> FacialPool:
        """Return pictures of one person each, with facial regions."""
        return read_facial_people(
            base,
            faces,
            self.parser(),
            self._world,
            self.folder / "facial people",
            pictures=self.settings.facial_pictures,
            files=self.settings.files,
        )

    def consistentid(self, base: Base, faces: FaceEncoder) -> Weights:
        """Return ConsistentID's file, flat."""
        name = "consistentid"

        def train() -> Weights:
            pool = self.facial_people(base, faces)
            networks = new_consistentid(base, pool, seed=self.settings.seed)
            train_consistentid(base, faces, networks, pool, self.settings.trainings[name], self.folder / name)
            return flatten(consistentid_weights(networks))

        return self.keep(name, train)

    def ip_adapter(self, base: Base, faces: FaceEncoder) -> Weights:
        """Return IP-Adapter FaceID's file, flat."""
        name = "ip-adapter faceid"

        def train() -> Weights:
            pool = FacePool.of(self.people(base, faces, 1))
            networks = new_faceid(base, pool, seed=self.settings.seed)
            train_faceid(base, networks, pool, self.settings.trainings[name], self.folder / name)
            return flatten(ip_adapter_weights(networks))

        return self.keep(name, train)

    def stage_one(self, base: Base, faces: FaceEncoder, arm: StageOneArm = SHIPPED_ONE) -> Weights:
        """Return UniPortrait's faceid file, flat."""
        name = f"uniportrait stage I{arm.suffix}"

        def train() -> Weights:
            networks = new_stage_one(base, faces, seed=self.settings.seed)
            pool = arm.select_features(self.people(base, faces, 1))
            config = self.settings.trainings["uniportrait stage I"]
            train_stage_one(base, faces, networks, pool, config, self.folder / name, dropping=arm.dropping)
            return flatten(faceid_weights(networks))

        return self.keep(name, train)

    def stage_two(
        self, base: Base, faces: FaceEncoder, arm: StageTwoArm = SHIPPED_TWO, first: Weights | None = None
    ) -> Weights:
        """Return UniPortrait's router file, flat; begun from a faceid file, by default that of `stage_one`."""
        name = f"uniportrait stage II{arm.suffix}"

        def train() -> Weights:
            networks = networks_of(load(first or self.stage_one(base, faces)), base.unet)
            pool, config = self.people(base, faces, 2), self.settings.trainings["uniportrait stage II"]
            train_stage_two(base, faces, networks, pool, config, self.folder / name, routing=arm.routing)
            return flatten(router_weights(networks))

        return self.keep(name, train)

    def pivot_people(self, base: Base) -> PivotPool:
        """Return pictures of one person each, with the square around their face in a portrait."""
        return read_pivot_people(
            base,
            self._world,
            self.folder / "pivot people",
            pictures=self.settings.people_pictures,
            files=self.settings.files,
        )

    def pivot_image_encoder(self, base: Base) -> PivotImageEncoder:
        """Return the image encoder that OmniPortrait's training begins with: it can tell people apart."""

        def train(encoder: PivotImageEncoder, config: TrainConfig, folder: Path) -> None:
            train_pivot_image_encoder(encoder, self.pivot_people(base), config, folder)

        name = "pivot's image encoder"
        return cast(PivotImageEncoder, self.make(name, lambda: PivotImageEncoder(CONFIG), train))

    def omniportrait(self, base: Base, arm: PivotArm = SHIPPED_PIVOT) -> Weights:
        """Return OmniPortrait's file, flat."""
        name = f"omniportrait{arm.suffix}"

        def train() -> Weights:
            pivot, encoder = new_pivot(base, seed=self.settings.seed), self.pivot_image_encoder(base)
            pool, config = self.pivot_people(base), self.settings.trainings["omniportrait"]
            train_pivot(base, pivot, encoder, pool, config, self.folder / name, training=arm.training)
            return flatten(adapter_weights(pivot, encoder))

        return self.keep(name, train)

    @property
    def _world(self) -> World:
        """World that adapters learn from."""
        return World(seed=self.settings.seed, with_regions=True)

    def keep(self, name: str, train: Callable[[], Weights]) -> Weights:
        """Return the weights that were kept under a name; they are trained first where there are none."""
        done = self.folder / f"{name}.safetensors"
        if not done.is_file():
            logger.info("Training: %s", name)
            weights = train()
            with whole_file(done) as unfinished:
                save_file({key: tensor.contiguous() for key, tensor in weights.items()}, unfinished)
        return load_file(done)
