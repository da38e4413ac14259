"""Several entries of a chain as one person: all photos of somebody together, or the average of different people."""

from __future__ import annotations

from typing import Literal, get_args

from ..errors import InvalidSettingError
from .carried import CardEncodings
from .person import People, Person

How = Literal["same person", "average"]


def merge_people(people: People, how: How, name: str = "") -> Person:
    """One person of a chain.

    Args:
        people: at least one, none of them mixed. All from photos, or all from cards without photos where they are one person.
        how: "same person" puts all their photos together, as Add Person does with a batch; "average" makes one of different
            people, all with the same share, see `Person.mixed`.
        name: of the result; empty for the first one's.

    Returns:
        The person, without mask and with settings as new.

    Raises:
        InvalidSettingError: if there is nobody, somebody is mixed already, or photos and cards without photos come together.
    """
    if how not in get_args(How):
        raise InvalidSettingError(f'how is "{how}"; choose one of: {", ".join(get_args(How))}.')
    if not len(people):
        raise InvalidSettingError("There is nobody to merge; connect people to Merge People.")
    mixed = next((person for person in people if person.mixed), None)
    if mixed is not None:
        raise InvalidSettingError(
            f'"{mixed.name}" is mixed of several people already; merge those that they are made of.'
        )
    name = name.strip() or people[0].name
    if how == "average":
        return Person(name=name, mixed=tuple((person, 1 / len(people)) for person in people))
    return _same(people, name)


def _same(people: People, name: str) -> Person:
    cards = [person.encodings for person in people if isinstance(person.encodings, CardEncodings)]
    entries = {key: value for card in cards for key, value in card.entries.items()}
    photos = tuple(photo for person in people for photo in person.looked)
    if all(person.photos for person in people):
        encodings = CardEncodings(name=name, entries=entries) if cards else None
        return Person(name=name, photos=photos, encodings=encodings)
    if any(person.photos for person in people) or len(cards) != len(people):
        listed = ", ".join(f'"{person.name}"' for person in people if person.photos or person.encodings is None)
        raise InvalidSettingError(
            f"Cards without photos cannot be put together with photos ({listed}); save a card of those first, encoded for the same methods."
        )
    for_all = tuple(each for each in cards[0].encoded_for if all(each in card.encoded_for for card in cards))
    portrait = next((card.portrait for card in cards if card.portrait is not None), None)
    carried = CardEncodings(name=name, entries=entries, photos=photos, portrait=portrait, encoded_for=for_all)
    return Person(name=name, encodings=carried)
