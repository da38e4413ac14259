"""Encoders of ConsistentID without networks, whose answers depend on the pixels alone, and people for them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from likeness.models.consistentid.encoders import ConsistentIDEncoders
from likeness.models.face.facial_features import FEATURES
from likeness.models.face.parsing import LABELS
from likeness.models.face.types import Detection, Face
from likeness.models.people.encodings import Encodings, pixels_hash
from likeness.models.people.person import Person, PersonSettings
from likeness.models.people.photo import Photo
from likeness.models.people.remembered import RememberedImageEncoder, RememberedParser, RememberedRecogniser

ROWS = 5  # of an image encoder's tokens
REGIONS = ("Face", "Left_Eye", "Left_Ear", "Nose", "Upper_Lip")
SIDE = 64  # of a photo, pixels


def generator(*what):
    """Random numbers that follow from arrays alone."""
    return torch.Generator().manual_seed(int("".join(pixels_hash(each)[:7] for each in what)[:15], 16))


@dataclass
class SmallImageEncoder:
    """An `ImageEncoder` that notes what it sees."""

    width: int
    key: str = "clip"
    seen: list[str] = field(default_factory=list)

    def tokens(self, pixels):
        self.seen += [pixels_hash(one) for one in pixels]
        return torch.stack([torch.randn(ROWS, self.width, generator=generator(one)) for one in pixels])


@dataclass
class SmallParser:
    """A `FaceParser` that reads from a picture's first pixel which regions it shows, and notes at which size."""

    key: str = "parser"
    sizes: list[int] = field(default_factory=list)

    def labels(self, picture, size):
        self.sizes.append(size)
        found = np.zeros((size, size), np.uint8)
        for place, name in enumerate(FEATURES):
            if picture[0, 0, 0] >> place & 1:
                found[place * size // 8 : (place + 1) * size // 8, size // 4 :] = LABELS.index(name)
        return found


@dataclass
class SmallRecogniser:
    """A `FaceRecogniser` whose vectors depend on the picture and the points; it notes the pictures that it sees."""

    width: int
    key: str = "recogniser"
    seen: list[np.ndarray] = field(default_factory=list)

    def vectors(self, faces, pictures):
        self.seen += pictures
        found = [generator(face.points, picture) for face, picture in zip(faces, pictures, strict=True)]
        return torch.stack([3 * torch.randn(self.width, generator=each) for each in found])


@dataclass
class SmallDetector:
    """A `FaceDetector` that finds a face of score .5, then a smaller one of score .9, in pictures whose middle is red."""

    size: int = 640
    sizes: list[int] = field(default_factory=list)

    @property
    def key(self):
        return f"detector {self.size}"

    def at_size(self, size):
        return SmallDetector(size, self.sizes)

    def find(self, pictures):
        for picture in pictures:
            self.sizes.append(self.size)
            red, _, blue = picture[SIDE // 2, SIDE // 2].astype(int)
            yield [Detection(*face_at(20, 40), 0.5), Detection(*face_at(8, 20), 0.9)] if red > blue else []


def face_at(first, last):
    """Box and points of a square from one coordinate to another, in both directions."""
    points = np.linspace(first, last, 10, dtype=np.float32).reshape(5, 2)
    points[:, 1] = [first, first, (first + last) / 2, last, last]
    return np.array([first, first, last, last], np.float32), points


def face(first=20, last=40, seed=0):
    box, points = face_at(first, last)
    crop = np.random.default_rng(seed).integers(0, 256, (224, 224, 3)).astype(np.uint8)
    return Face(box=box, points=points, score=1.0, crop=crop, index=0, image_index=0, image_size=(SIDE, SIDE))


def picture(seed=0, regions=REGIONS, middle=None):
    """A random photo that shows some regions to `SmallParser`; its middle may have one colour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
    pixels[0, 0, 0] = sum(1 << place for place, name in enumerate(FEATURES) if name in regions)
    if middle is not None:
        pixels[20:40, 20:40] = middle
    return pixels


def photo(seed=0, regions=REGIONS, *, taken=True, weight=1.0, is_chosen=False, detector=None, middle=None):
    found = face(seed=seed) if taken else None
    faces = () if found is None else (found,)
    pixels = picture(seed, regions, middle)
    return Photo(picture=pixels, faces=faces, taken=found, weight=weight, is_chosen=is_chosen, detector=detector)


def person(name="Ada", *photos, mixed=(), mask=None, is_left_out=False, **settings):
    return Person(
        name=name,
        photos=photos or (photo(),),
        mixed=mixed,
        mask=mask,
        is_left_out=is_left_out,
        settings=PersonSettings(**settings),
    )


@dataclass
class Looking:
    """The encoders, remembering what they saw, and themselves beneath to be counted."""

    clip: SmallImageEncoder
    parser: SmallParser
    recogniser: SmallRecogniser
    encoders: ConsistentIDEncoders

    @property
    def calls(self):
        """How many pictures each has looked at."""
        return len(self.clip.seen), len(self.parser.sizes), len(self.recogniser.seen)


def looking(width, vector):
    """Encoders with a store of their own: widths of the image tokens and of the face vectors."""
    store = Encodings()
    clip, parser, recogniser = SmallImageEncoder(width), SmallParser(), SmallRecogniser(vector)
    encoders = ConsistentIDEncoders(
        clip=RememberedImageEncoder(clip, store),
        parser=RememberedParser(parser, store),
        recogniser=RememberedRecogniser(recogniser, store),
        store=store,
    )
    return Looking(clip, parser, recogniser, encoders)
