"""What encoders said about a person's photos, carried along with the person: noted once, and answered later without the photos."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from ..errors import InvalidSettingError
from ..face.types import Detection
from .encodings import EncodingKey
from .person import CarriedEncodings, Person
from .photo import Photo
from .remembered import RememberedDetector
from .stand_ins import stand_in

Said = tuple[Tensor, ...]
Look = Callable[[Person], object]
logger = logging.getLogger(__name__)

# Which socket of Save Identity Card makes an output; the first word of `EncodingKey.output` names it.
SOCKETS = {
    "tokens": "the method or clip_vision",
    "embedding": "the method or clip_vision",
    "maps": "uniportrait",
    "vector": "the method or recogniser",
    "labels": "consistentid",
    "latents": "vae",
    "faces": "consistentid",
}


@dataclass(eq=False, slots=True)
class Recorder:
    """Asks encoders about somebody's photos and notes what they say, in order.

    Attributes:
        photos: that are looked at.
        before: answers in the encoders' place, where the person comes from a card themselves.
        notes: what was said.
    """

    photos: tuple[Photo, ...]
    before: CarriedEncodings | None = None
    notes: list[tuple[EncodingKey, Said]] = field(default_factory=list)
    portrait: np.ndarray | None = None

    def said(self, key: EncodingKey, say: Callable[[], Said]) -> Said:
        """See `Carrier`."""
        value = say() if self.before is None else self.before.said(key, say)
        self.notes.append((key, value))
        return value


@dataclass(eq=False, slots=True)
class Rehearsal:
    """Answers as noted, in order, and learns by which keys the same is asked when other photos stand there.

    Attributes:
        photos: that stand there.
        notes: see `Recorder`.
        entries: what was asked of these photos, and what was answered.
    """

    photos: tuple[Photo, ...]
    notes: Sequence[tuple[EncodingKey, Said]]
    entries: dict[EncodingKey, Said] = field(default_factory=dict)
    portrait: np.ndarray | None = None
    asked: int = 0

    def said(self, key: EncodingKey, say: Callable[[], Said]) -> Said:
        """See `Carrier`; no encoder is asked.

        Raises:
            RuntimeError: if something else is asked than was noted.
        """
        del say
        noted = self.notes[self.asked][0] if self.asked < len(self.notes) else None
        if noted is None or noted.output != key.output:
            raise RuntimeError(f"a method asks {key.output!r} of a stand-in and {noted!r} of the photo")
        self.entries[key] = value = self.notes[self.asked][1]
        self.asked += 1
        return value


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class CardEncodings:
    """What an identity card knows about somebody's photos.

    Attributes:
        name: of the person, for messages.
        entries: what encoders said.
        photos: stand-ins; empty where the card has the photos.
        portrait: a thumbnail for previews, (h, w, 3) uint8 RGB, or None.
        encoded_for: what the card was encoded for, such as "UniPortrait".
    """

    name: str
    entries: Mapping[EncodingKey, Said]
    photos: tuple[Photo, ...] = ()
    portrait: np.ndarray | None = None
    encoded_for: tuple[str, ...] = ()

    def said(self, key: EncodingKey, say: Callable[[], Said]) -> Said:
        """See `Carrier`; what the card lacks is made from its photos if it has them.

        Raises:
            InvalidSettingError: if it lacks something and has no photos, or was made with other weights.
        """
        found = self.entries.get(key)
        if found is not None:
            return found
        other = next((known for known in self.entries if known[1:] == key[1:]), None)
        if not self.photos:
            if other is not None:
                logger.info(
                    'The card of "%s" was made with other weights (%s); its photos are encoded with %s.',
                    self.name,
                    other.encoder,
                    key.encoder,
                )
            return say()
        if other is not None:
            raise InvalidSettingError(
                f'The identity card of "{self.name}" was made with other weights ({_short(other.encoder)} instead of '
                f"{_short(key.encoder)}); load those that it was made with, or make it again from photos with Save Identity Card."
            )
        what = key.output.split()[0]
        raise InvalidSettingError(
            f'The identity card of "{self.name}" has no {what} of {_short(key.encoder)} for these settings and no photos to make them '
            f"from; connect {SOCKETS.get(what, 'the method')} to Save Identity Card and make the card again from photos."
        )


def _short(encoder: str) -> str:
    """An encoder's key with its hashes cut, for messages."""
    return re.sub(r"[0-9a-f]{12,}", lambda found: found.group()[:8], encoder)


@dataclass(frozen=True, slots=True)
class AbsentDetector:
    """A detector that is not there: a card knows what it found; a `FaceDetector`.

    Attributes:
        key: of what is not there.
    """

    key: str = "detector of the card"

    def at_size(self, size: int) -> AbsentDetector:
        """The same, which looked at a square of another size, pixels."""
        return AbsentDetector(f"{self.key.split(' at ')[0]} at {size}")

    def find(self, pictures: Sequence[np.ndarray]) -> Iterable[list[Detection]]:
        """Nothing can be found.

        Raises:
            InvalidSettingError: always.
        """
        raise InvalidSettingError(
            f"An identity card does not know which faces a detector finds in {len(pictures)} of its photos; connect consistentid to "
            "Save Identity Card and make the card again from photos, or use Add Person."
        )


def gather(person: Person, looks: Iterable[Look], *, keeps_photos: bool) -> dict[EncodingKey, Said]:
    """What encoders say about a person, under the keys by which a card is asked for it.

    Every look is done twice: at the photos, and at what the card will have in their place, answered from the first.

    Args:
        person: with photos, or from a card.
        looks: each shows one person to encoders, as a method would do it.
        keeps_photos: whether the card will have the photos; else stand-ins.

    Returns:
        The encodings of everybody that the person is made of; those of a card that they come from are kept, see `kept_of`.

    Raises:
        LikenessError: whatever a look raises.
    """
    found: dict[EncodingKey, Said] = {}
    for part, _ in person.parts:
        kept = tuple(on_card(photo, keeps_photos=keeps_photos) for photo in part.looked)
        before = kept_of(part, keeps_photos=keeps_photos)
        found.update({} if before is None else before.entries)
        for look in looks:
            recorder = Recorder(part.looked, part.encodings)
            look(replace(part, photos=(), encodings=recorder))
            rehearsal = Rehearsal(kept, recorder.notes)
            look(replace(part, photos=(), encodings=rehearsal))
            found.update(rehearsal.entries)
    return found


def kept_of(person: Person, *, keeps_photos: bool) -> CardEncodings | None:
    """What stays of the card that somebody comes from: all, unless photos are on it that the new card will not have.

    By other pixels other keys are asked, so what was said of the photos themselves would not be found again.
    """
    before = person.encodings
    if not isinstance(before, CardEncodings) or (person.photos and not keeps_photos):
        return None
    return before


def on_card(photo: Photo, *, keeps_photos: bool) -> Photo:
    """A photo as a card has it: the photo or its stand-in, with the face that is the person's, and no detector that could run."""
    shown = photo if keeps_photos else stand_in(photo)
    faces = () if shown.taken is None else (shown.taken,)
    detector = None if photo.detector is None else RememberedDetector(AbsentDetector())
    return replace(shown, faces=faces, detector=detector)
