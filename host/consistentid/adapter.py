"""ConsistentID in ComfyUI: the adapter and its encoders under ComfyUI's memory management, and the files that a loader means."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from comfy.model_patcher import ModelPatcher
from torch import Tensor, nn

from ...models.adapters.identity_attention import EncodedPeople
from ...models.clip import CLIP_SIZE
from ...models.consistentid.checkpoint import CONSISTENTID, ConsistentIDAdapter, load
from ...models.consistentid.encode import encode_people, null_region, regions
from ...models.consistentid.encoders import RECOGNISER, ConsistentIDEncoders
from ...models.consistentid.facial_encoder import fuse_regions
from ...models.consistentid.facial_regions import FacialRegion, FacialRegions
from ...models.consistentid.features import FacialFeatures
from ...models.consistentid.flavour import Flavour, Mode, Purpose, choose_flavour
from ...models.errors import MissingModelFileError
from ...models.face.insightface import ArcFace
from ...models.people.person import People, Person
from ...models.people.remembered import RememberedParser, RememberedRecogniser
from ...models.port.encoders import FaceParser, FaceRecogniser
from ...models.weights.signatures import FACE_PARSER
from ..encoders.image_encoder import find_clip_vision, image_encoder
from ..encoders.parser import load_face_parser
from ..face_files import recogniser_file
from ..files import AUTO, choose_file, load_once, model_folder
from ..memory import attention_dtype, loaded, manage
from ..sampling.delayed_conditioning import Conditioning

logger = logging.getLogger(__name__)

NAME = "ConsistentID"
FOLDER, PARSERS = "consistentid", "face_parsing"

Choice = Literal["auto"] | Mode


@dataclass(frozen=True, eq=False)
class LoadedConsistentID:
    """What the loader node hands on.

    Attributes:
        adapter: the weights by part.
        flavour: the behaviour that was chosen.
        encoder: patcher of the networks that run before sampling.
        attention: patcher of keys and values, loaded together with the MODEL.
        encoders: what looks at photos; each says what is missing when it is needed.
    """

    adapter: ConsistentIDAdapter
    flavour: Flavour
    encoder: ModelPatcher
    attention: ModelPatcher
    encoders: ConsistentIDEncoders

    def fuse(self, entries: Conditioning, places: Sequence[int], regions: Sequence[FacialRegion]) -> Conditioning:
        """CONDITIONING with regions fused into its rows at as many places; the given one stays as it is."""
        if not places:
            return entries
        with loaded(self.encoder):
            encoder = self.adapter.facial_encoder
            return [[fuse_regions(encoder, tensor, places, regions), options] for tensor, options in entries]

    def encode(self, people: Sequence[Person]) -> EncodedPeople:
        """The ID tokens of some people, see `encode_people`."""
        with loaded(self.encoder):
            return encode_people(people, self.encoders, self.adapter.id_projection, self.flavour)

    def regions(self, number: int, people: People, features: FacialFeatures) -> FacialRegions:
        """The facial regions of one person of a chain, by number from 1, see `models.consistentid.encode.regions`."""
        with loaded(self.encoder):
            return regions(number, people, features, self.encoders, self.adapter.facial_encoder, self.flavour)

    def null_region(self) -> Tensor:
        """The region vector of an empty picture, (1, D)."""
        with loaded(self.encoder):
            return null_region(self.encoders, self.adapter.facial_encoder)


def new_consistentid(
    adapter: ConsistentIDAdapter,
    *,
    clip_vision: Any = None,
    face_parser: FaceParser | None = None,
    recogniser: FaceRecogniser | None = None,
    mode: Choice = "auto",
    purpose: Purpose = "text to image",
) -> LoadedConsistentID:
    """Put an adapter under ComfyUI's memory management, with its encoders, none of which looks at a photo twice.

    Args:
        adapter: the weights.
        clip_vision: a CLIP_VISION of the width that it was trained with, or None.
        face_parser: tells the parts of a face apart, or None.
        recogniser: gives the ID vectors, or None.
        mode: "published" keeps every quirk of the published pipelines, "corrected" mends them; "auto" is corrected for
            weights whose metadata says that they were trained so, published for all others.
        purpose: the published pipelines differ for inpainting.

    Raises:
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
        InvalidSettingError: if there is no such pipeline for the adapter.
    """
    flavour = choose_flavour(adapter, mode, purpose)
    logger.info("%s: %s behaviour of %s", NAME, flavour.mode, flavour.pipeline.name)
    width = adapter.id_projection.image_width
    encoders = ConsistentIDEncoders(
        clip=None if clip_vision is None else image_encoder(clip_vision, width=width, size=CLIP_SIZE),
        parser=None if face_parser is None else RememberedParser(face_parser),
        recogniser=None if recogniser is None else RememberedRecogniser(recogniser),
    )
    encoder = nn.ModuleDict({"projection": adapter.id_projection, "facial_encoder": adapter.facial_encoder})
    return LoadedConsistentID(adapter, flavour, manage(encoder), manage(adapter.attention), encoders)


def choose_consistentid(
    *,
    consistentid: str = AUTO,
    mode: Choice = "auto",
    purpose: Purpose = "text to image",
    recogniser: str = AUTO,
    clip_vision_file: str = AUTO,
    face_parser_file: str = AUTO,
    clip_vision: Any = None,
    face_parser: FaceParser | None = None,
) -> LoadedConsistentID:
    """Load ConsistentID with all that it needs.

    Only the adapter's own file must be there; each encoder is missed when it is needed.

    Args:
        consistentid: a file of models/consistentid, or "auto".
        mode, purpose: see `new_consistentid`.
        recogniser: an ONNX file of models/insightface, or "auto": the one that the published adapters were trained with.
        clip_vision_file: a file of models/clip_vision, or "auto": one of the width that the adapter was trained with.
        face_parser_file: a file of models/face_parsing, or "auto".
        clip_vision: a CLIP_VISION that is loaded already, used instead of the file.
        face_parser: a parser that is loaded already, used instead of the file.

    Raises:
        MissingModelFileError: if a file that is named, or the adapter's, is not there.
        UnknownCheckpointError: if a named file is something else.
        IncompatibleBaseModelError: if the CLIP vision model is of another size.
        InvalidSettingError: if there is no such pipeline for the adapter.
    """
    path = choose_file(consistentid, FOLDER, CONSISTENTID)
    if path is None:
        raise MissingModelFileError(
            f"No ConsistentID file was found in {model_folder(FOLDER)}; put one there (published: ConsistentID-v1.bin for "
            "SD1.5, ConsistentID_SDXL-v1.bin for SDXL) and reload the page."
        )
    adapter = load(path, dtype=attention_dtype())
    found = recogniser_file(recogniser, RECOGNISER)
    if clip_vision is None:
        clip_vision = find_clip_vision(clip_vision_file, width=adapter.id_projection.image_width)
    return new_consistentid(
        adapter,
        clip_vision=clip_vision,
        face_parser=_find_parser(face_parser_file) if face_parser is None else face_parser,
        recogniser=None if found is None else ArcFace(found),
        mode=mode,
        purpose=purpose,
    )


def _find_parser(choice: str) -> FaceParser | None:
    path = choose_file(choice, PARSERS, FACE_PARSER)
    return None if path is None else load_once(path, "face parser", lambda: load_face_parser(path))
