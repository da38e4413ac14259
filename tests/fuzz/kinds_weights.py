"""Files of weights, each read as its loader reads it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

from likeness.models.clip import prior_file
from likeness.models.consistentid import checkpoint as consistentid
from likeness.models.face import parsing
from likeness.models.face.recognition.facenet import FaceNet
from likeness.models.facestudio import checkpoint as facestudio
from likeness.models.ip_adapter import checkpoint as ip_adapter
from likeness.models.miniature import files
from likeness.models.omniportrait import checkpoint as omniportrait
from likeness.models.similarity import dino
from likeness.models.uniportrait import checkpoint as uniportrait
from likeness.models.weights.reading import read_flat, read_shapes

from . import small_weights as small
from .damage_weights import damage_weights
from .forked import Attempt

BASE, DAMAGED, OTHER = "base.safetensors", "damaged.safetensors", "other.safetensors"


@dataclass(frozen=True, slots=True)
class WeightsKind:
    """A file of weights.

    Attributes:
        name: of the row in the table.
        write: writes a sound one.
        read: what a loader does with it; gets the damaged file and the folder of the sound ones.
        beside: writes another file that the loader needs.
    """

    name: str
    write: Callable[[Path], object]
    read: Callable[[Path, Path], object]
    beside: Callable[[Path], object] | None = None

    def prepare(self, folder: Path) -> None:
        """The sound files."""
        self.write(folder / BASE)
        if self.beside is not None:
            self.beside(folder / OTHER)

    def sound(self, base: Path, folder: Path) -> Attempt:
        """The sound file, read."""
        return Attempt(lambda: self.read(base / BASE, base), "")

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """A damaged file, read."""
        path = folder / DAMAGED
        damage = damage_weights(random, base / BASE, path)
        return Attempt(lambda: self.read(path, base), damage)


def _facenet(path: Path, base: Path) -> object:
    weights, name = read_flat(path)
    return FaceNet.from_state_dict(weights, name)


def _shapes(path: Path, base: Path) -> object:
    return list(read_shapes(path))


KINDS = (
    WeightsKind("UniPortrait faceid", small.write_faceid, lambda path, base: uniportrait.load(path)),
    WeightsKind(
        "UniPortrait router",
        small.write_router,
        lambda path, base: uniportrait.load(base / OTHER, path),
        beside=small.write_faceid,
    ),
    WeightsKind("face backbone", small.write_backbone, lambda path, base: uniportrait.load_backbone(path)),
    WeightsKind("IP-Adapter", small.write_ip_adapter, lambda path, base: ip_adapter.load(path, dim_head=8)),
    WeightsKind("ConsistentID", small.write_consistentid, lambda path, base: consistentid.load(path)),
    WeightsKind("face parser", small.write_parser, lambda path, base: parsing.load(path)),
    WeightsKind("DINO", small.write_dino, lambda path, base: dino.load(path)),
    WeightsKind("OmniPortrait pivot", small.write_omniportrait, lambda path, base: omniportrait.load(path)),
    WeightsKind("FaceStudio", small.write_facestudio, lambda path, base: facestudio.load(path)),
    WeightsKind("prior", small.write_prior, lambda path, base: prior_file.load(path)),
    WeightsKind("FaceNet", small.write_facenet, _facenet),
    WeightsKind("miniature faces", small.shipped("faces"), lambda path, base: files.read_face_networks(path)),
    WeightsKind("miniature UniPortrait", small.shipped("uniportrait"), lambda path, base: files.read_uniportrait(path)),
    WeightsKind("miniature base", small.shipped("base"), lambda path, base: files.read_base_file(path)),
    WeightsKind("keys and shapes alone", small.write_faceid, _shapes),
)
