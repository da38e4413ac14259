"""Other files that the nodes read: ONNX graphs, identity cards, calibrations, and what training keeps of pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import torch
from likeness.models.errors import UnknownCheckpointError
from likeness.models.face.analysis import analyze
from likeness.models.face.detection import choose, sort_files
from likeness.models.face.given import GivenRegions
from likeness.models.face.insightface import ArcFace
from likeness.models.face.recognition.sface import SFace
from likeness.models.people.card import read
from likeness.models.people.card_file import RECORD
from likeness.models.similarity import calibration
from likeness.models.weights.onnx_graph import read_graph
from likeness.tests.models.face import synthetic_detectors
from likeness.tests.models.people.hostile_cards import changed, sound_card
from likeness.training.batches.feature_store import FeatureStore

from .damage_bytes import damage_bytes, put_elsewhere
from .damage_onnx import damage_graph
from .damage_text import damage_text
from .damage_weights import damage_weights
from .forked import Attempt

STORE = "store"
PLACE_SHARE = 0.1  # of cases in which something else stands in the file's place
PICTURE = np.full((80, 80, 3), 90, np.uint8)
PICTURE[20:60, 20:60] = (255, 0, 0)


@dataclass(frozen=True, slots=True)
class FileKind:
    """A file.

    Attributes:
        name: of the row in the table, and of the file.
        file: its name.
        write: writes a sound one.
        damage: writes a damaged one: random, sound, damaged; returns the way.
        read: uses it.
    """

    name: str
    file: str
    write: Callable[[Path], object]
    damage: Callable[[Random, Path, Path], str]
    read: Callable[[Path], object]

    def prepare(self, folder: Path) -> None:
        """The sound file."""
        self.write(folder / self.file)

    def sound(self, base: Path, folder: Path) -> Attempt:
        """The sound file, read."""
        path = folder / self.file
        shutil.copyfile(base / self.file, path)
        return Attempt(lambda: self.read(path), "")

    def attempt(self, random: Random, base: Path, folder: Path) -> Attempt:
        """A damaged file, read."""
        path = folder / self.file
        if random.random() < PLACE_SHARE:
            path.write_bytes((base / self.file).read_bytes())
            way = put_elsewhere(random, path)
        else:
            way = self.damage(random, base / self.file, path)
        return Attempt(lambda: self.read(path), way)


def _detect(name: str) -> Callable[[Path], object]:
    def read_and_look(path: Path) -> object:
        detector = choose(name, sort_files([path]), refine_points=False)
        return list(detector.find([PICTURE]))

    return read_and_look


def _vectors(path: Path) -> object:
    """As the judges choose what a graph is."""
    faces = analyze([PICTURE], GivenRegions("20 20 60 60")).faces
    role = read_graph(path).role
    if role not in ("arcface", "sface"):
        raise UnknownCheckpointError(f'The file "{path.name}" is no recogniser.')
    return (ArcFace(path) if role == "arcface" else SFace(path)).vectors(faces, [PICTURE])


def _damage_card(random: Random, base: Path, path: Path) -> str:
    content = base.read_bytes()
    way = random.choice(("record", "record", "weights", "bytes"))
    if way == "weights":
        return damage_weights(random, base, path)
    if way == "bytes":
        content, how = damage_bytes(random, content)
        path.write_bytes(content)
        return how
    how = ""

    def edit(header: dict) -> None:
        nonlocal how
        text = json.dumps(json.loads(header["__metadata__"][RECORD]), indent=0)
        text, how = damage_text(random, text)
        header["__metadata__"][RECORD] = text.encode("utf-8", "replace").decode()

    path.write_bytes(changed(content, edit))
    return f"record {how}"


def _damage_json(random: Random, base: Path, path: Path) -> str:
    if random.random() < 0.3:
        content, way = damage_bytes(random, base.read_bytes())
    else:
        text, way = damage_text(random, base.read_text("utf-8").replace(", ", ",\n"))
        content = text.encode("utf-8", "surrogatepass")
    path.write_bytes(content)
    return way


def _write_calibration(path: Path) -> None:
    cosines = np.random.default_rng(0).uniform(-1, 1, 4000)
    found = calibration.Distribution.of(cosines, 200)
    calibration.write(path, calibration.Calibration(recogniser="a", source="b", same=found, different=found))


def _write_entry(path: Path) -> None:
    path.parent.joinpath(STORE).mkdir()
    FeatureStore(path.parent / STORE).write("ab", {"tokens": torch.ones(2, 3), "tap.1": torch.ones(4)})
    [entry] = (path.parent / STORE).rglob("*.safetensors")
    shutil.copyfile(entry, path)


def _read_entry(path: Path) -> object:
    """The damaged entry in its place in the store, read."""
    store = FeatureStore(path.parent / STORE)
    store.write("ab", {"tokens": torch.ones(1)})
    [entry] = (path.parent / STORE).rglob("*.safetensors")
    entry.unlink()
    if path.exists() or path.is_symlink():
        path.rename(entry)
    return store.read("ab")


KINDS = (
    FileKind("ONNX detector (SCRFD)", "det.onnx", synthetic_detectors.scrfd, damage_graph, _detect("insightface")),
    FileKind("ONNX detector (YuNet)", "yunet.onnx", synthetic_detectors.yunet, damage_graph, _detect("yunet")),
    FileKind("ONNX recogniser (ArcFace)", "w600k.onnx", synthetic_detectors.arcface, damage_graph, _vectors),
    FileKind("ONNX recogniser (SFace)", "sface.onnx", synthetic_detectors.sface, damage_graph, _vectors),
    FileKind("identity card", "card.safetensors", sound_card, _damage_card, read),
    FileKind("calibration", "calibration.json", _write_calibration, _damage_json, calibration.read),
    FileKind("feature cache", "entry.safetensors", _write_entry, damage_weights, _read_entry),
)
