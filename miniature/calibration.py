"""Calibrates the miniature's face recogniser on people of its world whom it has never seen: `python -m likeness.miniature.calibration`.

Each person is drawn twice, as a portrait and in a scene with other clothes, pose, expression and light, as somebody who gives
a portrait and asks for pictures compares them. Faces are found and aligned as the nodes do it.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..models.face.analysis import find_faces
from ..models.miniature.files import FACES, FaceNetworks, read_face_networks
from ..models.miniature.finder import FinderDetector
from ..models.similarity.calibration import FOLDER, Calibration, Distribution, write
from ..models.uniportrait.encode import face_vectors
from ..models.weights.fingerprint import fingerprint
from .world.scene import Scene
from .world.world import World

PATH = FOLDER / "miniature.json"
SEED = 2100
PEOPLE = 800
ROWS = 32  # pictures at once


def calibrate(people: int = PEOPLE, seed: int = SEED) -> Calibration:
    """Draw people and compare everybody's portrait with everybody's scene.

    Args:
        people: how many are drawn; those of whom a picture shows no face that is found are left out.
        seed: of the world.

    Raises:
        InvalidSettingError: if so few people are no calibration.
    """
    networks = read_face_networks(FACES)
    world = World(seed=seed, split="held out")
    portraits, scenes, codes = [], [], []
    for start in range(0, people, ROWS):
        numbers = range(start, min(start + ROWS, people))
        drawn = world.portraits(numbers)
        first, second = (_vectors(networks, each) for each in (drawn, world.scenes(numbers)))
        is_found = first.isfinite().all(1) & second.isfinite().all(1)
        portraits.append(first[is_found])
        scenes.append(second[is_found])
        codes.append(drawn.codes[is_found, 0])
    who = torch.cat(codes)
    cosines = torch.cat(portraits) @ torch.cat(scenes).T
    is_same = (who[:, None] == who[None]).all(-1)  # few are drawn twice
    count = len(who.unique(dim=0))
    return Calibration(
        recogniser=f"backbone {fingerprint(networks.backbone)}",
        source=f"the miniature's drawn world, {count} people whom the recogniser never saw, portrait against scene",
        same=Distribution.of(cosines[is_same].numpy(), count),
        different=Distribution.of(cosines[~is_same].numpy(), count),
    )


@torch.no_grad()
def _vectors(networks: FaceNetworks, scene: Scene) -> Tensor:
    """The vector of the surest face of every picture, (B, W), NaN where none is found."""
    pictures = scene.arrays()
    found = list(find_faces(pictures, FinderDetector(networks.finder)))
    vectors = torch.full((len(pictures), networks.backbone.tap_channels[-1]), torch.nan)
    places = [place for place, faces in enumerate(found) if faces]
    if places:
        vectors[places] = face_vectors(networks.backbone, np.stack([found[place][0].crop for place in places]))
    return vectors


if __name__ == "__main__":
    write(PATH, calibrate())
