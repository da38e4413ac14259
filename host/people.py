"""People in ComfyUI: from photos on a socket to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from torch import Tensor

from ..models.errors import InvalidSettingError
from ..models.face.selection import Order, Selection
from ..models.face.types import FaceSet, OnNoFace
from ..models.people.person import Person, PersonSettings, photos_of
from ..models.port.encoders import FaceDetector
from .encoders.detector import DetectorChoice, choose_detector
from .encoders.faces import detect_faces

WithoutFace = Literal["error", "skip photo", "keep without a face", "leave out"]
OF_PHOTOS: dict[str, OnNoFace] = {"error": "error", "skip photo": "skip photo"}  # the others decide about the person


@dataclass(frozen=True, slots=True, kw_only=True)
class FaceChoice:
    """How the face of a person is found in their photos.

    Attributes:
        detector: name of the detector.
        order: what the faces of a photo are sorted by.
        number: of the face that is theirs, from 1.
        region: for "given region".
        given: a detector from a socket, used instead of the named one.
    """

    detector: DetectorChoice = "auto"
    order: Order = "largest first"
    number: int = 1
    region: str = ""
    given: FaceDetector | None = None

    @property
    def is_chosen(self) -> bool:
        """Whether somebody said which face it is, or where."""
        by_hand = self.given is None and self.detector in ("given region", "face crop")
        return by_hand or self.number > 1 or self.order != "largest first"


def make_person(
    photo: Tensor | FaceSet,
    choice: FaceChoice,
    *,
    name: str = "",
    mask: Tensor | None = None,
    settings: PersonSettings = PersonSettings(),
    on_no_face: WithoutFace = "error",
) -> tuple[Person, FaceSet]:
    """A person, and the faces that were found in their photos.

    Args:
        photo: pictures of this person, (B, H, W, C), 0–1, or faces that were taken elsewhere.
        choice: how the face is found; faces from elsewhere are taken as they are.
        name, mask, settings: see `Person`.
        on_no_face: what it means if a photo shows no face: an error; that photo is left out (an error if no face is left
            at all); the person stays, without a face; or they are left out and keep their number.

    Raises:
        NoFaceFoundError: if no face is found and that is an error.
        LikenessError: whatever is wrong with pictures, files or settings.
    """
    if on_no_face not in get_args(WithoutFace):
        raise InvalidSettingError(f'on_no_face is "{on_no_face}"; choose one of: {", ".join(get_args(WithoutFace))}.')
    if isinstance(photo, FaceSet):
        faces, photos = photo, photos_of(photo, None, is_chosen=True)
    else:
        detector = choose_detector(choice.detector, region=choice.region, given=choice.given)
        selection = Selection(order=choice.order, index=choice.number - 1)
        of_photos = OF_PHOTOS.get(on_no_face, "go on")
        faces = detect_faces(photo, detector, selection=selection, on_no_face=of_photos, name="photo")
        photos = photos_of(faces, detector, is_chosen=choice.is_chosen)
    if faces.found:
        photos = tuple(each for each in photos if each.taken is not None)
    is_left_out = not faces.found and on_no_face != "keep without a face"
    return Person(name=name, photos=photos, mask=mask, settings=settings, is_left_out=is_left_out), faces
