"""Does Score Likeness put a batch in the order in which the miniature's judge would, who has networks of its own?"""

from __future__ import annotations

import pytest
import torch

pytest.importorskip("diffusers")
pytest.importorskip("open_clip")

from likeness.miniature.judge.file import read_judge
from likeness.miniature.judge.scores import IDENTITY, likelihoods
from likeness.miniature.studio.drawing import Settings, decode
from likeness.miniature.studio.studio import Shot, Studio
from likeness.miniature.world.people.identity import FACE, NOUNS
from likeness.miniature.world.world import World
from likeness.models.face.analysis import analyze, find_faces
from likeness.models.images.layout import arrays_from_images
from likeness.models.miniature.files import FACES, JUDGE, read_face_networks
from likeness.models.miniature.finder import FinderDetector
from likeness.models.people.person import People, Person
from likeness.models.people.photo import photos_of
from likeness.models.similarity.calibration import find
from likeness.models.similarity.likeness import Scorer
from likeness.models.similarity.recognisers import KnownRecogniser
from likeness.models.uniportrait.encode import face_vectors
from likeness.models.weights.fingerprint import fingerprint

pytestmark = [pytest.mark.slow, pytest.mark.long]

STRENGTHS = (0.0, 0.5, 0.75, 1.0)  # so that the batch holds good and bad pictures
ROWS = 4  # pictures of each strength
PEOPLE = 3
UNSEEN = -50.0  # of a picture in which the judge sees nobody: less than any likelihood
LEAST = 0.4  # of three people .58, .58 and .59 were measured; over strengths alike, 16 pictures of four people each, -.01 to .62


class Drawn:
    """The miniature's recogniser without ComfyUI."""

    def __init__(self, backbone):
        self.backbone = backbone
        self.key = f"backbone {fingerprint(backbone)}"
        self.width = backbone.tap_channels[-1]

    def vectors(self, faces, pictures):
        del pictures
        return face_vectors(self.backbone, torch.stack([torch.from_numpy(face.crop) for face in faces]).numpy())


@pytest.fixture(scope="module")
def measured():
    """Spearman's correlation of score and likelihood for each person's batch."""
    stats = pytest.importorskip("scipy.stats")
    studio, judge, networks = Studio.load(), read_judge(JUDGE), read_face_networks(FACES)
    detector, encoder = FinderDetector(networks.finder), Drawn(networks.backbone)
    recogniser = KnownRecogniser(name="drawn", encoder=encoder, remembering=encoder, calibration=find(encoder.key))
    portraits = World(seed=5, split="held out").portraits(range(PEOPLE))
    found = []
    for number, (portrait, code) in enumerate(zip(portraits.arrays(), portraits.codes, strict=True)):
        photos = photos_of(analyze([portrait], detector), detector, is_chosen=False)
        pictures = draw(studio, portrait, NOUNS[int(code[0, FACE])], number)
        arrays = arrays_from_images(pictures.permute(0, 2, 3, 1))
        with torch.no_grad():
            scorer = Scorer(People((Person(name="", photos=photos),)), [recogniser], -1.0)
            scored = [scorer.score(*each) for each in zip(arrays, find_faces(arrays, detector), strict=True)]
        seen = [
            float(likelihoods(verdict, code, IDENTITY).max()) if verdict.count else UNSEEN
            for verdict in judge.read(pictures)
        ]
        found.append(float(stats.spearmanr([each.score for each in scored], seen).statistic))
    return found


def draw(studio, portrait, noun, seed):
    generator = torch.Generator().manual_seed(seed)
    pictures = []
    for strength in STRENGTHS:
        noise = torch.randn(ROWS, studio.base.unet.config["in_channels"], 16, 16, generator=generator)
        prompt = f"a {noun} in a red shirt in front of blue and orange waves"
        latents, _ = studio.draw(
            Shot(prompt=prompt, noise=noise, references=(portrait,), strength=strength), Settings()
        )
        pictures.append(decode(studio.base, latents))
    return torch.cat(pictures)


def test_the_order_is_the_judges(measured):
    assert min(measured) > 0.2
    assert sum(measured) / len(measured) > LEAST
