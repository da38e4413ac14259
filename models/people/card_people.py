"""The people of an identity card: where their faces are in photos, and the photos or what stands in for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.alignment import CROP_SIZE
from ..face.types import Face
from .card_record import MOST_NAME, MOST_PARTS, MOST_PHOTOS, MOST_PIXELS, MOST_SIDE, Fields
from .carried import AbsentDetector, CardEncodings, Said
from .encodings import EncodingKey
from .person import Person
from .photo import Photo
from .remembered import RememberedDetector
from .stand_ins import draw, stand_in

MOST_THUMBNAIL = 512  # pixels of a side
MOST_WEIGHT, MOST_SCORE = 1e6, 1e3


def photo_records(person: Person, *, keeps_photos: bool) -> list[dict[str, Any]]:
    """What a card says of a person's photos: size, face, and the stand-in's seed; without photos that is all there is.

    Raises:
        InvalidSettingError: if there are too many or too large ones.
    """
    photos = person.looked
    pixels = sum(photo.picture.shape[0] * photo.picture.shape[1] for photo in photos)
    if len(photos) > MOST_PHOTOS or pixels > MOST_PIXELS:
        raise InvalidSettingError(
            f'"{person.name}" has {len(photos)} photos of {pixels / 1e6:.0f} million pixels, and an identity card takes {MOST_PHOTOS} of '
            f"{MOST_PIXELS // 10**6} million; make them smaller or leave some out."
        )
    return [_photo_record(photo, is_kept=keeps_photos and not photo.stand_in) for photo in photos]


def parse_people(
    record: Fields, tensors: dict[str, Tensor], known: Mapping[EncodingKey, Said], encoded_for: tuple[str, ...]
) -> list[tuple[Person, float]]:
    """The people of a card and their factors.

    Args:
        record: of the card.
        tensors: of the card; those that belong to people are taken out.
        known: the encodings of the card.
        encoded_for: what they were made for.

    Raises:
        UnknownCheckpointError: if something is not what it has to be.
    """
    entries = record.entries("people", MOST_PARTS)
    photos = [photo for entry in entries for photo in entry.entries("photos", MOST_PHOTOS)]
    if sum(height * width for height, width in map(_size, photos)) > MOST_PIXELS:
        raise record.wrong("photos", f"are larger than {MOST_PIXELS // 10**6} million pixels together")
    return [_person(number, entry, tensors, known, encoded_for) for number, entry in enumerate(entries)]


def _person(
    number: int,
    entry: Fields,
    tensors: dict[str, Tensor],
    known: Mapping[EncodingKey, Said],
    encoded_for: tuple[str, ...],
) -> tuple[Person, float]:
    name = entry.text("name", MOST_NAME)
    photos: list[Photo] = []
    portraits: list[np.ndarray] = []
    for place, record in enumerate(entry.entries("photos", MOST_PHOTOS)):
        own = f"person.{number:03}.photo.{place:03}"
        thumbnail = _picture(f"{own}.thumbnail", record, tensors, None)
        if thumbnail is not None:
            portraits.append(thumbnail)
        photos.append(_photo(own, record, _size(record), tensors))
    factor = entry.number("factor", least=-64, most=64)
    are_kept = all(not photo.stand_in for photo in photos)
    if not photos and not known:
        return Person(name=name), factor
    encodings = CardEncodings(
        name=name,
        entries=known,
        photos=() if are_kept else tuple(photos),
        portrait=portraits[0] if portraits else None,
        encoded_for=encoded_for,
    )
    return Person(name=name, photos=tuple(photos) if are_kept else (), encodings=encodings), factor


def _photo_record(photo: Photo, *, is_kept: bool) -> dict[str, Any]:
    height, width = photo.picture.shape[:2]
    return {
        "height": height,
        "width": width,
        "stand_in": "" if is_kept else stand_in(photo).stand_in,
        "weight": float(photo.weight),
        "is_outlier": photo.is_outlier,
        "is_chosen": photo.is_chosen,
        "was_looked_at": photo.detector is not None,
        "face": None if photo.taken is None else _face_record(photo.taken),
    }


def _face_record(face: Face) -> dict[str, Any]:
    return {
        "box": [float(value) for value in face.box.reshape(-1)],
        "points": [float(value) for value in face.points.reshape(-1)],
        "score": float(face.score),
        "index": int(face.index),
        "image_index": int(face.image_index),
        "height": int(face.image_size[0]),
        "width": int(face.image_size[1]),
    }


def _photo(own: str, record: Fields, size: tuple[int, int], tensors: dict[str, Tensor]) -> Photo:
    seed = record.text("stand_in", MOST_NAME)
    entry = record.fields("face")
    picture = _picture(f"{own}.picture", record, tensors, size)
    crop = _picture(f"{own}.crop", record, tensors, (CROP_SIZE, CROP_SIZE))
    if bool(seed) == (picture is not None) or (crop is not None) != (picture is not None and entry is not None):
        raise record.wrong("photos", "have a picture and a stand-in, or neither")
    nothing = np.zeros((1, 1, 3), np.uint8)
    taken = None if entry is None else _face(entry, nothing if crop is None else crop)
    photo = Photo(
        picture=nothing if picture is None else picture,
        faces=() if taken is None else (taken,),
        taken=taken,
        weight=record.number("weight", least=0, most=MOST_WEIGHT),
        is_outlier=record.flag("is_outlier"),
        is_chosen=record.flag("is_chosen"),
        detector=RememberedDetector(AbsentDetector()) if record.flag("was_looked_at") else None,
    )
    return draw(photo, seed, size) if seed else photo


def _face(entry: Fields, crop: np.ndarray) -> Face:
    bound = 4.0 * MOST_SIDE
    return Face(
        box=np.array(entry.numbers("box", 4, least=-bound, most=bound), np.float32),
        points=np.array(entry.numbers("points", 10, least=-bound, most=bound), np.float32).reshape(5, 2),
        score=entry.number("score", least=-MOST_SCORE, most=MOST_SCORE),
        crop=crop,
        index=entry.whole("index", 10**6),
        image_index=entry.whole("image_index", 10**6),
        image_size=_size(entry),
    )


def _size(record: Fields) -> tuple[int, int]:
    """(height, width) of a picture, pixels."""
    return record.whole("height", MOST_SIDE, 1), record.whole("width", MOST_SIDE, 1)


def _picture(name: str, record: Fields, tensors: dict[str, Tensor], size: tuple[int, int] | None) -> np.ndarray | None:
    """A picture of the card, (H, W, 3) uint8, or None; without a size it is a thumbnail."""
    found = tensors.pop(name, None)
    if found is None:
        return None
    is_rgb = found.dtype == torch.uint8 and found.ndim == 3 and found.shape[2] == 3 and found.numel() > 0
    fits = max(found.shape[:2]) <= MOST_THUMBNAIL if size is None else tuple(found.shape[:2]) == size
    if not is_rgb or not fits:
        raise record.wrong(name, "is no picture of its size")
    return found.numpy()
