"""People with photos of random or plain pixels, and encoders that count what they see."""

from __future__ import annotations

import numpy as np
import torch
from likeness.models.face.types import Face
from likeness.models.people.person import People, Person, PersonSettings
from likeness.models.people.photo import Photo

SIZE = (128, 192)  # of a photo, (height, width)
BOX = (60.0, 40.0, 100.0, 90.0)  # of the face in it, pixels


def noise(seed=0, size=SIZE):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def bright_face(box=BOX):
    """A bright box in the dark."""
    picture = np.zeros((*SIZE, 3), np.uint8)
    left, top, right, bottom = map(int, box)
    picture[top:bottom, left:right] = 230
    return picture


def photo(picture=None, box=BOX, *, weight=1.0):
    """A photo whose face is in a box; None for a photo without a face."""
    picture = noise() if picture is None else picture
    if box is None:
        return Photo(picture=picture)
    face = Face(
        box=np.array(box, np.float32),
        points=np.array([[70, 55], [90, 55], [80, 65], [72, 78], [88, 78]], np.float32),
        score=1.0,
        crop=np.zeros((224, 224, 3), np.uint8),
        index=0,
        image_index=0,
        image_size=picture.shape[:2],
    )
    return Photo(picture=picture, faces=(face,), taken=face, weight=weight)


def person(name="Ann", *photos, seed=0, mask=None, strength=1.0, start=0.0, end=1.0, left_out=False):
    """Somebody with one photo of random pixels, or with the given photos."""
    return Person(
        name=name,
        photos=photos or (photo(noise(seed)),),
        mask=mask,
        settings=PersonSettings(strength=strength, start_percent=start, end_percent=end),
        is_left_out=left_out,
    )


def chain(*people):
    return People(people)


class MeanLatents:
    """A `LatentEncoder`: eight times smaller, the mean of each block."""

    key = "means"

    def __init__(self, channels=4):
        self.channels = channels
        self.seen = []

    def latents(self, pictures):
        self.seen.append(pictures)
        small = torch.nn.functional.avg_pool2d(pictures.movedim(-1, 1), 8)
        return small.mean(1, keepdim=True).expand(-1, self.channels, -1, -1).clone()


class Labels:
    """A `FaceParser` that always sees one label map."""

    key = "labels"

    def __init__(self, labels):
        self.found = labels
        self.seen = []

    def labels(self, picture, size):
        self.seen.append((picture.shape, size))
        return self.found


class PixelTokens:
    """An `ImageEncoder` of one token: mean red, green and blue of what it is given."""

    key, width = "pixels", 3

    def __init__(self):
        self.seen = []

    def tokens(self, pixels):
        self.seen += list(pixels)
        return pixels.mean((-2, -1))[:, None]
