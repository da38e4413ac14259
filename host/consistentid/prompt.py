"""ConsistentID's prompt in ComfyUI: text with facial regions fused into its words, as CONDITIONING."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from ...models.consistentid.corrected import Corrected
from ...models.consistentid.facial_regions import DescribedPerson
from ...models.consistentid.features import NO_WISHES, FacialFeatures
from ...models.people.person import People
from ..people import acting_places
from ..prompt_tokens import tokenizers
from ..sampling.delayed_conditioning import Conditioning, EncodedText, MergePoint, with_options
from .adapter import LoadedConsistentID
from .corrected_prompt import encode_corrected
from .published_prompt import encode_published


@dataclass(frozen=True, eq=False, slots=True)
class EncodedPrompt:
    """What the prompt node hands on.

    Attributes:
        positive, negative: CONDITIONING.
        text: the prompt as it was assembled, with `<|facial|>` after every word that a region goes into.
        people: those who act, with what goes into their words.
    """

    positive: Conditioning
    negative: Conditioning
    text: str
    people: tuple[DescribedPerson, ...]


def encode_prompt(
    consistentid: LoadedConsistentID,
    clip: Any,
    people: People,
    features: FacialFeatures = NO_WISHES,
    *,
    positive: str,
    negative: str,
    merge: MergePoint,
    size: tuple[int, int],
) -> EncodedPrompt:
    """Encode a prompt and fuse people's facial regions into it.

    Nobody's face is described who is off or left out; their features may be lent to others.

    Args:
        consistentid: the adapter.
        clip: a CLIP of the same architecture.
        people: the chain.
        features: wishes about it.
        positive, negative: texts.
        merge: when the regions are merged into the prompt.
        size: width and height of the picture, pixels; SDXL's size conditioning, other models ignore it.

    Raises:
        IncompatibleBaseModelError: if the CLIP belongs to another architecture.
        InvalidSettingError: if wishes do not fit the chain, or the published behaviour does not know such people.
        MissingModelFileError: if an encoder that is needed is not there.
    """
    features.check(len(people))
    places = acting_places(people, without_face=True)
    consistentid.flavour.check_people([people[place] for place in places])
    described = tuple(
        DescribedPerson(
            name=people[place].name,
            place=place,
            said=features.of(place + 1).caption,
            regions=consistentid.regions(place + 1, people, features),
        )
        for place in places
    )
    if isinstance(consistentid.flavour, Corrected):
        encoded = encode_corrected(
            consistentid, consistentid.flavour, clip, people, described, positive, negative, merge
        )
    else:
        encoded = encode_published(consistentid, clip, people, described, positive, negative, merge)
    if len(tokenizers(clip)) > 1:
        encoded = _sized(encoded, *size)
    return EncodedPrompt(encoded.positive, encoded.negative, encoded.text, described)


def _sized(encoded: EncodedText, width: int, height: int) -> EncodedText:
    """A prompt that tells SDXL the size of the picture, which is not cropped."""
    size = {"width": width, "height": height, "crop_w": 0, "crop_h": 0, "target_width": width, "target_height": height}
    return replace(
        encoded, positive=with_options(encoded.positive, size), negative=with_options(encoded.negative, size)
    )
