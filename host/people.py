"""People in ComfyUI: from photos on a socket to a person."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from comfy.model_patcher import ModelPatcher
from torch import Tensor

from ..models.errors import InvalidSettingError, printable, shorten
from ..models.face.analysis import Order, Selection
from ..models.face.types import FaceSet, OnNoFace
from ..models.people.person import People, Person, PersonSettings
from ..models.people.photo import photos_of
from ..models.people.preview import Line
from ..models.people.remembered import RememberedRecogniser
from ..models.people.weighing import Weighing, weigh
from ..models.port.encoders import FaceDetector, FaceRecogniser
from .encoders.detector import DetectorChoice, choose_detector, detect_faces
from .encoders.recogniser import choose_recogniser
from .files import AUTO
from .placement import PlacedPeople

WithoutFace = Literal["error", "skip photo", "keep without a face", "leave out"]
ADDS_PERSON, ADDS_CARD = "LikenessAddPerson", "LikenessLoadIdentityCard"  # the nodes that add people to a graph
MOST_OUTSIDE, MOST_SHOWN = 12, 40  # people that a note names, and letters of each name
DEFAULT = PersonSettings()
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
    settings: PersonSettings = DEFAULT,
    on_no_face: WithoutFace = "error",
    weighing: Weighing = "all equally",
) -> tuple[Person, FaceSet]:
    """A person, and the faces that were found in their photos.

    Args:
        photo: pictures of this person, (B, H, W, C), 0–1, or faces that were taken elsewhere.
        choice: how the face is found; faces from elsewhere are taken as they are.
        name, mask, settings: see `Person`.
        on_no_face: what it means if a photo shows no face: an error; that photo is left out (an error if no face is left
            at all); the person stays, without a face; or they are left out and keep their number.
        weighing: how several photos are weighed, see `models.people.weighing.weigh`; by the recogniser that "auto" finds, or the
            miniature's for drawn faces.

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
        selection = Selection(order=choice.order, number=choice.number)
        of_photos = OF_PHOTOS.get(on_no_face, "go on")
        faces = detect_faces(photo, detector, selection=selection, on_no_face=of_photos, name="photo")
        photos = photos_of(faces, detector, is_chosen=choice.is_chosen)
    if faces.found:
        photos = tuple(each for each in photos if each.taken is not None)
    photos = weigh(photos, weighing, lambda: _recogniser(choice.detector))
    is_left_out = not faces.found and on_no_face != "keep without a face"
    return Person(name=name, photos=photos, mask=mask, settings=settings, is_left_out=is_left_out), faces


def _recogniser(detector: DetectorChoice) -> FaceRecogniser:
    return RememberedRecogniser(
        choose_recogniser(AUTO, detector, otherwise='set "photos" of Add Person to "all equally"')
    )


@dataclass(frozen=True, eq=False, slots=True)
class AppliedPeople:
    """What putting people into a MODEL came to.

    Attributes:
        model: a clone of the given one.
        is_applied: whether anything was added to it.
        lines: who is in and who is not, one per person of the chain.
    """

    model: ModelPatcher
    is_applied: bool
    lines: tuple[Line, ...]


def acting(people: People, *, without_face: bool = False) -> list[Person]:
    """The people who act: on, not left out, and with a face unless a method can do without."""
    return [person for person in people if person.is_on and (without_face or person.has_face)]


def acting_places(people: People, *, without_face: bool = False) -> list[int]:
    """The places in the chain, from 0, of those who act, see `acting`."""
    active = acting(people, without_face=without_face)
    return [place for place, person in enumerate(people) if person in active]


def placed_lines(people: People, placed: PlacedPeople | None, *, without_face: bool = False) -> tuple[Line, ...]:
    """Who is in a picture and how each is placed, one line per person of the chain.

    Args:
        people: everybody.
        placed: the placement of those who act; None where nobody does.
        without_face: see `acting`.
    """
    return people_lines(people, placed.states if placed else [], without_face=without_face)


def people_lines(people: People, states: Sequence[str], *, without_face: bool = False) -> tuple[Line, ...]:
    """Who is in a picture and who is not, one line per person of the chain.

    Args:
        people: everybody.
        states: what is said of each of those who act, in their order.
        without_face: see `acting`.
    """
    found = iter(states)
    lines: list[Line] = []
    for person in people:
        if person.is_left_out:
            lines.append(Line(person, "left out: no face found", is_in=False))
        elif not person.is_on:
            lines.append(Line(person, "off: strength 0 or empty window", is_in=False))
        elif not person.has_face and not without_face:
            lines.append(Line(person, "not in: no face", is_in=False))
        else:
            lines.append(Line(person, next(found)))
    return tuple(lines)


def outside_of(prompt: Mapping[str, Any] | None, node: str) -> list[str]:
    """Names of the nodes that add a person who does not reach a node, from a queued prompt.

    Args:
        prompt: the graph in ComfyUI's API format; None where it is not known.
        node: id of the node that people should reach.
    """
    graph = prompt or {}
    reached: set[str] = set()
    waiting = [node]
    while waiting:
        current = waiting.pop()
        if current in reached or current not in graph:
            continue
        reached.add(current)
        links = graph[current].get("inputs", {}).values()
        waiting += [str(link[0]) for link in links if isinstance(link, list) and len(link) == 2]
    adding = [
        key for key, each in graph.items() if each.get("class_type") in (ADDS_PERSON, ADDS_CARD) and key not in reached
    ]
    names = {key: graph[key].get("inputs", {}).get("name") for key in adding}  # a link where another node gives it
    listed = [(name.strip() if isinstance(name, str) else "") or f"node {key}" for key, name in names.items()]
    shown = [shorten(printable(name), MOST_SHOWN) for name in listed[:MOST_OUTSIDE]]
    return [*shown, f"{len(listed) - MOST_OUTSIDE} more"] if len(listed) > MOST_OUTSIDE else shown
